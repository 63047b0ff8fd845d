// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/disk"
)

// Errors to check with errors.Is. All but ErrInvalid are worth a retry.
var (
	// ErrClosed is returned after Close was called.
	ErrClosed = errors.New("store is closed")
	// ErrDiskFull means that there is less free space than must be kept free, or
	// none.
	ErrDiskFull = errors.New("disk is full")
	// ErrInvalid is returned for an append that cannot succeed.
	ErrInvalid = errors.New("invalid append")
)

// SyncMode says when appended lines are synced to disk.
type SyncMode string

// The modes of syncing.
const (
	// SyncCommit syncs before Append returns, once for all waiting appends.
	// Acknowledged lines survive a power cut.
	SyncCommit SyncMode = "commit"
	// SyncInterval syncs every Options.SyncInterval. A power cut loses what was
	// acknowledged since the last sync; a crash of the process loses nothing.
	SyncInterval SyncMode = "interval"
	// SyncNone leaves it to the operating system when bytes reach the disk, on
	// Linux about 30 s later. A crash of the process loses nothing.
	SyncNone SyncMode = "none"
)

// Options configure a Store. Only Directory is required.
type Options struct {
	// Directory has the folders of the signals. It is created, with its parents,
	// if it does not exist.
	Directory string
	// Location is the time zone of the days; nil is UTC.
	Location *time.Location

	// Sync says when appended lines are synced; empty is SyncCommit.
	Sync SyncMode
	// SyncInterval is the time between two syncs in mode SyncInterval; 0 is 1 s.
	SyncInterval time.Duration

	// Compression is the form of closed days; Plain does not compress them.
	Compression dayfile.Form
	// RetentionDays is how many days before today are kept; 0 keeps all.
	RetentionDays int
	// MaxBytes is the size of all files above which closed days are deleted,
	// oldest first; 0 is no limit.
	MaxBytes int64
	// MinFreeBytes is the free space on the file system below which appends are
	// refused; 0 never refuses.
	MinFreeBytes uint64

	// FileMode is the mode of new files; 0 is 0640.
	FileMode fs.FileMode
	// DirMode is the mode of new directories; 0 is 0750.
	DirMode fs.FileMode

	// Observer receives the events of the store; nil is none.
	Observer Observer
	// Now returns the wall clock time; nil is time.Now.
	Now func() time.Time

	// openDir lets tests inject faults.
	openDir func(path string, mode fs.FileMode) (disk.Dir, error)
}

// withDefaults replaces zero values and checks the others.
func (o Options) withDefaults() (Options, error) {
	if o.Directory == "" {
		return o, errors.New("no directory is set")
	}
	if o.Location == nil {
		o.Location = time.UTC
	}
	if o.Sync == "" {
		o.Sync = SyncCommit
	}
	if o.SyncInterval <= 0 {
		o.SyncInterval = time.Second
	}
	if o.FileMode == 0 {
		o.FileMode = 0o640
	}
	if o.DirMode == 0 {
		o.DirMode = 0o750
	}
	if o.Observer == nil {
		o.Observer = NopObserver{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.openDir == nil {
		o.openDir = disk.Open
	}
	switch o.Sync {
	case SyncCommit, SyncInterval, SyncNone:
	default:
		return o, fmt.Errorf("unknown sync mode %q", o.Sync)
	}
	switch o.Compression {
	case dayfile.Plain, dayfile.Gzip, dayfile.Zstd:
	default:
		return o, fmt.Errorf("unknown compression %q", o.Compression)
	}
	return o, nil
}

// Observer receives the events of a Store, for metrics and logs. Its methods are
// called concurrently, some while a file is locked: they must be fast and must not
// call the Store. Names are paths relative to the directory.
type Observer interface {
	// Wrote is called after lines were appended to a file, synced or not.
	Wrote(signal dayfile.Signal, bytes int, took time.Duration)
	// Synced is called after a sync that the given number of appends waited for.
	Synced(signal dayfile.Signal, appends int, took time.Duration)
	// Deleted is called after retention deleted a file.
	Deleted(name string, size int64, reason Reason)
	// Compressed is called after a closed day was compressed.
	Compressed(name string, plain, compressed int64, took time.Duration)
	// SetAside is called after an incomplete line was moved from the end of a file
	// to the file aside.
	SetAside(name, aside string, size int64)
	// Changed is called when another program has changed a file that is being
	// appended to. what is the kind of change.
	Changed(name, what string)
	// ClockJumped is called when the wall clock has jumped by a day or more. After
	// a jump ahead, nothing is deleted for 24 hours unless the clock jumps back.
	ClockJumped(by time.Duration)
	// Failed is called for every error.
	Failed(op Op, name string, err error)
}

// Reason is why a file was deleted.
type Reason string

// The reasons to delete a file.
const (
	TooOld  Reason = "days"
	TooMuch Reason = "max_bytes"
)

// Op is the operation that failed.
type Op string

// The operations of a Store.
const (
	OpOpen     Op = "open"
	OpWrite    Op = "write"
	OpSync     Op = "sync"
	OpRepair   Op = "repair"
	OpDelete   Op = "delete"
	OpCompress Op = "compress"
	OpSpace    Op = "space"
)

// NopObserver ignores all events. Embed it to implement some methods only.
type NopObserver struct{}

var _ Observer = NopObserver{}

// Wrote implements Observer.
func (NopObserver) Wrote(dayfile.Signal, int, time.Duration) {}

// Synced implements Observer.
func (NopObserver) Synced(dayfile.Signal, int, time.Duration) {}

// Deleted implements Observer.
func (NopObserver) Deleted(string, int64, Reason) {}

// Compressed implements Observer.
func (NopObserver) Compressed(string, int64, int64, time.Duration) {}

// SetAside implements Observer.
func (NopObserver) SetAside(string, string, int64) {}

// Changed implements Observer.
func (NopObserver) Changed(string, string) {}

// ClockJumped implements Observer.
func (NopObserver) ClockJumped(time.Duration) {}

// Failed implements Observer.
func (NopObserver) Failed(Op, string, error) {}
