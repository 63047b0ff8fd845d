// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import "sync"

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
