// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package sharedcomponent

import (
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
)

// hosts is the host of a shared component: the hosts of all its pipelines,
// which each keep the status of the part that is theirs.
type hosts struct {
	mu   sync.Mutex
	all  []component.Host
	last *componentstatus.Event
}

var (
	_ component.Host           = (*hosts)(nil)
	_ componentstatus.Reporter = (*hosts)(nil)
)

// add tells host what it has missed: pipelines start one after the other.
func (h *hosts) add(host component.Host) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, host)
	if h.last != nil {
		componentstatus.ReportStatus(host, h.last)
	}
}

// GetExtensions implements component.Host. All hosts have the same.
func (h *hosts) GetExtensions() map[component.ID]component.Component {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.all[0].GetExtensions()
}

// Report implements componentstatus.Reporter.
func (h *hosts) Report(event *componentstatus.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if event.Status() == componentstatus.StatusFatalError {
		// It ends the Collector, which listens once: whoever reported a
		// second one would wait for good, and the shutdown for him.
		componentstatus.ReportStatus(h.all[0], event)
		return
	}
	h.last = event
	for _, host := range h.all {
		componentstatus.ReportStatus(host, event)
	}
}
