// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import "sync"

// rounds lets syncs of several files begin together. A file system commits its
// journal for each sync that finds something to commit; those that begin while
// a commit is on its way need another one, and one after the other the signals'
// files would wait for each other's. So whoever comes while a round of syncs is
// under way waits for its end, and then all who wait make up the next one.
// Meanwhile more appends join their groups. The zero value is ready to use.
type rounds struct {
	mu      sync.Mutex
	running int           // syncs of the round that is under way
	waiting int           // syncs of the next one
	next    chan struct{} // closed when that one begins; nil while nobody waits
}

// enter returns when the caller's sync may begin.
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

// leave is called once for every enter, when the sync has ended.
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
