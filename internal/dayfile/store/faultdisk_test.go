// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile/daytest"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/disk"
)

// faultDisk is a real directory that injects faults and knows what a power cut would
// leave. Therefore it need not really sync.
type faultDisk struct {
	disk.Dir
	dir   string
	stash string // where removed files are kept, in case a power cut brings them back

	mu sync.Mutex
	// fault is called before each operation; nil injects nothing. short is how many
	// bytes a failing write writes.
	fault func(op, name string) error
	short int
	// space is how many bytes a write may have; 0 is no limit.
	space int
	// free replaces Free unless it is nil.
	free func() (uint64, error)
	// synced is how many bytes of each file survive a power cut.
	synced map[string]int64
	// unsynced are functions that undo the changes of names since the last sync of
	// their directory.
	unsynced map[string][]func() error
	stashed  int
}

var (
	errInjected = errors.New("injected fault")
	errNoSpace  = fmt.Errorf("injected: %w", syscall.ENOSPC)
	errCrashed  = errors.New("crashed")
)

// newFaultDisk returns a fault disk for a directory that a store will open.
func newFaultDisk(t testing.TB, dir string) *faultDisk {
	return &faultDisk{dir: dir, stash: daytest.TempDir(t), synced: map[string]int64{}, unsynced: map[string][]func() error{}}
}

// under returns options for a store on the fault disk.
func (d *faultDisk) under(opts Options) Options {
	opts.Directory = d.dir
	opts.openDir = func(path string, mode fs.FileMode) (disk.Dir, error) {
		var err error
		d.Dir, err = disk.Open(path, mode)
		return d, err
	}
	return opts
}

// openFaulty opens a store on a fault disk.
func openFaulty(t testing.TB, opts Options) (*Store, *faultDisk) {
	t.Helper()
	d := newFaultDisk(t, opts.Directory)
	s, err := Open(d.under(opts))
	require.NoError(t, err)
	return s, d
}

// kill ends a store like kill -9: nothing is synced or finished.
func kill(t testing.TB, s *Store) {
	t.Helper()
	s.stop()
	s.upkeep.Wait()
	for _, a := range s.all() {
		a.mu.Lock()
		if a.handle != nil {
			require.NoError(t, a.handle.file.Close())
		}
		a.mu.Unlock()
	}
	require.NoError(t, s.dir.Close())
}

// setFault makes f decide which operations fail.
func (d *faultDisk) setFault(f func(op, name string) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = f
}

// setSpace sets how many bytes a write may have.
func (d *faultDisk) setSpace(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.space = n
}

// setShort sets how many bytes a failing write writes.
func (d *faultDisk) setShort(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.short = n
}

// durable returns how many bytes of the file logs22 survive a power cut.
func (d *faultDisk) durable() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.synced[logs22]
}

// failOnce makes the next operation of that kind fail; a write first writes short
// bytes.
func (d *faultDisk) failOnce(op string, err error, short int) {
	var done atomic.Bool
	d.mu.Lock()
	defer d.mu.Unlock()
	d.short = short
	d.fault = func(o, _ string) error {
		if o == op && done.CompareAndSwap(false, true) {
			return err
		}
		return nil
	}
}

func (d *faultDisk) check(op, name string) error {
	d.mu.Lock()
	fault := d.fault
	d.mu.Unlock()
	if fault == nil {
		return nil
	}
	return fault(op, name)
}

// powerCut undoes what was not synced. Of the changes of names, those that the bits of
// kept select survive. Each file keeps its synced bytes and as many of the others as
// cut decides.
func (d *faultDisk) powerCut(t testing.TB, kept uint, cut func(name string, synced, written int64) int64) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, undo := range d.unsynced {
		for i, takeBack := range slices.Backward(undo) {
			if kept>>i&1 == 1 {
				continue
			}
			// The test may have removed the file.
			if err := takeBack(); !errors.Is(err, fs.ErrNotExist) {
				require.NoError(t, err)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.synced)) {
		synced := d.synced[name]
		path := filepath.Join(d.dir, name)
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		require.NoError(t, err)
		if info.Size() > synced {
			require.NoError(t, os.Truncate(path, cut(name, synced, info.Size())))
		}
	}
}

func toSynced(_ string, synced, _ int64) int64 { return synced }

