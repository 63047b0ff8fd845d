// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package sharedcomponent lets the pipelines of several signals share one
// component. The Collector asks a factory for a component per signal, but a port
// can be opened, and a directory locked, only once.
package sharedcomponent

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/collector/component"
)

// Map holds the components in use by their configuration. The zero value is
// ready to use. Each factory has its own Map.
type Map[K comparable, V component.Component] struct {
	// StopWithFirst stops a component with the first pipeline that shuts it
	// down. Receivers need this: the next component to be shut down is a
	// consumer of the receiver. By default a component stops with the last
	// pipeline. Exporters need that: another pipeline may still have data in a
	// queue for the exporter.
	StopWithFirst bool

	mu         sync.Mutex
	components map[K]*Component[V]
}

// LoadOrStore returns the component for key, and creates it if there is none. A
// component that was shut down is forgotten, so that a reloaded configuration
// gets a new one.
func (m *Map[K, V]) LoadOrStore(key K, create func() (V, error)) (*Component[V], error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c, ok := m.components[key]; ok {
		return c, nil
	}
	inner, err := create()
	if err != nil {
		return nil, err
	}
	c := &Component[V]{inner: inner, stopWithFirst: m.StopWithFirst, forget: func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.components, key)
	}}
	if m.components == nil {
		m.components = map[K]*Component[V]{}
	}
	m.components[key] = c
	return c, nil
}

// Component starts and stops a component once for all pipelines that share it.
type Component[V component.Component] struct {
	inner         V
	stopWithFirst bool
	forget        func()
	hosts         hosts

	start    sync.Once
	startErr error
	users    atomic.Int64
	stop     sync.Once
}

// Unwrap returns the shared component.
func (c *Component[V]) Unwrap() V { return c.inner }

// Start starts the shared component at the first call. Later calls return the
// result of the first one. The hosts of all calls get the component's status.
func (c *Component[V]) Start(ctx context.Context, host component.Host) error {
	c.users.Add(1)
	c.hosts.add(host)
	c.start.Do(func() { c.startErr = c.inner.Start(ctx, &c.hosts) })
	return c.startErr
}

// Shutdown stops the shared component once: at the first call with
// StopWithFirst, otherwise at the call that balances the last Start. Only that
// call returns the component's error, because the Collector logs each error it
// gets. Shutdown may be called without Start.
func (c *Component[V]) Shutdown(ctx context.Context) (err error) {
	if c.users.Add(-1) > 0 && !c.stopWithFirst {
		return nil
	}
	c.stop.Do(func() {
		err = errors.Join(c.inner.Shutdown(ctx), c.hosts.close(ctx))
		c.forget()
	})
	return err
}
