// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package powercut simulates a disk whose power is cut.
//
// Like a real disk, it has a volatile write cache. Written data can be read at
// once, but it survives a cut for certain only after a later flush. Of the writes
// since the last flush, a cut keeps some and loses others, in any order, and may
// tear a write between two sectors. The block layer promises file systems no more
// than that, so every cut is one that can happen to a real machine.
//
// A copy of the file behind a loop device would not do: it has everything that was
// written, so a program that forgets to sync would pass.
package powercut

import (
	"math/rand/v2"
	"sync"
)

// sectorSize is the number of bytes that a disk writes atomically.
const sectorSize = 512

// Disk is a disk. It is safe for concurrent use.
type Disk struct {
	mu sync.Mutex
	// current is the content for reads, durable the content that a cut keeps.
	// cached has the writes since the last flush, in order.
	current, durable []byte
	cached           []write
}

type write struct {
	offset int64
	data   []byte
}

// NewDisk returns a disk of that many zero bytes.
func NewDisk(size int) *Disk {
	return &Disk{current: make([]byte, size), durable: make([]byte, size)}
}

// Size returns the size in bytes.
func (d *Disk) Size() int { return len(d.current) }

// ReadAt reads from the disk. At the end it reads less than len(p).
func (d *Disk) ReadAt(p []byte, offset int64) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if offset >= int64(len(d.current)) {
		return 0
	}
	return copy(p, d.current[offset:])
}

// WriteAt writes to the cache. At the end of the disk it writes less than len(p).
func (d *Disk) WriteAt(p []byte, offset int64) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if offset >= int64(len(d.current)) {
		return 0
	}
	n := copy(d.current[offset:], p)
	d.cached = append(d.cached, write{offset, append([]byte(nil), p[:n]...)})
	return n
}

// Flush makes all writes durable.
func (d *Disk) Flush() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, w := range d.cached {
		copy(d.durable[w.offset:], w.data)
	}
	d.cached = nil
}

// Cut returns the content of the disk after a power cut at this moment. The disk
// itself does not change.
func (d *Disk) Cut(r *rand.Rand) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	left := append([]byte(nil), d.durable...)
	// Some cuts lose the whole cache, others nearly nothing.
	kept := r.Float64()
	for _, w := range d.cached {
		switch {
		case r.Float64() < kept:
			copy(left[w.offset:], w.data)
		case r.IntN(4) == 0:
			sectors := r.IntN(len(w.data)/sectorSize + 1)
			copy(left[w.offset:], w.data[:sectors*sectorSize])
		}
	}
	return left
}
