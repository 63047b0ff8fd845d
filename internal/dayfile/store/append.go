// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
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

// Append appends the parts, whose days ascend, to the files of their days: all
// of them or none. Only a failed sync, with SyncCommit, may leave the parts of
// other days where they are. Many goroutines may append at once.
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
	err = s.append(appenders, parts)
	if disk.IsFull(err) {
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	return err
}

// check finds mistakes of the caller.
func check(signal dayfile.Signal, parts []Part) (size int, err error) {
	if !signal.Valid() {
		return 0, fmt.Errorf("%w: no signal is called %q", ErrInvalid, signal)
	}
	for i, part := range parts {
		if len(part.Lines) == 0 || part.Lines[len(part.Lines)-1] != '\n' {
			return 0, fmt.Errorf("%w: the last line has no end", ErrInvalid)
		}
		if i > 0 && !parts[i-1].Day.Before(part.Day) {
			return 0, fmt.Errorf("%w: the days are not in order", ErrInvalid)
		}
		size += len(part.Lines)
	}
	return size, nil
}

// append writes all parts, then waits until all are durable.
func (s *Store) append(appenders []*appender, parts []Part) error {
	tickets, err := s.write(appenders, parts)
	if err != nil {
		return err
	}
	for i := range tickets {
		err = errors.Join(err, tickets[i].wait())
	}
	return err
}

// write writes all parts or none.
func (s *Store) write(appenders []*appender, parts []Part) ([]ticket, error) {
	// The order of days is the order of locking, for everybody.
	for _, a := range appenders {
		a.mu.Lock()
		defer a.mu.Unlock()
	}
	tickets := make([]ticket, 0, len(parts))
	for i, a := range appenders {
		from, err := a.write(parts[i].Lines)
		if err != nil {
			for _, t := range tickets {
				t.appender.takeBack(t.from, t.handle.end)
			}
			return nil, err
		}
		tickets = append(tickets, ticket{appender: a, handle: a.handle, from: from})
	}
	for i := range tickets {
		tickets[i].join(s.opts.Sync)
	}
	return tickets, nil
}

// ticket is one part on its way to the disk.
type ticket struct {
	appender *appender
	handle   *handle
	from     int64 // where the part begins in the file

	// group is nil where nobody waits for the sync.
	group *group
	leads bool
	err   error
}

// join lets the next sync serve the part. The caller holds the appender's mu.
func (t *ticket) join(mode SyncMode) {
	if mode != SyncCommit {
		t.handle.wrote(t.handle.end)
		return
	}
	t.group, t.leads, t.err = t.handle.join(t.handle.end)
}

// wait returns when the part is durable, or will never be.
func (t *ticket) wait() error {
	switch {
	case t.leads:
		if t.err = t.handle.commit(t.group); t.err != nil {
			t.appender.syncFailed(t.handle, t.err)
		}
	case t.group != nil:
		<-t.group.done
		t.err = t.group.err
	}
	if t.err != nil {
		return fmt.Errorf("sync %s: %w", t.appender.name, t.err)
	}
	return nil
}
