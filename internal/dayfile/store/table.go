// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
)

// fileKey is what an appender is found by.
type fileKey struct {
	signal dayfile.Signal
	day    dayfile.Day
}

// maxOpen is how many files are open for appending at once: far more than
// days are appended to, unless a replay brings the entries of years.
const maxOpen = 64

// enter finds the appenders of the parts' days and keeps the store open until
// leave.
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

// use returns the appender of a file and counts the user. The caller holds mu.
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

// closeLeastUsed closes the file that was not used for longest, where too many
// are open and one is not in use.
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
		s.tell.Failed(OpSync, oldest.name, err)
	}
}

// leastUsed finds and locks the appender that was not used for longest among
// those that are open and not in use, and counts the open ones.
func (s *Store) leastUsed() (oldest *appender, open int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.appenders {
		// Who appends just now is not waited for.
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
