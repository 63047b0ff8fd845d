// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlexporter

import (
	"slices"
	"sync"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/store"
)

// batch collects lines by day. Nearly all batches have lines of one day.
type batch struct {
	parts []store.Part
	last  int // index of the part that got the last line
	lines int
	// spare is memory of an earlier batch, for reuse.
	spare []byte
}

// maxSpare is the largest memory that is reused, so that a large batch does not
// stay in memory.
const maxSpare = 1 << 20

var batches = sync.Pool{New: func() any { return &batch{} }}

func newBatch() *batch { return batches.Get().(*batch) }

// release returns the batch to the pool.
func (b *batch) release() {
	b.reset()
	batches.Put(b)
}

// reset empties the batch and keeps some of its memory.
func (b *batch) reset() {
	spare := b.spare
	if len(b.parts) > 0 {
		spare = b.parts[0].Lines
	}
	if cap(spare) > maxSpare {
		spare = nil
	}
	clear(b.parts)
	*b = batch{parts: b.parts[:0], spare: spare[:0]}
}

// add copies a line into the part of its day.
func (b *batch) add(day dayfile.Day, line []byte) {
	if len(b.parts) == 0 || b.parts[b.last].Day != day {
		b.last = b.find(day)
	}
	part := &b.parts[b.last]
	part.Lines = append(part.Lines, line...)
	b.lines++
}

// find returns the index of the part for a day. It creates the part if there is
// none.
func (b *batch) find(day dayfile.Day) int {
	i := slices.IndexFunc(b.parts, func(p store.Part) bool { return p.Day == day })
	if i >= 0 {
		return i
	}
	b.parts = append(b.parts, store.Part{Day: day, Lines: b.spare})
	b.spare = nil
	return len(b.parts) - 1
}

// byDay returns the parts, oldest day first. No lines may be added after it.
func (b *batch) byDay() []store.Part {
	slices.SortFunc(b.parts, func(x, y store.Part) int { return x.Day.Compare(y.Day) })
	return b.parts
}
