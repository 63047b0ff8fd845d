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

// Errors that callers tell apart, with errors.Is.
var (
	// ErrLocked is returned by Open where somebody else appends to the
	// directory.
	ErrLocked = errors.New("directory is in use by another process, or twice by this one")
	// ErrNotRegular is returned for a directory, a link, a pipe and the like in
	// the place of a file.
	ErrNotRegular = errors.New("not a regular file")
)

// Dir is the only way in which the store touches its directory. Names are
// slash-separated paths inside it. Tests put faults between the two.
type Dir interface {
	// Attach makes sure that the directory's path still leads to the
	// directory that is held and locked. Where it does not (somebody moved
	// or removed it), the directory at the path is made, locked and held
	// from now on.
	Attach() error
	// Close gives the directory and its lock free.
	Close() error

	// OpenFile opens a file as os.OpenFile does, but never one that lies
	// outside of the directory. A new file gets exactly the mode perm.
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	// Lstat describes what the path leads to at this moment.
	Lstat(name string) (fs.FileInfo, error)
	// Mkdir makes a directory of exactly the mode perm.
	Mkdir(name string, perm fs.FileMode) error
	ReadDir(name string) ([]fs.DirEntry, error)
	Remove(name string) error
	Rename(oldName, newName string) error
	// SyncDir makes what was made, renamed and removed in a directory
	// durable, where the system knows such a thing.
	SyncDir(name string) error
	// Free is the number of bytes that can still be written.
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
	// Sync makes the file's bytes and its length durable.
	Sync() error
}
