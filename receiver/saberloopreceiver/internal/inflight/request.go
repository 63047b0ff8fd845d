// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package inflight

import (
	"context"
	"errors"
	"io"
	"math"
	"math/bits"
	"sync"
	"time"
)

// Request is what one request holds of a Budget. Its methods are called by one
// goroutine: Receive, then Expand where the body is compressed, then Work and
// ReleaseBody, and Close in any case.
type Request struct {
	budget *Budget
	cancel func()
	body   *buffer
	// probe is where the bytes are read to for which the body has no space:
	// it grows only once there are some.
	probe [512]byte

	// The rest is guarded by the budget's lock.
	held, working int64
	receiving     bool
	dropped       bool
	waiter        *waiter
	prev, next    *Request

	// The bytes that arrived in a second, and in the second before.
	second      int64
	now, before int64
	// began is the second in which the body began to arrive.
	began int64
}

var requests = sync.Pool{New: func() any { return new(Request) }}

// Open registers a request. The function is called at most once, from another
// goroutine, when the body is dropped while it is being received: it has to make
// the read that is under way fail.
func (b *Budget) Open(cancel func()) *Request {
	r := requests.Get().(*Request)
	r.budget, r.cancel = b, cancel
	return r
}

// Close gives everything back. The Request and its Body are not to be used
// afterwards.
func (r *Request) Close() {
	r.body.free()
	b := r.budget
	b.mu.Lock()
	if r.receiving {
		b.receiving.remove(r)
	}
	if r.dropped {
		b.leaving -= r.held
	}
	b.bodies.release(r.held)
	b.work.release(r.working)
	b.mu.Unlock()
	// A dropped request's function may still be about to be called; it does not
	// see the Request.
	r.budget, r.cancel, r.body = nil, nil, nil
	r.held, r.working, r.receiving, r.dropped = 0, 0, false, false
	r.second, r.now, r.before = 0, 0, 0
	requests.Put(r)
}

// Receive reads a body to its end. The error is ErrBusy, ErrDropped, ErrTooLarge
// or that of the reader. After ErrDropped the reader is not to be used again: the
// function given to Open may be called a moment later.
func (r *Request) Receive(ctx context.Context, body io.Reader) error {
	b := r.budget
	b.mu.Lock()
	b.receiving.add(r)
	r.receiving, r.began = true, time.Now().Unix()
	b.mu.Unlock()
	err := r.receive(ctx, body)
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.dropped {
		return ErrDropped // and that is why the read failed
	}
	b.receiving.remove(r)
	r.receiving = false
	return err
}

