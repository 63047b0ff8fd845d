// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"context"
	"sync"

	"go.opentelemetry.io/collector/component"
)

// endFunc makes the Collector shut down as if it had been asked to from
// outside. It returns when ctx ends, which Shutdown of the receiver does.
type endFunc func(ctx context.Context, host component.Host)

// unfinished is the receivers of a configuration that are to end the Collector
// and have not finished: the last one to finish ends it.
type unfinished struct {
	mu        sync.Mutex
	receivers map[*dailyReceiver]struct{}
}

func newUnfinished() *unfinished {
	return &unfinished{receivers: map[*dailyReceiver]struct{}{}}
}

func (u *unfinished) add(r *dailyReceiver) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.receivers[r] = struct{}{}
}

// finish says whether r was the last one.
func (u *unfinished) finish(r *dailyReceiver) (last bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, ok := u.receivers[r]; !ok {
		return false
	}
	delete(u.receivers, r)
	return len(u.receivers) == 0
}
