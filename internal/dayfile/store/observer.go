// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"time"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
)

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
