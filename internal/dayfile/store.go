// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dayfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"sync"
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
	disk  disk
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
	disk, err := opts.openDisk(opts.Directory, opts.DirMode)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Store{
		opts:        opts,
		disk:        disk,
		tell:        opts.Observer,
		space:       space{disk: disk, keep: opts.MinFreeBytes, tell: opts.Observer},
		stop:        stop,
		compressNow: make(chan struct{}, 1),
		appenders:   map[fileKey]*appender{},
		idle:        make(chan struct{}),
	}
	for _, signal := range Signals() {
		if err := s.openSignal(signal); err != nil {
			stop()
			return nil, errors.Join(fmt.Errorf("open %s of %s: %w", signal, opts.Directory, err), disk.Close())
		}
	}
	s.startUpkeep(ctx)
	return s, nil
}

// openSignal makes one signal's folder ready.
func (s *Store) openSignal(signal Signal) error {
	if err := s.makeSignalDir(signal); err != nil {
		return err
	}
	if err := s.probe(signal); err != nil {
		return err
	}
	return s.recover(signal)
}

// makeSignalDir makes the folder of a signal where there is none.
func (s *Store) makeSignalDir(signal Signal) error {
	name := string(signal)
	err := s.disk.Mkdir(name, s.opts.DirMode)
	switch {
	case err == nil:
		return s.disk.SyncDir(".")
	case errors.Is(err, fs.ErrExist):
		info, err := s.disk.Lstat(name)
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
func (s *Store) probe(signal Signal) error {
	name := path.Join(string(signal), probeName)
	f, err := s.disk.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		if isDiskFull(err) {
			return nil
		}
		return fmt.Errorf("make a file: %w", err)
	}
	return errors.Join(f.Close(), s.disk.Remove(name))
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
	return errors.Join(err, s.disk.Close())
}

// Free is the number of bytes that the file system has free for the files.
func (s *Store) Free() (uint64, error) { return s.disk.Free() }

// today is the day on which entries are received now.
func (s *Store) today() Day { return DayOf(s.opts.Now(), s.opts.Location) }
