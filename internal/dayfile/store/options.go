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

// Errors that callers tell apart, with errors.Is. Every error but ErrInvalid
// may be gone at the next try.
var (
	// ErrClosed is returned once Close was called.
	ErrClosed = errors.New("store is closed")
	// ErrDiskFull is returned where there is no space, or less than is to be
	// kept free.
	ErrDiskFull = errors.New("disk is full")
	// ErrInvalid is returned for what no store will ever take.
	ErrInvalid = errors.New("invalid append")
)

// SyncMode is when appended lines are made durable.
type SyncMode string

// The modes of syncing.
const (
	// SyncCommit syncs before Append returns, once for all who wait. What
	// was acknowledged survives a power cut.
	SyncCommit SyncMode = "commit"
	// SyncInterval syncs every SyncInterval. A power cut loses what was
	// acknowledged since the last sync, the end of the process nothing.
	SyncInterval SyncMode = "interval"
	// SyncNone leaves it to the system when bytes reach the disk, for Linux
	// about 30 s later. The end of the process loses nothing.
	SyncNone SyncMode = "none"
)

// Options say how a Store works. Directory is needed, everything else has a
// meaning when it is zero.
type Options struct {
	// Directory is where the folders of the signals lie. It is made, with
	// its parents, where there is none.
	Directory string
	// Location is the time zone in which days are counted; nil is UTC.
	Location *time.Location

	// Sync is when appended lines are made durable; empty is SyncCommit.
	Sync SyncMode
	// SyncInterval is the time between two syncs of SyncInterval; 0 is 1 s.
	SyncInterval time.Duration

	// Compression is the form that closed days get; Plain leaves them.
	Compression dayfile.Form
	// RetentionDays is how many days before today are kept; 0 keeps all.
	RetentionDays int
	// MaxBytes is how much all files may take together before closed days
	// are deleted, the oldest first; 0 is no limit.
	MaxBytes int64
	// MinFreeBytes is how much is left free on the file system; 0 takes all.
	MinFreeBytes uint64

	// FileMode is the mode of new files; 0 is 0640.
	FileMode fs.FileMode
	// DirMode is the mode of new directories; 0 is 0750.
	DirMode fs.FileMode

	// Observer is told what happens; nil is nobody.
	Observer Observer
	// Now tells the time; nil is time.Now.
	Now func() time.Time

	// openDir is how tests put faults below the store.
	openDir func(path string, mode fs.FileMode) (disk.Dir, error)
}

// withDefaults fills in what zero values mean.
func (o Options) withDefaults() (Options, error) {
	if o.Directory == "" {
		return o, errors.New("no directory given")
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
