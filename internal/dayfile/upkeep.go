// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dayfile

import (
	"context"
	"slices"
	"time"
)

const (
	// upkeepEvery is how often the store looks at the clock. A day change
	// is noticed that late.
	upkeepEvery = time.Minute
	// retainEvery is how often retention runs within a day.
	retainEvery = time.Hour
	// idleAfter is how long a file that is not appended to stays open.
	idleAfter = time.Minute
)

// startUpkeep starts what goes on by itself until ctx ends.
func (s *Store) startUpkeep(ctx context.Context) {
	s.upkeep.Go(func() { s.keepUp(ctx) })
	if s.opts.Sync == SyncInterval {
		s.upkeep.Go(func() { s.keepSyncing(ctx) })
	}
}

// keepUp runs retention at the start, when the day changes and every hour.
func (s *Store) keepUp(ctx context.Context) {
	ticker := time.NewTicker(upkeepEvery)
	defer ticker.Stop()
	var day Day
	var last time.Time
	for {
		if today := s.today(); last.IsZero() || today != day || time.Since(last) >= retainEvery {
			day, last = today, time.Now()
			s.retain(ctx)
		}
		s.closeIdle()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// keepSyncing syncs what was appended, every interval.
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
		a.mu.Lock()
		h := a.handle
		a.mu.Unlock()
		if h == nil || h.failed() {
			continue
		}
		if err := h.syncNow(); err != nil {
			a.syncFailed(h, err)
		}
	}
}

// closeIdle closes the files that are not appended to any more.
func (s *Store) closeIdle() {
	for _, a := range s.all() {
		a.mu.Lock()
		if a.handle != nil && time.Since(a.lastUse) >= idleAfter {
			if err := a.close(); err != nil {
				s.tell.Failed(OpSync, a.name, err)
			}
		}
		a.mu.Unlock()
	}
	s.forgetUnused()
}

// all returns the appenders, oldest day first.
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

// forgetUnused keeps the table small.
func (s *Store) forgetUnused() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, a := range s.appenders {
		if a.users > 0 || !a.mu.TryLock() {
			continue
		}
		// What is still to be undone must not be forgotten.
		if a.handle == nil && a.undo == nil {
			delete(s.appenders, key)
		}
		a.mu.Unlock()
	}
}
