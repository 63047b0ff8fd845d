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
	rounds   *rounds // of the store

	// end is the length of the file. The appender's mutex guards it.
	end int64

	// syncing is held during a sync. It is locked before mu.
	syncing sync.Mutex

	// mu guards the fields below. It is not held during I/O.
	mu      sync.Mutex
	written int64  // end of the last complete append
	synced  int64  // end of the durable bytes
	waiting *group // the appends that the next sync covers
	err     error  // of the failed sync
}

// group is the appends that one sync makes durable. The first member leads: it
// syncs in the next round, and the others wait for it.
type group struct {
	size int
	done chan struct{} // closed when err is set
	err  error
}

func newHandle(f disk.File, info fs.FileInfo, signal dayfile.Signal, observer Observer, rounds *rounds) *handle {
	size := info.Size()
	return &handle{file: f, info: info, signal: signal, observer: observer, rounds: rounds, end: size, written: size, synced: size}
}

// join adds an append that ends at end to the group of the next sync. If leads is
// true, the caller must call commit.
func (h *handle) join(end int64) (g *group, leads bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err != nil {
		return nil, false, h.err
	}
	h.written = end
	if h.waiting == nil {
		h.waiting = &group{done: make(chan struct{})}
		leads = true
	}
	h.waiting.size++
	return h.waiting, leads, nil
}

// wrote records an append that does not wait for a sync.
func (h *handle) wrote(end int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.written = end
}

// commit makes the appends of g durable.
func (h *handle) commit(g *group) error {
	h.syncing.Lock()
	defer h.syncing.Unlock()
	h.rounds.enter()
	defer h.rounds.leave()
	select {
	case <-g.done: // Closing the handle has synced it.
		return g.err
	default:
		return h.sync()
	}
}

// sync makes everything written so far durable and wakes the waiting group. The
// caller holds syncing.
func (h *handle) sync() error {
	h.mu.Lock()
	g, end, synced, err := h.waiting, h.written, h.synced, h.err
	h.waiting = nil
	h.mu.Unlock()

	if err == nil && end > synced {
		start := time.Now()
		if err = h.file.Sync(); err == nil {
			appends := 0
			if g != nil {
				appends = g.size
			}
			h.observer.Synced(h.signal, appends, time.Since(start))
		}
	}

	h.mu.Lock()
	if err == nil {
		h.synced = end
	} else {
		h.err = err
	}
	h.mu.Unlock()
	if g != nil {
		g.err = err
		close(g.done)
	}
	return err
}

// syncNow is sync for callers that do not hold syncing.
func (h *handle) syncNow() error {
	h.syncing.Lock()
	defer h.syncing.Unlock()
	return h.sync()
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

// close syncs the rest, wakes the waiting group and closes the file. The caller
// prevents appends.
func (h *handle) close() error {
	h.syncing.Lock()
	defer h.syncing.Unlock()
	err := h.sync()
	if closeErr := h.file.Close(); err == nil {
		err = closeErr
	}
	return err
}

// rounds lets syncs of several files begin together. A file system commits its
// journal for a sync, and a sync that begins during a commit needs another commit.
// Without rounds, the files of the signals would wait for each other's commits one
// after the other. So a sync that comes during a round waits for the next round,
// and more appends join its group in the meantime. The zero value is ready to use.
type rounds struct {
	mu      sync.Mutex
	running int           // syncs of the current round
	waiting int           // syncs of the next round
	next    chan struct{} // closed when the next round begins; nil if none waits
}

// enter returns when the caller may sync.
func (r *rounds) enter() {
	r.mu.Lock()
	if r.running == 0 {
		r.running = 1
		r.mu.Unlock()
		return
	}
	if r.next == nil {
		r.next = make(chan struct{})
	}
	r.waiting++
	next := r.next
	r.mu.Unlock()
	<-next
}

// leave must be called after every enter, when the sync has ended.
func (r *rounds) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running--
	if r.running > 0 || r.waiting == 0 {
		return
	}
	close(r.next)
	r.running, r.waiting, r.next = r.waiting, 0, nil
}
