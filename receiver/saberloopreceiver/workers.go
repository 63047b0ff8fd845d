// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// maxIdleWorkers is how many workers wait for work at most.
const maxIdleWorkers = 64

// workers run functions in goroutines that are reused: the stack of a new goroutine
// is small, and growing it on the way through a pipeline takes about as long as all
// else that the receiver does for a signal.
type workers struct {
	jobs    chan job
	done    chan struct{}
	idle    atomic.Int32
	running sync.WaitGroup
}

// job is a function and the group that waits for it.
type job struct {
	run  func()
	wait *sync.WaitGroup
}

func newWorkers() *workers {
	return &workers{jobs: make(chan job), done: make(chan struct{})}
}

// run runs f in another goroutine.
func (w *workers) run(wait *sync.WaitGroup, f func()) {
	wait.Add(1)
	j := job{run: f, wait: wait}
	select {
	case w.jobs <- j: // An idle worker takes it.
	default:
		w.running.Go(func() { w.work(j) })
	}
}

// work runs a job, and then others until there are enough idle workers.
func (w *workers) work(j job) {
	for {
		j.run()
		j.wait.Done()
		if w.idle.Add(1) > maxIdleWorkers {
			w.idle.Add(-1)
			return
		}
		select {
		case j = <-w.jobs:
			w.idle.Add(-1)
		case <-w.done:
			return
		}
	}
}

// stop ends the idle workers, and waits for the others until ctx is done.
func (w *workers) stop(ctx context.Context) error {
	close(w.done)
	stopped := make(chan struct{})
	go func() {
		w.running.Wait()
		close(stopped)
	}()
	select {
	case <-stopped:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for pipelines: %w", ctx.Err())
	}
}
