// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package inflight bounds the memory that requests take, from the first byte of
// a body until its data has left the pipelines.
//
// A Budget has two parts. Config.Bodies is for the bytes of bodies, received and
// decompressed; Config.Work is for decoded data, by an estimate that is made
// before decoding. A request that waits for Work holds bytes of Bodies, one that
// has Work waits for nothing more: so requests never block each other for good.
//
// # The bound
//
// At no time do requests hold more than Bodies + Work bytes. Buffers count with
// their capacity, and both buffers count while one is copied into a larger one.
// A buffer is made or doubled only when a byte has arrived for which there is no
// space: a body that was announced and not sent holds nothing. Buffers that
// are no longer used are kept for other requests until the garbage collector
// has run twice; these are not counted.
//
// # When there is no room
//
// A request waits for Config.Wait and then fails with ErrBusy. Of those that
// wait, the one that needs least goes first, so that the small batches of
// browsers pass between large bodies. A request that needs more than there is
// in all fails with ErrTooLarge.
//
// Bodies that are still being received make room for others: for those that were
// received whole, and for those that arrive faster. The ones of which the fewest
// bytes arrived in the last one to two seconds are dropped first, and of equally
// slow ones, and of those that began a moment ago, those that hold most. The reader of a dropped body gets ErrDropped.
package inflight

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// The reasons for which a request does not get its memory.
var (
	// ErrBusy means that others held the memory for all of Config.Wait.
	ErrBusy = errors.New("no memory became free in time")
	// ErrDropped means that the body was dropped in favor of faster ones.
	ErrDropped = errors.New("dropped in favor of bodies that arrive faster")
	// ErrTooLarge means that the request needs more than there is in all.
	ErrTooLarge = errors.New("needs more than the whole memory budget")
)

// Config says how much memory requests may take, and how long they wait for it.
type Config struct {
	// Bodies and Work are in bytes.
	Bodies, Work int64
	// Wait is how long a request waits for memory before it fails.
	Wait time.Duration
}

// Budget hands out memory to requests. It may be used by many goroutines at
// once.
type Budget struct {
	wait time.Duration

	mu           sync.Mutex
	bodies, work pool
	// receiving are the bodies that may be dropped.
	receiving requestList
	// leaving is the number of bytes that dropped bodies still hold.
	leaving int64
	// victims is scratch space for drop.
	victims []*Request
}

// New returns an empty Budget.
func New(cfg Config) *Budget {
	return &Budget{wait: cfg.Wait, bodies: pool{size: cfg.Bodies}, work: pool{size: cfg.Work}}
}

// Usage tells what requests hold of a Budget.
type Usage struct {
	// Bodies and Work are in bytes.
	Bodies, Work int64
	// Receiving and Waiting are numbers of requests: those whose bodies are
	// being received, and those that wait for memory.
	Receiving, Waiting int
}

// Usage returns what requests hold now.
func (b *Budget) Usage() Usage {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Usage{
		Bodies:    b.bodies.used,
		Work:      b.work.used,
		Receiving: b.receiving.len,
		Waiting:   len(b.bodies.waiting) + len(b.work.waiting),
	}
}

// pool is one part of a Budget.
type pool struct {
	size, used int64
	// waiting is sorted by what is needed, the least first, and then by age.
	waiting []*waiter
	// wanted is the sum of what is needed.
	wanted int64
}

// waiter is a request that waits for n bytes.
type waiter struct {
	n int64
	// answer gets nil once the bytes are the request's, or the error.
	answer chan error
}

func (p *pool) enqueue(w *waiter) {
	i, _ := slices.BinarySearchFunc(p.waiting, w, func(other, w *waiter) int {
		if other.n <= w.n {
			return -1
		}
		return 1
	})
	p.waiting = slices.Insert(p.waiting, i, w)
	p.wanted += w.n
}

// remove reports whether w was still waiting.
func (p *pool) remove(w *waiter) bool {
	i := slices.Index(p.waiting, w)
	if i < 0 {
		return false
	}
	p.waiting = slices.Delete(p.waiting, i, i+1)
	p.wanted -= w.n
	return true
}

// release gives n bytes back, and to those that wait for them.
func (p *pool) release(n int64) {
	p.used -= n
	for len(p.waiting) > 0 && p.used+p.waiting[0].n <= p.size {
		w := p.waiting[0]
		p.remove(w)
		p.used += w.n
		w.answer <- nil
	}
}

// acquire takes n bytes for r, and waits for them if it must. Only if it
// returns nil are they taken.
func (b *Budget) acquire(ctx context.Context, p *pool, r *Request, n int64) error {
	b.mu.Lock()
	switch {
	case r.dropped:
		b.mu.Unlock()
		return ErrDropped
	case *r.of(p)+n > p.size:
		b.mu.Unlock()
		return ErrTooLarge
	case p.used+n <= p.size:
		p.used += n
		*r.of(p) += n
		b.mu.Unlock()
		return nil
	}
	var dropped []func()
	if p == &b.bodies {
		dropped = b.drop(r, n)
	}
	w := &waiter{n: n, answer: make(chan error, 1)}
	p.enqueue(w)
	r.waiter = w
	b.mu.Unlock()
	for _, cancel := range dropped {
		cancel()
	}
	err := b.await(ctx, p, w)
	b.mu.Lock()
	defer b.mu.Unlock()
	r.waiter = nil
	if err == nil {
		*r.of(p) += n
		if r.dropped {
			// Between the answer and now. What it took counts as leaving, too.
			b.leaving += n
		}
	}
	return err
}

// await returns what a waiter is answered, or gives up.
func (b *Budget) await(ctx context.Context, p *pool, w *waiter) error {
	timer := time.NewTimer(b.wait)
	defer timer.Stop()
	var reason error
	select {
	case err := <-w.answer:
		return err
	case <-timer.C:
		reason = ErrBusy
	case <-ctx.Done():
		reason = context.Cause(ctx)
	}
	b.mu.Lock()
	waiting := p.remove(w)
	b.mu.Unlock()
	if !waiting {
		return <-w.answer
	}
	return reason
}

// makesRoom reports whether r is to be dropped for another request: it is slower,
// or as fast and holds more.
func (r *Request) makesRoom(other *Request, now time.Time) bool {
	mine, its := r.recent(now), other.recent(now)
	return mine < its || mine == its && r.held > other.held
}

// drop drops bodies until n bytes for r will be free, as far as there are bodies
// that have to make room for r. The functions that are returned cancel them.
func (b *Budget) drop(r *Request, n int64) []func() {
	p := &b.bodies
	need := p.used + p.wanted + n - p.size - b.leaving
	if need <= 0 || b.receiving.len == 0 {
		return nil
	}
	now := time.Now()
	b.victims = b.victims[:0]
	for v := b.receiving.first; v != nil; v = v.next {
		if v.held > 0 && v != r && (!r.receiving || v.makesRoom(r, now)) {
			b.victims = append(b.victims, v)
		}
	}
	slices.SortFunc(b.victims, func(v, w *Request) int {
		return cmp.Or(cmp.Compare(v.recent(now), w.recent(now)), cmp.Compare(w.held, v.held))
	})
	var cancels []func()
	for _, v := range b.victims {
		if need <= 0 {
			break
		}
		v.dropped, v.receiving = true, false
		b.receiving.remove(v)
		b.leaving += v.held
		need -= v.held
		if v.waiter != nil && p.remove(v.waiter) {
			need -= v.waiter.n
			v.waiter.answer <- ErrDropped
		}
		cancels = append(cancels, v.cancel)
	}
	clear(b.victims)
	return cancels
}
