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
	err = s.append(appenders, parts)
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

// append writes all parts, then waits until they are durable.
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
	// Every append locks in the order of days, so there is no deadlock.
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

// ticket is a part that was written and may still have to be synced.
type ticket struct {
	appender *appender
	handle   *handle
	from     int64 // offset of the part in the file

	// group is nil if the append does not wait for a sync.
	group *group
	leads bool
	err   error
}

// join enters the part into the next sync. The caller holds the appender's mu.
func (t *ticket) join(mode SyncMode) {
	if mode != SyncCommit {
		t.handle.wrote(t.handle.end)
		return
	}
	t.group, t.leads, t.err = t.handle.join(t.handle.end)
}

// wait returns nil when the part is durable, or the error of its sync.
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
