// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/confignet"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

// perSignal runs a test with a pipeline of each signal, and with all.
func perSignal(t *testing.T, run func(*testing.T, consumers)) {
	all := failing(nil, nil, nil)
	for name, next := range map[string]consumers{
		"logs":    {logs: all.logs},
		"traces":  {traces: all.traces},
		"metrics": {metrics: all.metrics},
		"all":     all,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, next)
		})
	}
}

func TestShutdownWithoutStart(t *testing.T) {
	t.Parallel()
	perSignal(t, func(t *testing.T, next consumers) {
		for _, r := range create(t, receivertest.NewNopSettings(componentType), testConfig(), next) {
			require.NoError(t, r.Shutdown(t.Context()))
		}
	})
}

func TestStartAndShutdownTwice(t *testing.T) {
	t.Parallel()
	perSignal(t, func(t *testing.T, next consumers) {
		created := create(t, receivertest.NewNopSettings(componentType), testConfig(), next)
		for range 2 {
			for _, r := range created {
				require.NoError(t, r.Start(t.Context(), componenttest.NewNopHost()))
			}
		}
		for range 2 {
			for _, r := range created {
				require.NoError(t, r.Shutdown(t.Context()))
			}
		}
	})
}

// TestStopsWithTheFirstPipeline shuts down one pipeline. Its next component may be
// shut down then and must not get any data.
func TestStopsWithTheFirstPipeline(t *testing.T) {
	t.Parallel()
	for first := range 3 {
		e := serve(t, testConfig(), failing(nil, nil, nil))
		require.NoError(t, e.components[first].Shutdown(t.Context()))
		_, err := net.Dial("tcp", e.address)
		require.Error(t, err)
	}
}

// TestRestartOnTheSamePort does what a reload does.
func TestRestartOnTheSamePort(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	for range 3 {
		e := serve(t, cfg, failing(nil, nil, nil))
		assert.Equal(t, http.StatusOK, e.post(t, oneLog).status)
		for _, c := range e.components {
			require.NoError(t, c.Shutdown(t.Context()))
		}
		cfg.ServerConfig.NetAddr.Endpoint = e.address
	}
}

func TestPortInUse(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()
	cfg := testConfig()
	cfg.ServerConfig.NetAddr.Endpoint = taken.Addr().String()
	for _, r := range create(t, receivertest.NewNopSettings(componentType), cfg, failing(nil, nil, nil)) {
		require.ErrorContains(t, r.Start(t.Context(), componenttest.NewNopHost()), "endpoint")
		require.NoError(t, r.Shutdown(t.Context()))
	}
}

func TestUnixSocket(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.ServerConfig.NetAddr = confignet.AddrConfig{
		Endpoint:  filepath.Join(t.TempDir(), "socket"),
		Transport: confignet.TransportTypeUnix,
	}
	e := serve(t, cfg, failing(nil, nil, nil))
	e.client.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", cfg.ServerConfig.NetAddr.Endpoint)
	}
	e.address = "socket"
	assert.Equal(t, http.StatusOK, e.post(t, oneLog).status)
}

// deadListener fails to accept connections.
type deadListener struct{ net.Listener }

var errDead = errors.New("socket is gone")

func (deadListener) Accept() (net.Conn, error) { return nil, errDead }
func (deadListener) Close() error              { return nil }
func (deadListener) Addr() net.Addr            { return &net.TCPAddr{} }

func TestFailedServerIsReported(t *testing.T) {
	t.Parallel()
	r, err := newReceiver(testConfig(), receivertest.NewNopSettings(componentType))
	require.NoError(t, err)
	host := &testHost{reported: make(chan *componentstatus.Event, 1)}
	r.handler, r.server, r.served = new(handler), new(http.Server), make(chan struct{})
	r.serve(deadListener{}, host)
	event := <-host.reported
	assert.Equal(t, componentstatus.StatusFatalError, event.Status())
	require.ErrorIs(t, event.Err(), errDead)
}

// TestServerFailsWhileShuttingDown: nothing reads a fatal error then, and the
// report would block for good.
func TestServerFailsWhileShuttingDown(t *testing.T) {
	t.Parallel()
	r, err := newReceiver(testConfig(), receivertest.NewNopSettings(componentType))
	require.NoError(t, err)
	host := &testHost{reported: make(chan *componentstatus.Event, 1)}
	r.handler, r.server, r.served = new(handler), new(http.Server), make(chan struct{})
	r.handler.stopping.Store(true)
	r.serve(deadListener{}, host)
	assert.Empty(t, host.reported)
}

// TestShutdownWithUnreadReport shuts down while the report of a failed server is
// stuck.
func TestShutdownWithUnreadReport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, err := newReceiver(testConfig(), receivertest.NewNopSettings(componentType))
		require.NoError(t, err)
		host := &testHost{reported: make(chan *componentstatus.Event)}
		r.handler, r.connections, r.server, r.served = new(handler), newConnections(&LimitsConfig{}, nil, nil), new(http.Server), make(chan struct{})
		go r.serve(deadListener{}, host)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, r.Shutdown(ctx), context.DeadlineExceeded)
		<-host.reported
		<-r.served
	})
}

func TestShutdownIsNotReported(t *testing.T) {
	t.Parallel()
	host := &testHost{reported: make(chan *componentstatus.Event, 1)}
	r := create(t, receivertest.NewNopSettings(componentType), testConfig(), failing(nil, nil, nil))[0]
	require.NoError(t, r.Start(t.Context(), host))
	require.NoError(t, r.Shutdown(t.Context()))
	assert.Empty(t, host.reported)
}

// TestShutdownWaits shuts down while a pipeline handles a request.
func TestShutdownWaits(t *testing.T) {
	t.Parallel()
	var e *endpoint
	down := make(chan error, 1)
	e = serve(t, testConfig(), calling(t, func() error {
		go func() { down <- e.shutdown(context.Background()) }()
		assert.Eventually(t, e.receiver().handler.stopping.Load, time.Minute, time.Millisecond)
		assert.Empty(t, down)
		return nil
	}))
	assert.Equal(t, http.StatusOK, e.post(t, oneLog).status)
	require.NoError(t, <-down)
}

// TestShutdownDoesNotWaitForever has a pipeline that does not return.
func TestShutdownDoesNotWaitForever(t *testing.T) {
	t.Parallel()
	called, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	e := start(t, testConfig(), calling(t, func() error {
		close(called)
		<-release
		return nil
	}), receivertest.NewNopSettings(componentType), componenttest.NewNopHost())
	cut := make(chan error, 1)
	go func() {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+e.address+testPath, strings.NewReader(oneLog))
		if assert.NoError(t, err) {
			r.Header.Set(tokenHeader, testToken)
			_, err = e.client.Do(r) //nolint:bodyclose // no answer
		}
		cut <- err
	}()
	<-called

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, e.shutdown(ctx), context.Canceled)
	require.Error(t, <-cut)
}

func TestRequestWhileShuttingDown(t *testing.T) {
	t.Parallel()
	e := serve(t, testConfig(), failing(nil, nil, nil))
	e.receiver().handler.stopping.Store(true)
	got := e.post(t, oneLog)
	assert.Equal(t, http.StatusServiceUnavailable, got.status)
	assert.Equal(t, "10", got.header.Get("Retry-After"))
	assert.Equal(t, testOrigin, got.header.Get("Access-Control-Allow-Origin"))
	assert.Equal(t, `{"error":"Service unavailable","received":{"logs":0,"traces":0,"metrics":0}}`, got.body)
	assert.Equal(t, http.StatusUnauthorized, e.do(t, request{noToken: true}).status, "checked before")
}
