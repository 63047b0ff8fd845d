// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package store appends whole lines to day files, syncs, compresses and deletes
// them. One store at a time holds the lock of a directory.
//
// A [Store] has an appender for each day and signal that is written to. The
// appender guarantees that it appends to the file that the path leads to, that
// this file ends with a whole line, and that it holds nothing of an append that
// failed. Its handle is that file while it is open, together with the offset up
// to which the file survives a power cut. With SyncCommit, a committer writes and
// syncs what concurrent appends have for the same file together.
//
// Beyond the durable bytes of a file, a power cut can leave a part of what was
// appended, or zeros in its place. Checking the last line finds both, because
// nothing beyond the durable bytes was acknowledged.
//
// While a day is compressed, two more files exist: .gz.tmp, the compressed file
// under construction, and .gz.swap, a marker that keeps every line exactly once
// through a crash at any moment (see swap.go).
package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"sync"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/disk"
)

// Store appends lines to the day files of one directory, and compresses and deletes
// them. It holds the lock of the directory.
//
// Invariants:
//
//   - When Append returns nil, its lines are in their files exactly once and, with
//     SyncCommit, durable. When it returns an error, they are in no file, or will be
//     removed before the next append to that file.
//   - Only day files, and the files that the store puts next to them, are changed
//     or removed.
type Store struct {
	opts     Options
	dir      disk.Dir
	observer Observer
	space    space
	// committer serves the appends of SyncCommit.
	committer committer

	// stop ends the background work, and upkeep waits for it.
	stop   context.CancelFunc
	upkeep sync.WaitGroup
	// compressNow requests a run of compressClosed.
	compressNow chan struct{}

	// mu guards the fields below and the users of every appender. While it is held,
	// no other lock is waited for.
	mu        sync.Mutex
	appenders map[fileKey]*appender
	closed    bool
	running   int           // calls of Append
	idle      chan struct{} // closed when closed and running is 0
}

// Open locks the directory and prepares it for appending. It fails if the directory
// cannot be written to, and with disk.ErrLocked if it is locked. The number of files
// hardly matters.
func Open(opts Options) (*Store, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	dir, err := opts.openDir(opts.Directory, opts.DirMode)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Store{
		opts:        opts,
		dir:         dir,
		observer:    opts.Observer,
		space:       space{dir: dir, keep: opts.MinFreeBytes, observer: opts.Observer},
		stop:        stop,
		compressNow: make(chan struct{}, 1),
		appenders:   map[fileKey]*appender{},
		idle:        make(chan struct{}),
	}
	for _, signal := range dayfile.Signals() {
		if err := s.openSignal(signal); err != nil {
			stop()
			return nil, errors.Join(fmt.Errorf("open %s of %s: %w", signal, opts.Directory, err), dir.Close())
		}
	}
	s.startUpkeep(ctx)
	return s, nil
}

// openSignal prepares the folder of one signal.
func (s *Store) openSignal(signal dayfile.Signal) error {
	if err := s.makeSignalDir(signal); err != nil {
		return err
	}
	if err := s.probe(signal); err != nil {
		return err
	}
	return s.recover(signal)
}

// makeSignalDir creates the folder of a signal if it does not exist.
func (s *Store) makeSignalDir(signal dayfile.Signal) error {
	name := string(signal)
	err := s.dir.Mkdir(name, s.opts.DirMode)
	switch {
	case err == nil:
		return s.dir.SyncDir(".")
	case errors.Is(err, fs.ErrExist):
		info, err := s.dir.Lstat(name)
		if err == nil && !info.IsDir() {
			return fmt.Errorf("%s is not a directory", name)
		}
		return err
	default:
		return fmt.Errorf("create directory: %w", err)
	}
}

// probe checks that files can be created in a signal's folder. A full disk is no
// error: it may have space again later.
func (s *Store) probe(signal dayfile.Signal) error {
	name := path.Join(string(signal), probeName)
	f, err := s.dir.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		if disk.IsFull(err) {
			return nil
		}
		return fmt.Errorf("create a file: %w", err)
	}
	return errors.Join(f.Close(), s.dir.Remove(name))
}

// Close refuses new appends, waits for the current ones, stops the background work,
// syncs and closes all files and releases the directory. If ctx ends first, Close
// returns its error and the rest goes on in the background. Further calls return
// ErrClosed.
func (s *Store) Close(ctx context.Context) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	s.closed = true
	if s.running == 0 {
		close(s.idle)
	}
	s.mu.Unlock()
	s.stop()
	done := make(chan error, 1)
	go func() {
		<-s.idle
		s.upkeep.Wait()
		done <- s.closeFiles()
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("close day files: %w", context.Cause(ctx))
	}
}

func (s *Store) closeFiles() error {
	var err error
	for _, a := range s.all() {
		a.mu.Lock()
		err = errors.Join(err, a.close())
		a.mu.Unlock()
	}
	return errors.Join(err, s.dir.Close())
}

// Free returns the number of free bytes on the file system.
func (s *Store) Free() (uint64, error) { return s.dir.Free() }

// today returns the current day.
func (s *Store) today() dayfile.Day { return dayfile.DayOf(s.opts.Now(), s.opts.Location) }

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
