// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
)

// fileKey identifies an appender.
type fileKey struct {
	signal dayfile.Signal
	day    dayfile.Day
}

// maxOpen is how many files are open at once. Only a replay of years reaches it.
const maxOpen = 64

// enter returns the appenders of the parts' days. The store stays open until leave.
func (s *Store) enter(signal dayfile.Signal, parts []Part) ([]*appender, error) {
	appenders := make([]*appender, 0, len(parts))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	s.running++
	for _, part := range parts {
		appenders = append(appenders, s.use(fileKey{signal, part.Day}))
	}
	return appenders, nil
}

// use returns the appender of a file and counts its user. The caller holds mu.
func (s *Store) use(key fileKey) *appender {
	a := s.appenders[key]
	if a == nil {
		a = &appender{store: s, signal: key.signal, day: key.day, name: dayfile.Path(key.signal, key.day, dayfile.Plain)}
		s.appenders[key] = a
	}
	a.users++
	return a
}

func (s *Store) leave(appenders []*appender) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range appenders {
		a.users--
	}
	s.running--
	if s.closed && s.running == 0 {
		close(s.idle)
	}
}

// closeLeastUsed closes the least recently used file if too many are open.
func (s *Store) closeLeastUsed() {
	oldest, open := s.leastUsed()
	if oldest == nil {
		return
	}
	defer oldest.mu.Unlock()
	if open < maxOpen {
		return
	}
	if err := oldest.close(); err != nil {
		s.observer.Failed(OpSync, oldest.name, err)
	}
}

// leastUsed returns the least recently used appender with an open file, locked, and
// the number of open files. It skips appenders that are locked.
func (s *Store) leastUsed() (oldest *appender, open int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.appenders {
		// Do not wait for an append.
		if !a.mu.TryLock() {
			open++
			continue
		}
		if a.handle == nil {
			a.mu.Unlock()
			continue
		}
		open++
		if oldest != nil && oldest.lastUse.Before(a.lastUse) {
			a.mu.Unlock()
			continue
		}
		if oldest != nil {
			oldest.mu.Unlock()
		}
		oldest = a
	}
	return oldest, open
}
