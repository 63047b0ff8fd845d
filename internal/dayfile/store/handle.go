// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"io/fs"
	"sync"
	"time"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/disk"
)

// handle is a file that is open for appending, and its syncs.
//
// Invariants:
//
//   - Bytes before synced survive a power cut. synced only grows.
//   - An append is acknowledged as durable only when synced covers it.
//   - When another program changes the file, the appender opens a new handle. So
//     the offsets of a handle are always right.
//   - After one failed sync a handle is never synced or written again. The
//     kernel reports a failed write-back once and then forgets it: a second
//     sync would claim success for bytes that are gone.
type handle struct {
	file     disk.File
	info     fs.FileInfo
	signal   dayfile.Signal
	observer Observer

	// end is the length of the file. The appender's mutex guards it.
	end int64

	// syncing is held during a sync. It is locked before mu.
	syncing sync.Mutex

	// mu guards the fields below. It is not held during I/O.
	mu     sync.Mutex
	synced int64 // end of the durable bytes
	err    error // of the failed sync
}

func newHandle(f disk.File, info fs.FileInfo, signal dayfile.Signal, observer Observer) *handle {
	size := info.Size()
	return &handle{file: f, info: info, signal: signal, observer: observer, end: size, synced: size}
}

// sync makes the bytes before end durable. appends is how many appends wait for it.
func (h *handle) sync(end int64, appends int) error {
	h.syncing.Lock()
	defer h.syncing.Unlock()
	return h.syncLocked(end, appends)
}

// syncLocked is sync for a caller that holds syncing.
func (h *handle) syncLocked(end int64, appends int) error {
	h.mu.Lock()
	synced, err := h.synced, h.err
	h.mu.Unlock()
	if err != nil || end <= synced {
		return err
	}
	start := time.Now()
	if appends == 1 {
		err = h.file.Sync()
	} else {
		// More requests will arrive in the meantime.
		err = h.file.SyncParked()
	}
	if err == nil {
		h.observer.Synced(h.signal, appends, time.Since(start))
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err = err; err == nil {
		h.synced = end
	}
	return err
}

// failed reports whether a sync failed.
func (h *handle) failed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err != nil
}

// durable returns the end of the bytes that survive a power cut.
func (h *handle) durable() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.synced
}

// close syncs the rest and closes the file. The caller prevents appends.
func (h *handle) close() error {
	h.syncing.Lock()
	defer h.syncing.Unlock()
	err := h.syncLocked(h.end, 0)
	if closeErr := h.file.Close(); err == nil {
		err = closeErr
	}
	return err
}
