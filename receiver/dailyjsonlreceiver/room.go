// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"context"
	"math"
	"runtime"
	runtimemetrics "runtime/metrics"
	"sync"

	"golang.org/x/sync/semaphore"
)

// room bounds the memory that batches take while they are decoded and with the
// pipeline, those of all signals together, and the garbage that they leave.
type room struct {
	size int64
	free *semaphore.Weighted

	mu sync.Mutex
	// least is the smallest heap that was seen since garbage was collected.
	least int64
}

func newRoom(size int64) *room {
	return &room{size: size, free: semaphore.NewWeighted(size), least: math.MaxInt64}
}

// enter waits until there is room for a batch of a weight; one that is heavier
// than the room has it for itself. It fails only when ctx ends.
func (r *room) enter(ctx context.Context, weight int64) (leave func(), err error) {
	share := min(weight, r.size)
	if err := r.free.Acquire(ctx, share); err != nil {
		return nil, err
	}
	r.clean(weight)
	return func() { r.free.Release(share) }, nil
}

// clean collects garbage where a batch would let it grow beyond the size of
// the room. Go lets as much pile up as is in use: too much where that is heavy
// batches, or the windows of compressed files.
func (r *room) clean(weight int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	heap := heapSize()
	r.least = min(r.least, heap)
	if heap+weight > r.least+r.size {
		runtime.GC()
		r.least = heapSize()
	}
}

// heapSize is how many bytes objects take, garbage among them.
func heapSize() int64 {
	heap := []runtimemetrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	runtimemetrics.Read(heap)
	return int64(heap[0].Value.Uint64())
}
