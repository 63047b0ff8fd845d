// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package sharedcomponent

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
)

type settings struct{ name string }

// counter counts its starts and shutdowns.
type counter struct {
	starts, stops     int
	startErr, stopErr error
	host              component.Host
}

func (c *counter) Start(_ context.Context, host component.Host) error {
	c.starts++
	c.host = host
	return c.startErr
}

func (c *counter) Shutdown(context.Context) error {
	c.stops++
	return c.stopErr
}

// reportingHost records the status events it gets.
type reportingHost struct {
	extensions map[component.ID]component.Component
	events     []*componentstatus.Event
}

func (h *reportingHost) GetExtensions() map[component.ID]component.Component { return h.extensions }

func (h *reportingHost) Report(event *componentstatus.Event) { h.events = append(h.events, event) }

func load(t *testing.T, m *Map[*settings, *counter], key *settings) *Component[*counter] {
	t.Helper()
	c, err := m.LoadOrStore(key, func() (*counter, error) { return new(counter), nil })
	require.NoError(t, err)
	return c
}

func TestOneComponentPerKey(t *testing.T) {
	t.Parallel()
	var m Map[*settings, *counter]
	// Two receivers may have equal configurations.
	one, other := &settings{"same"}, &settings{"same"}
	assert.Same(t, load(t, &m, one), load(t, &m, one))
	assert.NotSame(t, load(t, &m, one), load(t, &m, other))
}

func TestConcurrentLoads(t *testing.T) {
	t.Parallel()
	var (
		m     Map[*settings, *counter]
		key   = new(settings)
		made  int
		loads sync.WaitGroup
	)
	for range 8 {
		loads.Go(func() {
			_, err := m.LoadOrStore(key, func() (*counter, error) {
				made++
				return new(counter), nil
			})
			assert.NoError(t, err)
		})
	}
	loads.Wait()
	assert.Equal(t, 1, made)
}

func TestFailedCreateIsNotKept(t *testing.T) {
	t.Parallel()
	var m Map[*settings, *counter]
	key := new(settings)
	errCreate := errors.New("no")
	_, err := m.LoadOrStore(key, func() (*counter, error) { return nil, errCreate })
	require.ErrorIs(t, err, errCreate)
	assert.NotNil(t, load(t, &m, key).Unwrap())
}

func TestStartsAndStopsOnce(t *testing.T) {
	t.Parallel()
	var m Map[*settings, *counter]
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

func TestStopsWithFirstOrLastPipeline(t *testing.T) {
	t.Parallel()
	for withFirst, want := range map[bool][]int{
		false: {0, 0, 1, 1},
		true:  {1, 1, 1, 1},
	} {
		m := Map[*settings, *counter]{StopWithFirst: withFirst}
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

// TestErrors checks that each pipeline gets the error of Start, and only one
// gets the error of Shutdown.
func TestErrors(t *testing.T) {
	t.Parallel()
	var m Map[*settings, *counter]
	c := load(t, &m, new(settings))
	c.Unwrap().startErr, c.Unwrap().stopErr = errors.New("port in use"), errors.New("took too long")
	for range 2 {
		require.ErrorIs(t, c.Start(t.Context(), new(reportingHost)), c.Unwrap().startErr)
	}
	require.NoError(t, c.Shutdown(t.Context()), "one pipeline still uses it")
	require.ErrorIs(t, c.Shutdown(t.Context()), c.Unwrap().stopErr)
	require.NoError(t, c.Shutdown(t.Context()), "returned before")
}

func TestShutdownForgets(t *testing.T) {
	t.Parallel()
	var m Map[*settings, *counter]
	key := new(settings)
	first := load(t, &m, key)
	require.NoError(t, first.Shutdown(t.Context()), "without Start")
	assert.NotSame(t, first, load(t, &m, key))
}

func TestEveryHostGetsTheStatus(t *testing.T) {
	t.Parallel()
	var m Map[*settings, *counter]
	c := load(t, &m, new(settings))
	extension := component.MustNewID("extension")
	early := &reportingHost{extensions: map[component.ID]component.Component{extension: new(counter)}}
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

// TestFatalErrorIsReportedOnce: the Collector reads one fatal error and ends.
func TestFatalErrorIsReportedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var m Map[*settings, *counter]
		c := load(t, &m, new(settings))
		first, second := new(reportingHost), new(reportingHost)
		require.NoError(t, c.Start(t.Context(), first))
		require.NoError(t, c.Start(t.Context(), second))
		dead := componentstatus.NewFatalErrorEvent(errors.New("socket is gone"))
		for _, event := range []*componentstatus.Event{dead, dead, componentstatus.NewEvent(componentstatus.StatusOK)} {
			componentstatus.ReportStatus(c.Unwrap().host, event)
		}
		synctest.Wait()
		assert.Equal(t, []*componentstatus.Event{dead}, first.events)
		assert.Empty(t, second.events)
		require.NoError(t, c.Shutdown(t.Context()))
		require.NoError(t, c.Shutdown(t.Context()))
	})
}

// blockingHost delivers events over an unbuffered channel, as the Collector does
// with fatal errors.
type blockingHost struct{ events chan *componentstatus.Event }

func newBlockingHost() blockingHost { return blockingHost{make(chan *componentstatus.Event)} }

func (blockingHost) GetExtensions() map[component.ID]component.Component { return nil }

func (h blockingHost) Report(event *componentstatus.Event) { h.events <- event }

// TestFatalErrorDuringStartUp starts the next pipeline while the Collector does
// not read the fatal error yet.
func TestFatalErrorDuringStartUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var m Map[*settings, *counter]
		c := load(t, &m, new(settings))
		first := newBlockingHost()
		require.NoError(t, c.Start(t.Context(), first))
		dead := componentstatus.NewFatalErrorEvent(errors.New("socket is gone"))
		componentstatus.ReportStatus(c.Unwrap().host, dead)
		synctest.Wait()

		require.NoError(t, c.Start(t.Context(), new(reportingHost)))
		assert.Nil(t, c.Unwrap().host.GetExtensions())
		assert.Equal(t, dead, <-first.events)
		require.NoError(t, c.Shutdown(t.Context()))
		require.NoError(t, c.Shutdown(t.Context()))
	})
}

