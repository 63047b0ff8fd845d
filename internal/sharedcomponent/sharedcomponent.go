// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package sharedcomponent lets the pipelines of several signals share one
// component: the Collector asks a factory once per signal, but a port can be
// listened on, and a directory be locked, only once.
package sharedcomponent

import (
	"context"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/collector/component"
)

// Map holds the components that are in use, by the configuration they were
// made from. The zero value is ready to use; one Map belongs to one factory.
type Map[K comparable, V component.Component] struct {
	// StopWithFirst says that a component stops with the first pipeline that
	// stops it, as a receiver has to: the next to be stopped is who it sends
	// to. Otherwise it stops with the last, as an exporter has to: another
	// pipeline may still have something in a queue for it.
	StopWithFirst bool

	mu         sync.Mutex
	components map[K]*Component[V]
}

// LoadOrStore returns the component made for key, making it where there is
// none. A component that was shut down is forgotten, so that a reloaded
// configuration gets a new one.
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

// Component starts and stops what it holds once, however many pipelines do.
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

// Unwrap returns the component that is shared.
func (c *Component[V]) Unwrap() V { return c.inner }

// Start starts the shared component at the first call; later calls return
// what the first one returned. What the component reports of its status, all
// the hosts are told.
func (c *Component[V]) Start(ctx context.Context, host component.Host) error {
	c.users.Add(1)
	c.hosts.add(host)
	c.start.Do(func() { c.startErr = c.inner.Start(ctx, &c.hosts) })
	return c.startErr
}

// Shutdown stops the shared component, once: at the first call if its Map says
// so, else at the one that balances the last Start. That call alone returns
// what is wrong with it, for the Collector tells every error that it gets. It
// may be called without Start.
func (c *Component[V]) Shutdown(ctx context.Context) (err error) {
	if c.users.Add(-1) > 0 && !c.stopWithFirst {
		return nil
	}
	c.stop.Do(func() {
		err = c.inner.Shutdown(ctx)
		c.forget()
	})
	return err
}
