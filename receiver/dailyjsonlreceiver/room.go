// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"context"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

// room bounds the memory that batches take while they are decoded and with the
// pipeline, those of all signals together.
type room struct {
	size int64
	free *semaphore.Weighted
	// taken is what batches took since garbage was collected last.
	taken atomic.Int64
}

func newRoom(size int64) *room { return &room{size: size, free: semaphore.NewWeighted(size)} }

// enter waits until there is room for a batch of a weight; one that is heavier
// than the room has it for itself. It fails only when ctx ends.
func (r *room) enter(ctx context.Context, weight int64) (leave func(), err error) {
	share := min(weight, r.size)
	if err := r.free.Acquire(ctx, share); err != nil {
		return nil, err
	}
	// What was in the room before is garbage, of which Go lets as much pile up
	// as is in use: too much where the windows of compressed files are in use,
	// or one heavy batch follows another.
	if r.taken.Add(weight) > r.size {
		r.taken.Store(weight)
		runtime.GC()
	}
	return func() { r.free.Release(share) }, nil
}
