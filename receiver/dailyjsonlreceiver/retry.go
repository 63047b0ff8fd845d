// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"context"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v7"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.uber.org/zap"
)

// persistently calls try until it succeeds, fails for good or ctx ends, and
// returns its error then. Who looks at the component's status sees that it
// waits.
func (r *replay) persistently(ctx context.Context, try func() error) error {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval, wait.Multiplier = r.cfg.Retry.InitialInterval, r.cfg.Retry.MaxInterval, 2
	for {
		err := try()
		if err == nil || consumererror.IsPermanent(err) {
			r.health.well(r)
			return err
		}
		if ctx.Err() != nil {
			return err
		}
		r.health.ill(r, err)
		r.telemetry.add(r.telemetry.retries, r.signal, 1)
		next := wait.NextBackOff()
		r.log.Warn("Can't go on for now; trying again", zap.Error(err), zap.Duration("after", next))
		if !sleep(ctx, next) {
			return err
		}
	}
}

// sleep returns false where ctx ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// health is the status of the component, of which each signal is a part.
type health struct {
	host component.Host

	mu  sync.Mutex
	bad map[*replay]struct{}
}

func (h *health) ill(r *replay, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, known := h.bad[r]; known {
		return
	}
	h.bad[r] = struct{}{}
	componentstatus.ReportStatus(h.host, componentstatus.NewRecoverableErrorEvent(err))
}

func (h *health) well(r *replay) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, known := h.bad[r]; !known {
		return
	}
	delete(h.bad, r)
	if len(h.bad) == 0 {
		componentstatus.ReportStatus(h.host, componentstatus.NewEvent(componentstatus.StatusOK))
	}
}
