// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/disk"
)

// Part is the lines of one day.
type Part struct {
	Day dayfile.Day
	// Lines are one or more lines, each with its '\n'.
	Lines []byte
}

// Append appends the parts to the files of their days: all or none. The days must
// be in ascending order. With SyncCommit, a failed sync of one day leaves the parts
// of other days in their files. Append is safe for concurrent use.
func (s *Store) Append(signal dayfile.Signal, parts ...Part) error {
	size, err := check(signal, parts)
	if err != nil {
		return err
	}
	appenders, err := s.enter(signal, parts)
	if err != nil {
		return err
	}
	defer s.leave(appenders)
	if err := s.space.take(size); err != nil {
		return err
	}
	if s.opts.Sync == SyncCommit {
		err = s.committer.append(appenders, parts)
	} else {
		err = writeLocked(appenders, parts)
	}
	if disk.IsFull(err) {
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	return err
}

// check returns the size of the parts, or ErrInvalid for a mistake of the caller.
func check(signal dayfile.Signal, parts []Part) (size int, err error) {
	if !signal.Valid() {
		return 0, fmt.Errorf("%w: unknown signal %q", ErrInvalid, signal)
	}
	for i, part := range parts {
		if len(part.Lines) == 0 || part.Lines[len(part.Lines)-1] != '\n' {
			return 0, fmt.Errorf("%w: the last line does not end with a newline", ErrInvalid)
		}
		if i > 0 && !parts[i-1].Day.Before(part.Day) {
			return 0, fmt.Errorf("%w: the days are not in ascending order", ErrInvalid)
		}
		size += len(part.Lines)
	}
	return size, nil
}

// writeLocked writes all parts or none.
func writeLocked(appenders []*appender, parts []Part) error {
	// Every append locks in the order of days, so there is no deadlock.
	for _, a := range appenders {
		a.mu.Lock()
		defer a.mu.Unlock()
	}
	return write(appenders, parts)
}

// write writes all parts or none. The caller holds the mu of every appender.
func write(appenders []*appender, parts []Part) error {
	for i, a := range appenders {
		err := a.write(parts[i].Lines)
		if err == nil {
			continue
		}
		for j, a := range appenders[:i] {
			a.takeBack(a.handle.end-int64(len(parts[j].Lines)), a.handle.end)
		}
		return err
	}
	return nil
}
