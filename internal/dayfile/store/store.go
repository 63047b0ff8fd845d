// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package store appends whole lines to day files, syncs, compresses and deletes
// them. One store at a time holds the lock of a directory.
//
// A [Store] has an appender for each day and signal that is written to. The
// appender guarantees that it appends to the file that the path leads to, that
// this file ends with a whole line, and that it holds nothing of an append that
// failed. Its handle is that file while it is open, together with the offset up
// to which the file survives a power cut. A group is the appends that wait for
// the same sync of a handle.
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

// Store appends lines to the day files of one directory, which it has to
// itself, and keeps the directory in order.
//
// Invariants:
//
//   - When Append returns nil, its lines are in their files exactly once and,
//     with SyncCommit, durable. When it returns an error they are in no file,
//     or will be taken away before anything else is appended there.
//   - No file but one whose name ParseFileName understands (and what the
//     store itself put next to it) is ever changed or removed.
type Store struct {
	opts  Options
	dir   disk.Dir
	tell  Observer
	space space
	// rounds are those of the syncs that appends wait for.
	rounds rounds

	// stop ends the upkeep, which upkeep waits for.
	stop   context.CancelFunc
	upkeep sync.WaitGroup
	// compressNow asks for a round of compressing.
	compressNow chan struct{}

	// mu guards what follows and the users of every appender. It is held
	// only for moments; who holds it waits for no other lock.
	mu        sync.Mutex
	appenders map[fileKey]*appender
	closed    bool
	running   int           // Appends under way
	idle      chan struct{} // closed when closed and running is 0
}

// Open locks the directory and makes it ready for appending. It fails where
// the directory cannot be written to, and with ErrLocked where somebody else
// appends to it. How many files there are makes no difference to speak of.
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
		tell:        opts.Observer,
		space:       space{dir: dir, keep: opts.MinFreeBytes, tell: opts.Observer},
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

// openSignal makes one signal's folder ready.
func (s *Store) openSignal(signal dayfile.Signal) error {
	if err := s.makeSignalDir(signal); err != nil {
		return err
	}
	if err := s.probe(signal); err != nil {
		return err
	}
	return s.recover(signal)
}

// makeSignalDir makes the folder of a signal where there is none.
func (s *Store) makeSignalDir(signal dayfile.Signal) error {
	name := string(signal)
	err := s.dir.Mkdir(name, s.opts.DirMode)
	switch {
	case err == nil:
		return s.dir.SyncDir(".")
	case errors.Is(err, fs.ErrExist):
		info, err := s.dir.Lstat(name)
		if err == nil && !info.IsDir() {
			return fmt.Errorf("%s is no directory", name)
		}
		return err
	default:
		return fmt.Errorf("make directory: %w", err)
	}
}

// probe finds out whether files can be made in a signal's folder. A full disk
// is no reason not to start: it may have space again.
func (s *Store) probe(signal dayfile.Signal) error {
	name := path.Join(string(signal), probeName)
	f, err := s.dir.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		if disk.IsFull(err) {
			return nil
		}
		return fmt.Errorf("make a file: %w", err)
	}
	return errors.Join(f.Close(), s.dir.Remove(name))
}

// Close refuses new appends, waits for those under way, syncs and closes all
// files, ends the upkeep and gives the directory free. Where ctx ends first it
// returns the error of ctx, and a disk that hangs keeps what it has. Further
// calls return ErrClosed.
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
	s.mu.Lock()
	appenders := make([]*appender, 0, len(s.appenders))
	for _, a := range s.appenders {
		appenders = append(appenders, a)
	}
	s.mu.Unlock()
	var err error
	for _, a := range appenders {
		a.mu.Lock()
		err = errors.Join(err, a.close())
		a.mu.Unlock()
	}
	return errors.Join(err, s.dir.Close())
}

// Free is the number of bytes that the file system has free for the files.
func (s *Store) Free() (uint64, error) { return s.dir.Free() }

// today is the day on which entries are received now.
func (s *Store) today() dayfile.Day { return dayfile.DayOf(s.opts.Now(), s.opts.Location) }
