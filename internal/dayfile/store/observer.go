// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"time"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
)

// Observer is told what a Store does, for metrics and logs. Its methods are
// called from many goroutines, some while a file is locked: they must be quick
// and must not call the Store. Names are paths inside the directory.
type Observer interface {
	// Wrote is called after lines were appended to a file, synced or not.
	Wrote(signal dayfile.Signal, bytes int, took time.Duration)
	// Synced is called after a file was synced for that many appends.
	Synced(signal dayfile.Signal, appends int, took time.Duration)
	// Deleted is called after retention deleted a file.
	Deleted(name string, size int64, reason Reason)
	// Compressed is called after a closed day was compressed.
	Compressed(name string, plain, compressed int64, took time.Duration)
	// SetAside is called after bytes that are no whole line were moved from
	// the end of a file to one of their own.
	SetAside(name, aside string, size int64)
	// Changed is called when somebody else did something to a file that was
	// being appended to: what tells what it was.
	Changed(name, what string)
	// ClockJumped is called when the wall clock moved by itself, by a day or
	// more. Where it moved ahead, nothing is deleted for the next 24 hours
	// unless it moves back.
	ClockJumped(by time.Duration)
	// Failed is called for everything that went wrong.
	Failed(op Op, name string, err error)
}

// Reason is why a file was deleted.
type Reason string

// The reasons to delete a file.
const (
	TooOld  Reason = "days"
	TooMuch Reason = "max_bytes"
)

// Op is what a Store was doing when something went wrong.
type Op string

// What a Store does.
const (
	OpOpen     Op = "open"
	OpWrite    Op = "write"
	OpSync     Op = "sync"
	OpRepair   Op = "repair"
	OpDelete   Op = "delete"
	OpCompress Op = "compress"
	OpSpace    Op = "space"
)

// NopObserver ignores everything. Embed it to observe a part.
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
