// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import "time"

const (
	// jumpFrom is how far the wall clock must move by itself to be doubted.
	jumpFrom = 24 * time.Hour
	// doubtFor is how long it is doubted, unless it moves back.
	doubtFor = 24 * time.Hour
)

// clockWatch notices a wall clock that jumped ahead, by the clock that never
// jumps. A machine whose time is set wrong by a year must not lose the files of
// a year within the minute; somebody has a day to set it right.
type clockWatch struct {
	wall, steady time.Time // at the last look
	ahead        time.Duration
	until        time.Time // by the steady clock
}

// look returns how far the clock jumped since the last look, if that is far.
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

// doubted tells whether the clock may be ahead of the time.
func (w *clockWatch) doubted() bool { return w.steady.Before(w.until) }
