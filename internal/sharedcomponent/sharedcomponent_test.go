// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package sharedcomponent

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
)

type settings struct{ name string }

// counting counts how often it is started and shut down.
type counting struct {
	starts, stops     int
	startErr, stopErr error
	host              component.Host
}

func (c *counting) Start(_ context.Context, host component.Host) error {
	c.starts++
	c.host = host
	return c.startErr
}

func (c *counting) Shutdown(context.Context) error {
	c.stops++
	return c.stopErr
}

// reportingHost remembers the statuses that it was told.
type reportingHost struct {
	extensions map[component.ID]component.Component
	events     []*componentstatus.Event
}

func (h *reportingHost) GetExtensions() map[component.ID]component.Component { return h.extensions }

func (h *reportingHost) Report(event *componentstatus.Event) { h.events = append(h.events, event) }

func load(t *testing.T, m *Map[*settings, *counting], key *settings) *Component[*counting] {
	t.Helper()
	c, err := m.LoadOrStore(key, func() (*counting, error) { return new(counting), nil })
	require.NoError(t, err)
	return c
}

func TestOneComponentPerKey(t *testing.T) {
	t.Parallel()
	var m Map[*settings, *counting]
	// Equal, but not the same: two receivers may be configured alike.
	one, other := &settings{"same"}, &settings{"same"}
	assert.Same(t, load(t, &m, one), load(t, &m, one))
	assert.NotSame(t, load(t, &m, one), load(t, &m, other))
}

func TestConcurrentLoads(t *testing.T) {
	t.Parallel()
	var (
		m     Map[*settings, *counting]
		key   = new(settings)
		made  int
		loads sync.WaitGroup
	)
	for range 8 {
		loads.Go(func() {
			_, err := m.LoadOrStore(key, func() (*counting, error) {
				made++
				return new(counting), nil
			})
			assert.NoError(t, err)
		})
	}
	loads.Wait()
	assert.Equal(t, 1, made)
}

func TestFailedCreateIsNotKept(t *testing.T) {
	t.Parallel()
	var m Map[*settings, *counting]
	key := new(settings)
	errCreate := errors.New("no")
	_, err := m.LoadOrStore(key, func() (*counting, error) { return nil, errCreate })
	require.ErrorIs(t, err, errCreate)
	assert.NotNil(t, load(t, &m, key).Unwrap())
}

func TestStartsAndStopsOnce(t *testing.T) {
	t.Parallel()
	var m Map[*settings, *counting]
	c := load(t, &m, new(settings))
	for range 3 {
		require.NoError(t, c.Start(t.Context(), new(reportingHost)))
	}
	for range 3 {
		require.NoError(t, c.Shutdown(t.Context()))
	}
	assert.Equal(t, 1, c.Unwrap().starts)
	assert.Equal(t, 1, c.Unwrap().stops)
}

func TestWhoStopsIt(t *testing.T) {
	t.Parallel()
	for withFirst, want := range map[bool][]int{
		false: {0, 0, 1, 1},
		true:  {1, 1, 1, 1},
	} {
		m := Map[*settings, *counting]{StopWithFirst: withFirst}
		c := load(t, &m, new(settings))
		for range 3 {
			require.NoError(t, c.Start(t.Context(), new(reportingHost)))
		}
		var stops []int
		for range 4 {
			require.NoError(t, c.Shutdown(t.Context()))
			stops = append(stops, c.Unwrap().stops)
		}
		assert.Equal(t, want, stops)
	}
}

// No pipeline starts without the component; that it did not stop well is told
// once.
func TestErrors(t *testing.T) {
	t.Parallel()
	var m Map[*settings, *counting]
	c := load(t, &m, new(settings))
	c.Unwrap().startErr, c.Unwrap().stopErr = errors.New("port in use"), errors.New("took too long")
	for range 2 {
		require.ErrorIs(t, c.Start(t.Context(), new(reportingHost)), c.Unwrap().startErr)
	}
	require.NoError(t, c.Shutdown(t.Context()), "one pipeline still uses it")
	require.ErrorIs(t, c.Shutdown(t.Context()), c.Unwrap().stopErr)
	require.NoError(t, c.Shutdown(t.Context()), "told before")
}

func TestShutdownForgets(t *testing.T) {
	t.Parallel()
	var m Map[*settings, *counting]
	key := new(settings)
	first := load(t, &m, key)
	require.NoError(t, first.Shutdown(t.Context()), "without Start")
	assert.NotSame(t, first, load(t, &m, key))
}

func TestEveryHostHearsOfTheStatus(t *testing.T) {
	t.Parallel()
	var m Map[*settings, *counting]
	c := load(t, &m, new(settings))
	extension := component.MustNewID("extension")
	early := &reportingHost{extensions: map[component.ID]component.Component{extension: new(counting)}}
	late := new(reportingHost)

	require.NoError(t, c.Start(t.Context(), early))
	assert.Contains(t, c.Unwrap().host.GetExtensions(), extension)
	full := componentstatus.NewRecoverableErrorEvent(errors.New("disk full"))
	componentstatus.ReportStatus(c.Unwrap().host, full)
	require.NoError(t, c.Start(t.Context(), late))
	again := componentstatus.NewEvent(componentstatus.StatusOK)
	componentstatus.ReportStatus(c.Unwrap().host, again)

	want := []*componentstatus.Event{full, again}
	assert.Equal(t, want, early.events)
	assert.Equal(t, want, late.events)
}

// TestFatalErrorIsToldOnce holds a report to what the Collector listens for.
func TestFatalErrorIsToldOnce(t *testing.T) {
	t.Parallel()
	var m Map[*settings, *counting]
	c := load(t, &m, new(settings))
	first, second := new(reportingHost), new(reportingHost)
	require.NoError(t, c.Start(t.Context(), first))
	require.NoError(t, c.Start(t.Context(), second))
	dead := componentstatus.NewFatalErrorEvent(errors.New("socket is gone"))
	componentstatus.ReportStatus(c.Unwrap().host, dead)
	assert.Equal(t, []*componentstatus.Event{dead}, first.events)
	assert.Empty(t, second.events)
}
