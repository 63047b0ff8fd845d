// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// lockName is the lock file in the directory. It is never removed, because two
// processes could hold the lock of a removed file.
const lockName = ".lock"

// osDisk is a Dir of the operating system.
type osDisk struct {
	path string
	mode fs.FileMode
	aio  aio

	// mu guards root and lock, which Attach replaces.
	mu   sync.RWMutex
	root *os.Root
	lock *os.File
}

// Open locks a directory, and creates it if it does not exist.
func Open(path string, mode fs.FileMode) (Dir, error) {
	// An absolute path does not depend on the working directory.
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find directory: %w", err)
	}
	d := &osDisk{path: path, mode: mode}
	if err := d.attach(); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *osDisk) Attach() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	there, err := os.Stat(d.path)
	if err == nil {
		held, err := d.root.Stat(".")
		if err == nil && os.SameFile(there, held) {
			return nil
		}
	}
	return d.attach()
}

// attach opens and locks the directory that the path leads to now, and releases
// the previous one.
func (d *osDisk) attach() error {
	if err := makeDirs(d.path, d.mode); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	root, err := os.OpenRoot(d.path)
	if err != nil {
		return fmt.Errorf("open directory: %w", err)
	}
	lock, err := lockDir(root)
	if err != nil {
		return errors.Join(err, root.Close())
	}
	var closeErr error
	if d.root != nil {
		closeErr = errors.Join(d.lock.Close(), d.root.Close())
	}
	d.root, d.lock = root, lock
	return closeErr
}

// lockDir takes the lock of the directory, without waiting for it. The operating
// system releases the lock when the process ends.
func lockDir(root *os.Root) (*os.File, error) {
	lock, err := root.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, fmt.Errorf("open lock file of %s: %w", root.Name(), err)
	}
	if err := tryLock(lock); err != nil {
		err = fmt.Errorf("lock %s%s: %w", lock.Name(), holder(lock), err)
		return nil, errors.Join(err, lock.Close())
	}
	// The process ID is for the error of the next process. A full disk must not
	// prevent the start.
	if err := lock.Truncate(0); err == nil {
		_, _ = lock.WriteString(strconv.Itoa(os.Getpid()) + "\n")
	}
	return lock, nil
}

// holder says which process holds a lock, if the lock file has its ID.
func holder(lock *os.File) string {
	var text [16]byte
	n, _ := lock.ReadAt(text[:], 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text[:n])))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (held by process %d)", pid)
}

// makeDirs is os.MkdirAll, but new directories have exactly the given mode and
// survive a power cut.
func makeDirs(path string, mode fs.FileMode) error {
	info, err := os.Stat(path)
	if err == nil {
		if !info.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: path, Err: errNotDir}
		}
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(path)
	if parent != path {
		if err := makeDirs(parent, mode); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, mode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := os.Chmod(path, mode); err != nil {
		return err
	}
	dir, err := os.Open(parent)
	if err != nil {
		return err
	}
	return errors.Join(syncDir(dir), dir.Close())
}

func (d *osDisk) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return errors.Join(d.aio.close(), d.lock.Close(), d.root.Close())
}

func (d *osDisk) held() *os.Root {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.root
}

func (d *osDisk) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := d.held().OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	if flag&os.O_EXCL != 0 {
		// The umask has removed bits.
		if err := chmod(f, perm); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return newOSFile(f, &d.aio)
}

// Lstat uses the whole path, not the open directory, to find out whether the path
// still leads to the file that is being appended to.
func (d *osDisk) Lstat(name string) (fs.FileInfo, error) {
	return os.Lstat(d.path + string(filepath.Separator) + filepath.FromSlash(name))
}

func (d *osDisk) Mkdir(name string, perm fs.FileMode) error {
	root := d.held()
	if err := root.Mkdir(name, perm); err != nil {
		return err
	}
	return root.Chmod(name, perm)
}

func (d *osDisk) ReadDir(name string) ([]fs.DirEntry, error) {
	dir, err := d.held().Open(name)
	if err != nil {
		return nil, err
	}
	entries, err := dir.ReadDir(-1)
	return entries, errors.Join(err, dir.Close())
}

func (d *osDisk) Remove(name string) error { return d.held().Remove(name) }

func (d *osDisk) Rename(oldName, newName string) error { return d.held().Rename(oldName, newName) }

func (d *osDisk) SyncDir(name string) error {
	dir, err := d.held().Open(name)
	if err != nil {
		return err
	}
	return errors.Join(syncDir(dir), dir.Close())
}

func (d *osDisk) Free() (uint64, error) { return freeBytes(d.path) }
