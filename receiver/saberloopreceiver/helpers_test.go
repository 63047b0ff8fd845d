// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

const (
	testToken  = "test-token"
	testOrigin = "https://saberloop.com"
	testPath   = "/telemetry/ingest"

	// oneLog is a batch of one log.
	oneLog = `{"logs":[{"message":"m"}]}`
	// oneOfEach is a batch of one entry of each signal.
	oneOfEach = `{"logs":[{"message":"m"}],"traces":[{"name":"t"}],"metrics":[{"name":"v","value":1}]}`
)

// testConfig returns the configuration that the contract's cases are written for,
// on a free port.
func testConfig() *Config {
	cfg := createDefaultConfig().(*Config)
	cfg.ServerConfig.NetAddr.Endpoint = "127.0.0.1:0"
	cfg.ServerConfig.CORS.GetOrInsertDefault().AllowedOrigins = []string{testOrigin}
	cfg.Tokens = []TokenConfig{{Token: testToken}}
	return cfg
}

// sinks keep the data they get.
type sinks struct {
	logs    consumertest.LogsSink
	traces  consumertest.TracesSink
	metrics consumertest.MetricsSink
}

func (s *sinks) consumers() consumers {
	return consumers{logs: &s.logs, traces: &s.traces, metrics: &s.metrics}
}

func (s *sinks) counts() entry.Counts {
	return entry.Counts{
		Logs:    s.logs.LogRecordCount(),
		Traces:  s.traces.SpanCount(),
		Metrics: s.metrics.DataPointCount(),
	}
}

// consumers are a receiver's pipelines. Nil means no pipeline.
type consumers struct {
	logs    consumer.Logs
	traces  consumer.Traces
	metrics consumer.Metrics
}

// failing returns pipelines that return an error, or accept all data if it is nil.
func failing(logs, traces, metrics error) consumers {
	return consumers{
		logs:    consumertest.NewErr(logs),
		traces:  consumertest.NewErr(traces),
		metrics: consumertest.NewErr(metrics),
	}
}

// create creates the receiver like the Collector, once per pipeline.
func create(tb testing.TB, set receiver.Settings, cfg *Config, next consumers) []component.Component {
	tb.Helper()
	f := NewFactory()
	var created []component.Component
	if next.logs != nil {
		r, err := f.CreateLogs(tb.Context(), set, cfg, next.logs)
		require.NoError(tb, err)
		created = append(created, r)
	}
	if next.traces != nil {
		r, err := f.CreateTraces(tb.Context(), set, cfg, next.traces)
		require.NoError(tb, err)
		created = append(created, r)
	}
	if next.metrics != nil {
		r, err := f.CreateMetrics(tb.Context(), set, cfg, next.metrics)
		require.NoError(tb, err)
		created = append(created, r)
	}
	return created
}

// endpoint is a receiver that listens on a real socket.
type endpoint struct {
	address    string
	log        *observer.ObservedLogs
	client     *http.Client
	components []component.Component
}

// serve starts a receiver and stops it at the end of the test.
func serve(tb testing.TB, cfg *Config, next consumers) *endpoint {
	tb.Helper()
	return serveWith(tb, cfg, next, receivertest.NewNopSettings(componentType), componenttest.NewNopHost())
}

func serveWith(tb testing.TB, cfg *Config, next consumers, set receiver.Settings, host component.Host) *endpoint {
	tb.Helper()
	e := start(tb, cfg, next, set, host)
	tb.Cleanup(func() {
		e.client.CloseIdleConnections()
		assert.NoError(tb, e.shutdown(context.Background()))
	})
	return e
}

// shutdown stops the receiver like the Collector, pipeline by pipeline.
func (e *endpoint) shutdown(ctx context.Context) error {
	var err error
	for _, c := range e.components {
		err = errors.Join(err, c.Shutdown(ctx))
	}
	return err
}