func (r *Request) receive(ctx context.Context, body io.Reader) error {
	for {
		space := r.probe[:]
		if r.body != nil && len(r.body.bytes) < cap(r.body.bytes) {
			space = r.body.bytes[len(r.body.bytes):cap(r.body.bytes)]
		}
		n, err := body.Read(space)
		if n > 0 {
			if keepErr := r.keep(ctx, space[:n]); keepErr != nil {
				return keepErr
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// keep adds what was read to the body.
func (r *Request) keep(ctx context.Context, read []byte) error {
	r.arrived(int64(len(read)))
	if &read[0] != &r.probe[0] {
		r.body.bytes = r.body.bytes[:len(r.body.bytes)+len(read)]
		return nil
	}
	size := minBuffer
	if r.body != nil {
		size = 2 * cap(r.body.bytes)
	}
	if err := r.budget.acquire(ctx, &r.budget.bodies, r, bufferSize(size)); err != nil {
		return err
	}
	next := newBuffer(size)
	if r.body != nil {
		next.bytes = append(next.bytes, r.body.bytes...)
	}
	next.bytes = append(next.bytes, read...)
	r.ReleaseBody()
	r.body = next
	return nil
}

// Body returns the bytes of the body. They are valid until the next call of
// another method.
func (r *Request) Body() []byte {
	if r.body == nil {
		return nil
	}
	return r.body.bytes
}

// Expand replaces the body by what f writes of it into a buffer of size bytes,
// of which f returns the number. Meanwhile the request holds one and a half times
// the size, however little f writes, so f must not wait for anything.
func (r *Request) Expand(ctx context.Context, size int, f func(dst, body []byte) (int, error)) error {
	whole := bufferSize(size)
	if err := r.budget.acquire(ctx, &r.budget.bodies, r, whole+whole/2); err != nil {
		return err
	}
	scratch := newBuffer(size)
	n, err := f(scratch.bytes[:size], r.Body())
	if err != nil {
		scratch.free()
		r.release(whole + whole/2)
		return err
	}
	r.ReleaseBody()
	r.body = scratch
	r.body.bytes = r.body.bytes[:n]
	if bufferSize(n) <= whole/2 {
		r.body = newBuffer(n)
		r.body.bytes = append(r.body.bytes, scratch.bytes...)
		scratch.free()
	}
	r.release(whole + whole/2 - int64(cap(r.body.bytes)))
	return nil
}

// Work takes n bytes for decoded data.
func (r *Request) Work(ctx context.Context, n int64) error {
	return r.budget.acquire(ctx, &r.budget.work, r, n)
}

// ReleaseBody gives back what the body holds, once it is decoded.
func (r *Request) ReleaseBody() {
	if r.body == nil {
		return
	}
	held := int64(cap(r.body.bytes))
	r.body.free()
	r.body = nil
	r.release(held)
}

// release gives back bytes of a body.
func (r *Request) release(n int64) {
	b := r.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	r.held -= n
	if r.dropped {
		b.leaving -= n
	}
	b.bodies.release(n)
}

// of is the number of bytes that r has of a pool.
func (r *Request) of(p *pool) *int64 {
	if p == &r.budget.bodies {
		return &r.held
	}
	return &r.working
}

// arrived notes that n bytes of the body have arrived.
func (r *Request) arrived(n int64) {
	second := time.Now().Unix()
	r.budget.mu.Lock()
	defer r.budget.mu.Unlock()
	r.passTo(second)
	r.now += n
}

// recent is the number of bytes that arrived in the last one to two seconds. Of a
// body that has just begun to arrive nothing is known yet: a small one would seem
// slower than a large one.
func (r *Request) recent(now time.Time) int64 {
	if r.held == 0 || now.Unix()-r.began <= 1 {
		return math.MaxInt64
	}
	r.passTo(now.Unix())
	return r.now + r.before
}

func (r *Request) passTo(second int64) {
	switch second {
	case r.second:
		return
	case r.second + 1:
		r.before = r.now
	default:
		r.before = 0
	}
	r.now, r.second = 0, second
}

// requestList is a doubly linked list.
type requestList struct {
	first *Request
	len   int
}

func (l *requestList) add(r *Request) {
	r.next = l.first
	if l.first != nil {
		l.first.prev = r
	}
	l.first = r
	l.len++
}

func (l *requestList) remove(r *Request) {
	if r.prev != nil {
		r.prev.next = r.next
	} else {
		l.first = r.next
	}
	if r.next != nil {
		r.next.prev = r.prev
	}
	r.prev, r.next = nil, nil
	l.len--
}

// minBuffer and maxPooled are the capacities of the smallest and the largest
// buffers that are used again, powers of two.
const (
	minBuffer = 2 << 10
	maxPooled = 2 << 20
)

// buffer is a slice of bytes that goes back to where it came from.
type buffer struct{ bytes []byte }

// buffers are by the power of two that is their capacity.
var buffers [22]sync.Pool

// bufferSize is the capacity of a buffer for n bytes.
func bufferSize(n int) int64 {
	if n > maxPooled {
		return int64(n)
	}
	return 1 << bits.Len(uint(max(n, minBuffer)-1))
}

func newBuffer(n int) *buffer {
	size := bufferSize(n)
	if size <= maxPooled {
		if b, ok := buffers[bits.Len64(uint64(size-1))].Get().(*buffer); ok {
			return b
		}
	}
	return &buffer{make([]byte, 0, size)}
}

func (b *buffer) free() {
	if b == nil || cap(b.bytes) > maxPooled {
		return
	}
	b.bytes = b.bytes[:0]
	buffers[bits.Len(uint(cap(b.bytes)-1))].Put(b)
}
