// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package powercut is a disk whose power can be cut at any moment, to find out
// what a program's files look like afterwards.
//
// Like a real disk it has a volatile write cache. What was written is readable
// at once, but survives a cut for certain only after a later flush was
// answered; of the writes since the last flush, a cut keeps any and loses any,
// in no order, and tears those under way between two sectors. That is what the
// block layer demands of file systems and all that it promises them, so a cut
// is one that could have happened to the machine.
//
// Copying the file behind a loop device would be less: it shows everything
// written so far, in an order that no disk guarantees, and never a write that
// was answered and lost. A program that forgets to sync would pass.
package powercut

import (
	"math/rand/v2"
	"sync"
)

// sectorSize is what a disk writes whole or not at all.
const sectorSize = 512

// Disk is the disk. It may be used by many goroutines at once.
type Disk struct {
	mu sync.Mutex
	// current is what is read, durable what a cut keeps for certain, and
	// cached are the writes that make the difference, in their order.
	current, durable []byte
	cached           []write
}

type write struct {
	offset int64
	data   []byte
}

// NewDisk returns a disk of so many bytes, all of them 0.
func NewDisk(size int) *Disk {
	return &Disk{current: make([]byte, size), durable: make([]byte, size)}
}

// Size is the disk's size in bytes.
func (d *Disk) Size() int { return len(d.current) }

// ReadAt returns what was written last. At the disk's end it returns less.
func (d *Disk) ReadAt(p []byte, offset int64) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if offset >= int64(len(d.current)) {
		return 0
	}
	return copy(p, d.current[offset:])
}

// WriteAt writes into the disk's cache and returns how many bytes there was
// room for.
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

// Flush makes all durable that was written.
func (d *Disk) Flush() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, w := range d.cached {
		copy(d.durable[w.offset:], w.data)
	}
	d.cached = nil
}

// Cut returns what is on the disk if the power is cut at this moment. The disk
// itself goes on.
func (d *Disk) Cut(r *rand.Rand) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	left := append([]byte(nil), d.durable...)
	// Some cuts lose the whole cache, some nearly nothing.
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
