// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"slices"
	"time"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
)

const (
	// upkeepEvery is how often the store checks the clock, and so how late it can
	// notice a new day.
	upkeepEvery = time.Minute
	// retainEvery is how often retention runs within a day.
	retainEvery = time.Hour
	// idleAfter is how long a file stays open after its last append.
	idleAfter = time.Minute
)

// startUpkeep starts the background work, which goes on until ctx ends.
func (s *Store) startUpkeep(ctx context.Context) {
	s.upkeep.Go(func() { s.keepUp(ctx) })
	if s.opts.Sync == SyncInterval {
		s.upkeep.Go(func() { s.keepSyncing(ctx) })
	}
	if s.opts.Compression != dayfile.Plain {
		s.upkeep.Go(func() { s.keepCompressing(ctx) })
	}
}

// keepUp runs retention and compression at the start, when a day ends or is closed,
// and every hour.
func (s *Store) keepUp(ctx context.Context) {
	ticker := time.NewTicker(upkeepEvery)
	defer ticker.Stop()
	var clock clockWatch
	var due schedule
	for {
		now := s.opts.Now()
		if jump := clock.look(now); jump != 0 {
			s.observer.ClockJumped(jump)
		}
		if due.now(now, s.opts.Location) {
			if !clock.doubted() {
				s.retain(ctx)
			}
			select {
			case s.compressNow <- struct{}{}:
			default: // A request is pending.
			}
		}
		s.closeIdle()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// schedule decides when retention and compression are due.
type schedule struct {
	last          time.Time // on the monotonic clock
	today, closed dayfile.Day
}

func (d *schedule) now(wall time.Time, loc *time.Location) bool {
	today, closed := dayfile.DayOf(wall, loc), dayfile.DayOf(wall.Add(-closeGrace), loc)
	if !d.last.IsZero() && today == d.today && closed == d.closed && time.Since(d.last) < retainEvery {
		return false
	}
	*d = schedule{last: time.Now(), today: today, closed: closed}
	return true
}

// keepSyncing syncs all files every interval.
func (s *Store) keepSyncing(ctx context.Context) {
	ticker := time.NewTicker(s.opts.SyncInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.syncAll()
		}
	}
}

func (s *Store) syncAll() {
	for _, a := range s.all() {
		a.syncInBackground()
	}
}

// closeIdle closes the files that have not been appended to for a while.
func (s *Store) closeIdle() {
	for _, a := range s.all() {
		a.mu.Lock()
		if a.handle != nil && time.Since(a.lastUse) >= idleAfter {
			if err := a.close(); err != nil {
				s.observer.Failed(OpSync, a.name, err)
			}
		}
		a.mu.Unlock()
	}
	s.forgetUnused()
}

// all returns all appenders, oldest day first.
func (s *Store) all() []*appender {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*appender, 0, len(s.appenders))
	for _, a := range s.appenders {
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b *appender) int { return a.day.Compare(b.day) })
	return all
}

// forgetUnused removes appenders that are no longer needed.
func (s *Store) forgetUnused() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, a := range s.appenders {
		if a.users > 0 || !a.mu.TryLock() {
			continue
		}
		// An appender is needed for its undo, and for lastUse as long as that delays
		// compression.
		if a.handle == nil && a.undo == nil && time.Since(a.lastUse) >= closeGrace {
			delete(s.appenders, key)
		}
		a.mu.Unlock()
	}
}

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
