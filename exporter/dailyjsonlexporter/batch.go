// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlexporter

import (
	"slices"
	"sync"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/store"
)

// batch collects lines by day. What is sent at one time was nearly always
// received on one day.
type batch struct {
	parts []store.Part
	last  int // the part that was added to last
	lines int
	// spare is the memory of an earlier batch.
	spare []byte
}

// maxSpare is the size from which the memory of a batch is not kept for the
// next one, so that one large batch does not stay for good.
const maxSpare = 1 << 20

var batches = sync.Pool{New: func() any { return &batch{} }}

func takeBatch() *batch { return batches.Get().(*batch) }

// giveBack leaves the memory of the batch to others.
func (b *batch) giveBack() {
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

// find returns the index of a day's part, making it where there is none.
func (b *batch) find(day dayfile.Day) int {
	i := slices.IndexFunc(b.parts, func(p store.Part) bool { return p.Day == day })
	if i >= 0 {
		return i
	}
	b.parts = append(b.parts, store.Part{Day: day, Lines: b.spare})
	b.spare = nil
	return len(b.parts) - 1
}

// byDay returns the parts, oldest day first. The batch takes no more lines.
func (b *batch) byDay() []store.Part {
	slices.SortFunc(b.parts, func(x, y store.Part) int { return x.Day.Compare(y.Day) })
	return b.parts
}
