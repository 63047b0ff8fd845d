// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package sharedcomponent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
)

// fatalTimeout limits how long close waits for a fatal error to be delivered.
// The Collector passes a context without a deadline to Shutdown.
const fatalTimeout = time.Second

// hosts is the host of a shared component. It passes status events on to the
// hosts of all pipelines, because each pipeline has a status of its own.
//
// Each host gets the events in the order in which they were reported. No lock
// is held during delivery: the Collector blocks a fatal error until its main
// loop reads it, and that loop does not run during start-up and shutdown.
type hosts struct {
	mu      sync.Mutex
	all     []component.Host
	last    *componentstatus.Event
	pending []delivery
	// delivering is set while some goroutine works on pending.
	delivering bool
	closed     bool
	// fatal is closed once a fatal error was delivered; nil before one is
	// reported.
	fatal chan struct{}
}

// delivery is one event for one host.
type delivery struct {
	host  component.Host
	event *componentstatus.Event
}

var (
	_ component.Host           = (*hosts)(nil)
	_ componentstatus.Reporter = (*hosts)(nil)
)

// add adds the host of one more pipeline and delivers the latest event to it.
func (h *hosts) add(host component.Host) {
	h.mu.Lock()
	h.all = append(h.all, host)
	if h.last != nil {
		h.pending = append(h.pending, delivery{host, h.last})
	}
	h.mu.Unlock()
	h.deliver()
}

// GetExtensions implements component.Host. All hosts have the same extensions.
func (h *hosts) GetExtensions() map[component.ID]component.Component {
	h.mu.Lock()
	host := h.all[0]
	h.mu.Unlock()
	return host.GetExtensions()
}

// Report implements componentstatus.Reporter. It does not wait for the delivery
// of a fatal error, or of an event that was reported after one.
func (h *hosts) Report(event *componentstatus.Event) {
	h.mu.Lock()
	switch {
	case h.closed || h.fatal != nil:
		// No status follows a fatal error, and the Collector itself reports
		// that a component has stopped.
		h.mu.Unlock()
		return
	case event.Status() == componentstatus.StatusFatalError:
		// One report ends the Collector. It would never read a second one.
		h.fatal = make(chan struct{})
		h.pending = append(h.pending, delivery{h.all[0], event})
	default:
		h.last = event
		for _, host := range h.all {
			h.pending = append(h.pending, delivery{host, event})
		}
	}
	h.mu.Unlock()
	h.deliver()
}

// deliver delivers the pending events, unless another goroutine does already.
func (h *hosts) deliver() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.delivering {
		return
	}
	h.delivering = true
	for len(h.pending) > 0 {
		next := h.pending[0]
		h.pending = h.pending[1:]
		if next.event.Status() == componentstatus.StatusFatalError {
			// It is the last event: delivering stays set.
			go func() {
				defer close(h.fatal)
				componentstatus.ReportStatus(next.host, next.event)
			}()
			return
		}
		h.mu.Unlock()
		componentstatus.ReportStatus(next.host, next.event)
		h.mu.Lock()
	}
	h.delivering = false
}

// close drops what is reported from now on, and waits for the delivery of a
// fatal error until ctx is done, at most for fatalTimeout.
func (h *hosts) close(ctx context.Context) error {
	h.mu.Lock()
	h.closed = true
	h.pending = nil
	fatal := h.fatal
	h.mu.Unlock()
	if fatal == nil {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, fatalTimeout, errNotRead)
	defer cancel()
	select {
	case <-fatal:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("report fatal error: %w", context.Cause(ctx))
	}
}

var errNotRead = errors.New("the Collector did not read it in time")