func (d *faultDisk) OpenFile(name string, flag int, perm fs.FileMode) (disk.File, error) {
	if err := d.check("open", name); err != nil {
		return nil, err
	}
	f, err := d.Dir.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if flag&os.O_EXCL != 0 {
		d.synced[name] = 0
		d.undone(name, func() error { return d.Dir.Remove(name) })
	} else if _, known := d.synced[name]; !known {
		info, err := f.Stat()
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		d.synced[name] = info.Size()
	}
	return &faultFile{File: f, disk: d, name: name}, nil
}

// undone records how to undo a change of names. The caller holds mu.
func (d *faultDisk) undone(name string, undo func() error) {
	dir := path.Dir(name)
	d.unsynced[dir] = append(d.unsynced[dir], undo)
}

// keep links a file that is about to lose its name, and returns a function that
// restores the name. The caller holds mu.
func (d *faultDisk) keep(name string) (func() error, error) {
	d.stashed++
	stash := filepath.Join(d.stash, strconv.Itoa(d.stashed))
	full := filepath.Join(d.dir, name)
	if err := os.Link(full, stash); err != nil {
		return nil, err
	}
	synced := d.synced[name]
	return func() error {
		d.synced[name] = synced
		return os.Rename(stash, full)
	}, nil
}

func (d *faultDisk) Remove(name string) error {
	if err := d.check("remove", name); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	restore, err := d.keep(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := d.Dir.Remove(name); err != nil {
		return err
	}
	delete(d.synced, name)
	d.undone(name, restore)
	return nil
}

func (d *faultDisk) Rename(from, to string) error {
	if err := d.check("rename", to); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	restore, err := d.keep(to)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := d.Dir.Rename(from, to); err != nil {
		return err
	}
	d.synced[to] = d.synced[from]
	delete(d.synced, from)
	d.undone(to, func() error {
		err := d.Dir.Rename(to, from)
		d.synced[from] = d.synced[to]
		delete(d.synced, to)
		if restore != nil {
			err = errors.Join(err, restore())
		}
		return err
	})
	return nil
}

func (d *faultDisk) Mkdir(name string, perm fs.FileMode) error {
	if err := d.check("mkdir", name); err != nil {
		return err
	}
	if err := d.Dir.Mkdir(name, perm); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.undone(name, func() error { return os.RemoveAll(filepath.Join(d.dir, name)) })
	return nil
}

func (d *faultDisk) Lstat(name string) (fs.FileInfo, error) {
	if err := d.check("lstat", name); err != nil {
		return nil, err
	}
	return d.Dir.Lstat(name)
}

func (d *faultDisk) Free() (uint64, error) {
	if d.free != nil {
		return d.free()
	}
	return d.Dir.Free()
}

func (d *faultDisk) SyncDir(name string) error {
	if err := d.check("syncdir", name); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.unsynced[path.Clean(name)] = nil
	return nil
}

type faultFile struct {
	disk.File
	disk *faultDisk
	name string
}

func (f *faultFile) Write(b []byte) (int, error) {
	if err := f.disk.check("write", f.name); err != nil {
		f.disk.mu.Lock()
		short := f.disk.short
		f.disk.mu.Unlock()
		n, writeErr := f.File.Write(b[:min(short, len(b))])
		return n, errors.Join(err, writeErr)
	}
	f.disk.mu.Lock()
	space := f.disk.space
	f.disk.mu.Unlock()
	if space > 0 && len(b) > space {
		n, err := f.File.Write(b[:space])
		return n, errors.Join(err, errNoSpace)
	}
	return f.File.Write(b)
}

func (f *faultFile) Truncate(size int64) error {
	if err := f.disk.check("truncate", f.name); err != nil {
		return err
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	// A power cut cannot leave more than the truncated file.
	f.disk.synced[f.name] = min(f.disk.synced[f.name], size)
	return f.File.Truncate(size)
}

func (f *faultFile) Sync() error {
	if err := f.disk.check("sync", f.name); err != nil {
		return err
	}
	info, err := f.File.Stat()
	if err != nil {
		return err
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	// If the file was renamed, its sync says nothing about the file that has the name
	// now.
	if now, err := f.disk.Dir.Lstat(f.name); err == nil && os.SameFile(now, info) {
		f.disk.synced[f.name] = max(f.disk.synced[f.name], info.Size())
	}
	return nil
}

func (f *faultFile) SyncParked() error { return f.Sync() }

func (f *faultFile) Close() error {
	return errors.Join(f.disk.check("close", f.name), f.File.Close())
}
