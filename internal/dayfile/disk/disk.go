// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package disk is the seam between the day files and the file system. Tests
// inject faults here.
package disk

import (
	"errors"
	"io"
	"io/fs"
)

// Errors to check with errors.Is.
var (
	// ErrLocked means that another process, or another Dir, holds the lock.
	ErrLocked = errors.New("directory is in use by another process, or twice by this one")
	// ErrNotRegular means that the path leads to a directory, a symbolic link, a
	// pipe or the like.
	ErrNotRegular = errors.New("not a regular file")
)

// Dir is a locked directory. A store reads and writes its files through it only.
// Names are slash-separated paths below the directory.
type Dir interface {
	// Attach checks that the path still leads to the locked directory. If the
	// directory was moved or removed, Attach creates and locks a new one.
	Attach() error
	// Close releases the directory and its lock.
	Close() error

	// OpenFile is os.OpenFile, but never opens a file outside of the directory. A
	// new file gets exactly the mode perm.
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	// Lstat describes what the path leads to now.
	Lstat(name string) (fs.FileInfo, error)
	// Mkdir creates a directory with exactly the mode perm.
	Mkdir(name string, perm fs.FileMode) error
	ReadDir(name string) ([]fs.DirEntry, error)
	Remove(name string) error
	Rename(oldName, newName string) error
	// SyncDir makes created, renamed and removed names durable, where the
	// operating system can do that.
	SyncDir(name string) error
	// Free returns the number of bytes that can still be written.
	Free() (uint64, error)
}

// File is an open file of a Dir.
type File interface {
	io.Reader
	io.ReaderAt
	io.Writer
	io.Closer
	Stat() (fs.FileInfo, error)
	Truncate(size int64) error
	// Sync makes the file's content and length durable.
	Sync() error
	// SyncParked is Sync for a program that has other work to do. Where the
	// operating system can do that, the calling goroutine does not occupy one of
	// the GOMAXPROCS processors while the disk works. It takes a little longer.
	SyncParked() error
}
