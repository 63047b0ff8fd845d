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

// handle is a file that is open for appending, and the syncing of it.
//
// Invariants:
//
//   - Bytes before synced survive a power cut. synced only grows.
//   - Nobody is told that an append is durable before synced covers it.
//   - A handle never sees the file changed by others: who notices that takes
//     a new handle. So its offsets stay true as long as it lives.
//   - After one failed sync a handle is never synced or written again. The
//     kernel reports a failed write-back once and then forgets it: a second
//     sync would claim success for bytes that are gone.
type handle struct {
	file   disk.File
	info   fs.FileInfo
	signal dayfile.Signal
	tell   Observer
	rounds *rounds // of the store

	// end is the file's length. The appender's mutex guards it.
	end int64

	// syncing is held by the one who syncs. It is taken before mu.
	syncing sync.Mutex

	// mu guards what follows and is held only for moments.
	mu      sync.Mutex
	written int64  // whole appends reach to here
	synced  int64  // durable bytes reach to here
	waiting *group // the appends that the next sync serves
	err     error  // of the sync that failed
}

// group is the appends that one sync makes durable. Its first member does the
// sync, in the next round of them; the others wait for it.
type group struct {
	size int
	done chan struct{} // closed when err is set
	err  error
}

func newHandle(f disk.File, info fs.FileInfo, signal dayfile.Signal, tell Observer, rounds *rounds) *handle {
	size := info.Size()
	return &handle{file: f, info: info, signal: signal, tell: tell, rounds: rounds, end: size, written: size, synced: size}
}

// join enters an append that was written up to end into the group that the
// next sync serves. Who is first leads the group: it must call commit.
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

// wrote notes an append for which nobody waits.
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
	case <-g.done: // The handle was closed in between, which synced it.
		return g.err
	default:
		return h.sync()
	}
}

// sync makes everything written so far durable and tells those who wait for
// it. Who calls it holds syncing.
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
			h.tell.Synced(h.signal, appends, time.Since(start))
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

// syncNow is sync for callers from outside.
func (h *handle) syncNow() error {
	h.syncing.Lock()
	defer h.syncing.Unlock()
	return h.sync()
}

// failed tells whether a sync failed.
func (h *handle) failed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err != nil
}

// durable is how far bytes survive a power cut.
func (h *handle) durable() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.synced
}

// close syncs what is not synced yet, tells those who wait, and closes the
// file. Nobody may append meanwhile.
func (h *handle) close() error {
	h.syncing.Lock()
	defer h.syncing.Unlock()
	err := h.sync()
	if closeErr := h.file.Close(); err == nil {
		err = closeErr
	}
	return err
}