func start(tb testing.TB, cfg *Config, next consumers, set receiver.Settings, host component.Host) *endpoint {
	tb.Helper()
	require.NoError(tb, cfg.Validate())
	core, log := observer.New(zap.DebugLevel)
	set.Logger = zap.New(core)
	e := &endpoint{log: log, client: &http.Client{Transport: &http.Transport{DisableCompression: true}}}
	e.components = create(tb, set, cfg, next)
	for _, c := range e.components {
		require.NoError(tb, c.Start(tb.Context(), host))
	}
	started := log.FilterMessage("Starting HTTP server").All()
	require.Len(tb, started, 1, "one server for all signals")
	e.address = started[0].ContextMap()["endpoint"].(string)
	return e
}

func (e *endpoint) receiver() *saberloopReceiver { return e.components[0].(*sharedReceiver).Unwrap() }

// reply is an answer that a client got.
type reply struct {
	status int
	header http.Header
	body   string
}

// fields returns the members of the body.
func (r reply) fields(tb testing.TB) map[string]any {
	tb.Helper()
	var fields map[string]any
	require.NoError(tb, json.Unmarshal([]byte(r.body), &fields), "not JSON: %q", r.body)
	return fields
}

// request is a request to a receiver. The zero value is a POST with a token and
// no body.
type request struct {
	method  string
	path    string
	body    io.Reader
	header  map[string]string
	noToken bool
}

func (e *endpoint) do(tb testing.TB, req request) reply {
	tb.Helper()
	if req.method == "" {
		req.method = http.MethodPost
	}
	if req.path == "" {
		req.path = testPath
	}
	r, err := http.NewRequestWithContext(tb.Context(), req.method, "http://"+e.address+req.path, req.body)
	require.NoError(tb, err)
	if !req.noToken {
		r.Header.Set(tokenHeader, testToken)
	}
	for key, value := range req.header {
		r.Header.Set(key, value)
	}
	resp, err := e.client.Do(r)
	require.NoError(tb, err)
	defer func() { assert.NoError(tb, resp.Body.Close()) }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(tb, err)
	return reply{status: resp.StatusCode, header: resp.Header, body: string(body)}
}

// post sends a body like a page of the allowed origin.
func (e *endpoint) post(tb testing.TB, body string) reply {
	tb.Helper()
	return e.do(tb, request{body: bytes.NewBufferString(body), header: map[string]string{"Origin": testOrigin}})
}

// calling returns pipelines that return the error of f.
func calling(tb testing.TB, f func() error) consumers {
	tb.Helper()
	logs, err := consumer.NewLogs(func(context.Context, plog.Logs) error { return f() })
	require.NoError(tb, err)
	traces, err := consumer.NewTraces(func(context.Context, ptrace.Traces) error { return f() })
	require.NoError(tb, err)
	metrics, err := consumer.NewMetrics(func(context.Context, pmetric.Metrics) error { return f() })
	require.NoError(tb, err)
	return consumers{logs: logs, traces: traces, metrics: metrics}
}

// newPost returns a valid request for a handler without a socket.
func newPost(tb testing.TB, body string) *http.Request {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, testPath, strings.NewReader(body))
	r.Header.Set(tokenHeader, testToken)
	return r
}

// rawPost sends the required headers and then rest, closes its side of the
// connection and returns the answer.
func (e *endpoint) rawPost(tb testing.TB, rest string) string {
	tb.Helper()
	return e.rawRequests(tb, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s: %s\r\n%s",
		testPath, tokenHeader, testToken, rest))
}

// rawRequests sends requests over one connection, closes its side of it and
// returns the answers.
func (e *endpoint) rawRequests(tb testing.TB, requests ...string) string {
	tb.Helper()
	conn, err := net.Dial("tcp", e.address)
	require.NoError(tb, err)
	defer func() { assert.NoError(tb, conn.Close()) }()
	_, err = io.WriteString(conn, strings.Join(requests, ""))
	require.NoError(tb, err)
	require.NoError(tb, conn.(*net.TCPConn).CloseWrite())
	answers, err := io.ReadAll(conn)
	require.NoError(tb, err)
	return string(answers)
}
