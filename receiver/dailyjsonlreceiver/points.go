// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"math"

	"github.com/cespare/xxhash/v2"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/reader"
)

// pointCounter counts a day's data points by name and millisecond, so that
// each can be told from those that came before it.
//
// It counts in cells that are found by a hash and so takes 8 MB, however many
// points a day has. Two names and milliseconds that share a cell are counted
// together: a point may be told apart that would not need it (one in 400 on a
// day of 10,000 points), but two that have to be always are, up to the 65,535th.
type pointCounter struct {
	cells []uint16

	// day and reached say what was counted: the points of all lines of day
	// before reached.
	day     dayfile.Day
	reached reader.Position
}

const pointBits = 22 // of a cell's number

// knows says whether exactly the points of a day before a position are counted.
func (c *pointCounter) knows(day dayfile.Day, reached reader.Position) bool {
	return c.cells != nil && c.day == day && c.reached == reached
}

// begin begins to count a day.
func (c *pointCounter) begin(day dayfile.Day) {
	if c.cells == nil {
		c.cells = make([]uint16, 1<<pointBits)
	} else {
		clear(c.cells)
	}
	c.day, c.reached = day, reader.Position{}
}

// count returns the how manieth point of its name and millisecond this one is,
// from 1 on.
func (c *pointCounter) count(name string, ts pcommon.Timestamp) uint16 {
	// The name's hash and the millisecond, mixed: the multiplier is that of
	// Fibonacci hashing, which spreads neighbours.
	h := (xxhash.Sum64String(name) ^ uint64(ts/1e6)) * 0x9E3779B97F4A7C15
	cell := &c.cells[h>>(64-pointBits)]
	if *cell < math.MaxUint16 {
		*cell++
	}
	return *cell
}
