// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import "time"

const (
	// jumpFrom is the smallest jump that counts.
	jumpFrom = 24 * time.Hour
	// doubtFor is how long the clock is doubted, unless it jumps back.
	doubtFor = 24 * time.Hour
)

// clockWatch detects jumps of the wall clock by comparing it with the monotonic
// clock. If the time of a machine is set wrong by a year, retention must not delete
// the files of a year within a minute: there is a day to correct it.
type clockWatch struct {
	wall, steady time.Time // at the last call of look
	ahead        time.Duration
	until        time.Time // on the monotonic clock
}

// look returns how far the clock has jumped since the last call, or 0 if that is
// less than jumpFrom.
func (w *clockWatch) look(wall time.Time) (jump time.Duration) {
	wall, steady := wall.Round(0), time.Now()
	if !w.wall.IsZero() {
		jump = wall.Sub(w.wall) - steady.Sub(w.steady)
	}
	w.wall, w.steady = wall, steady
	if steady.After(w.until) {
		w.ahead = 0
	}
	if jump.Abs() < jumpFrom {
		return 0
	}
	w.ahead += jump
	w.until = time.Time{}
	if w.ahead >= jumpFrom {
		w.until = steady.Add(doubtFor)
	}
	return jump
}

// doubted reports whether the clock may be ahead of the real time.
func (w *clockWatch) doubted() bool { return w.steady.Before(w.until) }