// TestFatalErrorThatNobodyReads limits how long Shutdown waits for the
// Collector.
func TestFatalErrorThatNobodyReads(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		timeout time.Duration
		want    time.Duration
		err     error
	}{
		{"context ends first", 10 * time.Millisecond, 10 * time.Millisecond, context.DeadlineExceeded},
		{"context has time", time.Hour, fatalTimeout, errNotRead},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var m Map[*settings, *counter]
				c := load(t, &m, new(settings))
				host := newBlockingHost()
				require.NoError(t, c.Start(t.Context(), host))
				componentstatus.ReportStatus(c.Unwrap().host, componentstatus.NewFatalErrorEvent(errors.New("socket is gone")))

				ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
				defer cancel()
				start := time.Now()
				require.ErrorIs(t, c.Shutdown(ctx), tt.err)
				assert.Equal(t, tt.want, time.Since(start))
				assert.Equal(t, 1, c.Unwrap().stops)
				<-host.events
			})
		})
	}
}

// TestEventsKeepTheirOrder reports an error and then its end while the delivery
// of the error is under way. An error that arrived last would stay for good.
func TestEventsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var m Map[*settings, *counter]
		c := load(t, &m, new(settings))
		early, late := newBlockingHost(), newBlockingHost()
		require.NoError(t, c.Start(t.Context(), early))
		full := componentstatus.NewRecoverableErrorEvent(errors.New("disk full"))
		again := componentstatus.NewEvent(componentstatus.StatusOK)

		go componentstatus.ReportStatus(c.Unwrap().host, full)
		synctest.Wait()
		require.NoError(t, c.Start(t.Context(), late))
		componentstatus.ReportStatus(c.Unwrap().host, again)

		assert.Equal(t, full, <-early.events)
		assert.Equal(t, full, <-late.events)
		assert.Equal(t, again, <-early.events)
		assert.Equal(t, again, <-late.events)
		synctest.Wait()
		require.NoError(t, c.Shutdown(t.Context()))
		require.NoError(t, c.Shutdown(t.Context()))
	})
}

// TestConcurrentReports reports from many goroutines. All hosts have to agree on
// the order.
func TestConcurrentReports(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var m Map[*settings, *counter]
		c := load(t, &m, new(settings))
		one, other := new(reportingHost), new(reportingHost)
		require.NoError(t, c.Start(t.Context(), one))
		require.NoError(t, c.Start(t.Context(), other))
		var reports sync.WaitGroup
		for range 50 {
			reports.Go(func() {
				componentstatus.ReportStatus(c.Unwrap().host, componentstatus.NewEvent(componentstatus.StatusOK))
			})
		}
		reports.Wait()
		require.Len(t, one.events, 50)
		require.Len(t, other.events, 50)
		for i := range one.events {
			assert.Same(t, one.events[i], other.events[i])
		}
	})
}

// TestNoReportsAfterShutdown: the Collector reports itself that a component has
// stopped.
func TestNoReportsAfterShutdown(t *testing.T) {
	t.Parallel()
	var m Map[*settings, *counter]
	c := load(t, &m, new(settings))
	host := new(reportingHost)
	require.NoError(t, c.Start(t.Context(), host))
	require.NoError(t, c.Shutdown(t.Context()))
	componentstatus.ReportStatus(c.Unwrap().host, componentstatus.NewEvent(componentstatus.StatusOK))
	componentstatus.ReportStatus(c.Unwrap().host, componentstatus.NewFatalErrorEvent(errors.New("socket is gone")))
	assert.Empty(t, host.events)
}
