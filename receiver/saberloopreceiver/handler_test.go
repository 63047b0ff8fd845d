// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

var (
	errFull   = errors.New("disk full")
	errNotFit = consumererror.NewPermanent(errors.New("does not fit"))
)

// TestChecksInOrder sends a request that fails every check, and then fixes one
// fault after the other.
func TestChecksInOrder(t *testing.T) {
	t.Parallel()
	// A new reader for each request: the client may still be sending the previous
	// body when the answer arrives.
	body := strings.Repeat(" ", 1<<20+1)
	steps := []struct {
		fix    func(*request)
		status int
		err    string
	}{
		{func(*request) {}, http.StatusNotFound, "Not found"},
		{func(r *request) { r.path = testPath }, http.StatusMethodNotAllowed, "Method not allowed"},
		{func(r *request) { r.method = http.MethodPost }, http.StatusForbidden, "Origin not allowed"},
		{func(r *request) { r.header["Origin"] = testOrigin }, http.StatusUnauthorized, "Unauthorized"},
		{func(r *request) { r.header[tokenHeader] = testToken }, http.StatusRequestEntityTooLarge, "Payload too large"},
		{func(*request) { body = "{}" }, http.StatusBadRequest, "Invalid JSON"},
		{func(*request) { body = `{"logs":1}` }, http.StatusBadRequest, "Invalid batch"},
		{func(*request) { body = `{"logs":[1]}` }, http.StatusBadRequest, "Invalid batch"},
		{func(*request) { body = oneLog }, http.StatusServiceUnavailable, "Service unavailable"},
	}
	e := serve(t, testConfig(), failing(errFull, nil, nil))
	req := request{
		method:  http.MethodPut,
		path:    "/elsewhere",
		header:  map[string]string{"Origin": "https://evil.example"},
		noToken: true,
	}
	for _, step := range steps {
		step.fix(&req)
		req.body = strings.NewReader(body)
		got := e.do(t, req)
		assert.Equal(t, step.status, got.status, step.err)
		assert.Equal(t, step.err, got.fields(t)["error"])
	}
}

// TestUndecodableBodyIsCheckedInOrder does the same for bodies that fail before
// the handler is called.
func TestUndecodableBodyIsCheckedInOrder(t *testing.T) {
	t.Parallel()
	steps := []struct {
		fix    func(*request)
		status int
	}{
		{func(*request) {}, http.StatusNotFound},
		{func(r *request) { r.path = testPath }, http.StatusMethodNotAllowed},
		{func(r *request) { r.method = http.MethodOptions }, http.StatusNoContent},
		{func(r *request) { r.method = http.MethodPost }, http.StatusForbidden},
		{func(r *request) { r.header["Origin"] = testOrigin }, http.StatusUnauthorized},
		{func(r *request) { r.header[tokenHeader] = testToken }, http.StatusRequestEntityTooLarge},
		{func(r *request) { r.body = strings.NewReader(oneLog) }, http.StatusBadRequest},
	}
	for _, encoding := range []string{"gzip", "deflate", "br"} {
		t.Run(encoding, func(t *testing.T) {
			t.Parallel()
			e := serve(t, testConfig(), failing(nil, nil, nil))
			req := request{
				method:  http.MethodPut,
				path:    "/elsewhere",
				header:  map[string]string{"Origin": "https://evil.example", "Content-Encoding": encoding},
				noToken: true,
			}
			large := strings.Repeat(" ", 1<<20+1)
			for _, step := range steps {
				req.body = strings.NewReader(large)
				step.fix(&req)
				assert.Equal(t, step.status, e.do(t, req).status)
			}
		})
	}
}

// TestAnswers checks every kind of answer. A page of the allowed origin can read
// each of them.
func TestAnswers(t *testing.T) {
	t.Parallel()
	const zero = `{"logs":0,"traces":0,"metrics":0}`
	tests := []struct {
		name   string
		next   consumers
		req    request
		body   string
		status int
		want   string
		header map[string]string
	}{
		{
			name: "stored", body: oneOfEach,
			status: 200, want: `{"status":"ok","received":{"logs":1,"traces":1,"metrics":1}}`,
		},
		{
			name: "stored at the second path", req: request{path: "/telemetry/ingest.php"}, body: oneLog,
			status: 200, want: `{"status":"ok","received":{"logs":1,"traces":0,"metrics":0}}`,
		},
		{
			name: "stored, with a query", req: request{path: testPath + "?token=x"}, body: oneLog,
			status: 200, want: `{"status":"ok","received":{"logs":1,"traces":0,"metrics":0}}`,
		},
		{
			name: "nothing to store", body: `{"logs":[]}`,
			status: 200, want: `{"status":"ok","received":` + zero + `}`,
		},
		{
			name: "stored in part", body: `{"logs":[{},1]}`,
			status: 200,
			want: `{"status":"ok","received":{"logs":1,"traces":0,"metrics":0},` +
				`"rejected":{"logs":1,"traces":0,"metrics":0},"errors":["logs[1]: not an object"]}`,
		},
		{
			name: "every entry rejected", body: `{"metrics":[1]}`,
			status: 400,
			want: `{"error":"Invalid batch","rejected":{"logs":0,"traces":0,"metrics":1},` +
				`"errors":["metrics[0]: not an object"]}`,
		},
		{
			name: "not a batch", body: `{"logs":1}`,
			status: 400, want: `{"error":"Invalid batch","detail":"logs: not an array"}`,
		},
		{
			name: "preflight",
			req: request{method: "OPTIONS", noToken: true, header: map[string]string{
				"Access-Control-Request-Method":  "POST",
				"Access-Control-Request-Headers": "content-type,x-telemetry-token",
			}},
			status: 204,
			header: map[string]string{
				"Access-Control-Allow-Methods": "POST",
				"Access-Control-Allow-Headers": "Content-Type, X-Telemetry-Token, Content-Encoding",
				"Access-Control-Max-Age":       "7200",
			},
		},
		{name: "other OPTIONS", req: request{method: "OPTIONS", noToken: true}, status: 204},
		{name: "no token", req: request{noToken: true}, body: oneLog, status: 401, want: `{"error":"Unauthorized"}`},
		{name: "other path", req: request{path: "/"}, body: oneLog, status: 404, want: `{"error":"Not found"}`},
		{name: "path with an extra slash", req: request{path: testPath + "/"}, body: oneLog, status: 404, want: `{"error":"Not found"}`},
		{name: "preflight of another path", req: request{method: "OPTIONS", path: "/"}, status: 404, want: `{"error":"Not found"}`},
		{name: "HEAD of another path", req: request{method: "HEAD", path: "/"}, status: 404},
		{
			name: "GET", req: request{method: "GET"},
			status: 405, want: `{"error":"Method not allowed"}`, header: map[string]string{"Allow": "POST, OPTIONS"},
		},
		{name: "HEAD", req: request{method: "HEAD"}, status: 405, header: map[string]string{"Allow": "POST, OPTIONS"}},
		{
			name: "PUT", req: request{method: "PUT"}, body: oneLog,
			status: 405, want: `{"error":"Method not allowed"}`, header: map[string]string{"Allow": "POST, OPTIONS"},
		},
		{
			name: "unknown method", req: request{method: "BREW"},
			status: 405, want: `{"error":"Method not allowed"}`, header: map[string]string{"Allow": "POST, OPTIONS"},
		},
		{name: "too large", body: strings.Repeat(" ", 1<<20+1), status: 413, want: `{"error":"Payload too large"}`},
		{
			name: "permanent error", next: failing(errNotFit, nil, nil), body: oneOfEach,
			status: 500, want: `{"error":"Internal error"}`,
		},
		{
			name: "retryable error", next: failing(nil, errFull, nil), body: oneOfEach,
			status: 503, want: `{"error":"Service unavailable","received":{"logs":1,"traces":0,"metrics":1}}`,
			header: map[string]string{"Retry-After": "10"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			next := tt.next
			if next == (consumers{}) {
				next = failing(nil, nil, nil)
			}
			e := serve(t, testConfig(), next)
			req := tt.req
			req.body = strings.NewReader(tt.body)
			if req.header == nil {
				req.header = map[string]string{}
			}
			req.header["Origin"] = testOrigin
			got := e.do(t, req)

			assert.Equal(t, tt.status, got.status)
			assert.Equal(t, tt.want, got.body)
			assert.Equal(t, testOrigin, got.header.Get("Access-Control-Allow-Origin"))
			assert.Equal(t, []string{"Origin"}, got.header.Values("Vary"))
			if req.method != http.MethodOptions {
				assert.Equal(t, "Retry-After", got.header.Get("Access-Control-Expose-Headers"))
			}
			if tt.want != "" {
				assert.Equal(t, "application/json", got.header.Get("Content-Type"))
			}
			for key, value := range tt.header {
				assert.Equal(t, value, got.header.Get(key), key)
			}
		})
	}
}

// TestOptionsOfServer sends "OPTIONS *", which net/http would answer itself.
func TestOptionsOfServer(t *testing.T) {
	t.Parallel()
	e := serve(t, testConfig(), failing(nil, nil, nil))
	got := e.rawRequests(t, "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	assert.True(t, strings.HasPrefix(got, "HTTP/1.1 404 "), got)
	assert.Contains(t, got, `{"error":"Not found"}`)
}

func TestInvalidJSONSaysWhy(t *testing.T) {
	t.Parallel()
	e := serve(t, testConfig(), failing(nil, nil, nil))
	for _, body := range []string{"", "{}", "[]", "nonsense", `{"logs":[` + strings.Repeat("[", 600)} {
		got := e.post(t, body)
		assert.Equal(t, http.StatusBadRequest, got.status)
		fields := got.fields(t)
		assert.Equal(t, "Invalid JSON", fields["error"])
		assert.NotEmpty(t, fields["detail"])
	}
}

func TestMaxDepth(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.MaxDepth = 20
	e := serve(t, cfg, failing(nil, nil, nil))
	// The batch, its logs and the log are levels 1 to 3.
	nested := func(levels int) string {
		return `{"logs":[{"context":` + strings.Repeat("[", levels-3) + strings.Repeat("]", levels-3) + `}]}`
	}
	assert.Equal(t, http.StatusOK, e.post(t, nested(19)).status)
	assert.Equal(t, http.StatusBadRequest, e.post(t, nested(20)).status)
}

// TestPipelineErrors checks every combination of results of three pipelines.
func TestPipelineErrors(t *testing.T) {
	t.Parallel()
	answers := []struct {
		name string
		err  error
	}{{"ok", nil}, {"permanent", errNotFit}, {"retryable", errFull}}
	for _, logs := range answers {
		for _, traces := range answers {
			for _, metrics := range answers {
				t.Run(fmt.Sprintf("%s, %s, %s", logs.name, traces.name, metrics.name), func(t *testing.T) {
					t.Parallel()
					got := serve(t, testConfig(), failing(logs.err, traces.err, metrics.err)).post(t, oneOfEach)

					var stored counts
					status := http.StatusOK
					for i, err := range []error{logs.err, traces.err, metrics.err} {
						switch {
						case err == nil:
							*[]*int{&stored.Logs, &stored.Traces, &stored.Metrics}[i] = 1
						case !consumererror.IsPermanent(err):
							status = http.StatusServiceUnavailable
						case status == http.StatusOK:
							status = http.StatusInternalServerError
						}
					}
					assert.Equal(t, status, got.status)
					if status != http.StatusInternalServerError {
						assert.Equal(t, map[string]any{
							"logs":    float64(stored.Logs),
							"traces":  float64(stored.Traces),
							"metrics": float64(stored.Metrics),
						}, got.fields(t)["received"])
					}
				})
			}
		}
	}
}

func TestSignalWithoutPipeline(t *testing.T) {
	t.Parallel()
	all := failing(nil, nil, nil)
	tests := []struct {
		name   string
		next   consumers
		body   string
		status int
		want   string
	}{
		{
			name: "only logs", next: consumers{logs: all.logs}, body: oneOfEach, status: 200,
			want: `{"status":"ok","received":{"logs":1,"traces":0,"metrics":0},"rejected":{"logs":0,"traces":1,"metrics":1},` +
				`"errors":["traces: no pipeline takes traces","metrics: no pipeline takes metrics"]}`,
		},
		{
			name: "all but logs", next: consumers{traces: all.traces, metrics: all.metrics}, body: oneOfEach, status: 200,
			want: `{"status":"ok","received":{"logs":0,"traces":1,"metrics":1},"rejected":{"logs":1,"traces":0,"metrics":0},` +
				`"errors":["logs: no pipeline takes logs"]}`,
		},
		{
			name: "nothing left", next: consumers{metrics: all.metrics}, body: oneLog, status: 400,
			want: `{"error":"Invalid batch","rejected":{"logs":1,"traces":0,"metrics":0},"errors":["logs: no pipeline takes logs"]}`,
		},
		{
			name: "nothing sent", next: consumers{metrics: all.metrics}, body: `{"logs":[]}`, status: 200,
			want: `{"status":"ok","received":{"logs":0,"traces":0,"metrics":0}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := serve(t, testConfig(), tt.next).post(t, tt.body)
			assert.Equal(t, tt.status, got.status)
			assert.Equal(t, tt.want, got.body)
		})
	}
}

func TestAtMostTenErrors(t *testing.T) {
	t.Parallel()
	e := serve(t, testConfig(), consumers{traces: failing(nil, nil, nil).traces})
	got := e.post(t, `{"traces":[{}`+strings.Repeat(",1", 20)+`],"logs":[{}]}`)
	assert.Len(t, got.fields(t)["errors"], entry.MaxErrors)
	assert.Equal(t, map[string]any{"logs": 1.0, "traces": 20.0, "metrics": 0.0}, got.fields(t)["rejected"])
}

func TestEmptyBatchSkipsPipelines(t *testing.T) {
	t.Parallel()
	e := serve(t, testConfig(), failing(errFull, errFull, errFull))
	for _, body := range []string{`{"logs":[],"traces":[],"metrics":[]}`, `{"logs":null}`, `{"other":1}`} {
		assert.Equal(t, http.StatusOK, e.post(t, body).status, body)
	}
}

func TestSignalsAreConsumedConcurrently(t *testing.T) {
	t.Parallel()
	// Each pipeline waits until all three have been called.
	var called sync.WaitGroup
	called.Add(3)
	all := make(chan struct{})
	go func() {
		called.Wait()
		close(all)
	}()
	wait := func() error {
		called.Done()
		select {
		case <-all:
			return nil
		case <-time.After(30 * time.Second):
			return errors.New("the other pipelines were not called")
		}
	}
	got := serve(t, testConfig(), calling(t, wait)).post(t, oneOfEach)
	assert.Equal(t, http.StatusOK, got.status, got.body)
}

func TestTokens(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		configured []TokenConfig
		sent       string
		status     int
	}{
		{"right", []TokenConfig{{Token: "secret"}}, "secret", 200},
		{"old", []TokenConfig{{Token: "new"}, {Token: "old"}}, "old", 200},
		{"new", []TokenConfig{{Token: "new"}, {Token: "old"}}, "new", 200},
		{"configured twice", []TokenConfig{{Token: "secret"}, {Token: "secret"}}, "secret", 200},
		{"blanks around", []TokenConfig{{Token: "secret"}}, " \tsecret\t ", 200},
		{"blanks around the configured token", []TokenConfig{{Token: " secret\n"}}, "secret", 200},
		{"blanks within", []TokenConfig{{Token: "two words"}}, "two words", 200},
		{"not ASCII", []TokenConfig{{Token: "gehëim"}}, "gehëim", 200},
		{"wrong", []TokenConfig{{Token: "secret"}}, "secreT", 401},
		{"too short", []TokenConfig{{Token: "secret"}}, "secre", 401},
		{"too long", []TokenConfig{{Token: "secret"}}, "secrett", 401},
		{"empty", []TokenConfig{{Token: "secret"}}, "", 401},
		{"empty, with a blank token configured", []TokenConfig{{Token: "secret"}, {Token: ""}, {Token: " "}}, "", 401},
		{"both at once", []TokenConfig{{Token: "new"}, {Token: "old"}}, "new,old", 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig()
			cfg.Tokens = tt.configured
			e := serve(t, cfg, failing(nil, nil, nil))
			got := e.do(t, request{body: strings.NewReader(oneLog), header: map[string]string{tokenHeader: tt.sent}})
			assert.Equal(t, tt.status, got.status)
		})
	}
}

func TestReceivedAt(t *testing.T) {
	t.Parallel()
	var stored sinks
	set := receivertest.NewNopSettings(componentType)
	cfg := testConfig()
	r, err := newReceiver(cfg, set)
	require.NoError(t, err)
	r.pipelines.registerLogsConsumer(&stored.logs)
	r.now = func() time.Time {
		return time.Date(2025, 12, 22, 12, 0, 5, 999, time.FixedZone("two hours ahead", 2*60*60))
	}
	limits, err := newLimits(r.cfg, r.now)
	require.NoError(t, err)
	h, err := r.newHandler(t.Context(), componenttest.NewNopHost(), limits)
	require.NoError(t, err)

	w := httptest.NewRecorder()
	h.ServeHTTP(w, newPost(t, oneLog))
	require.Equal(t, http.StatusOK, w.Code)
	record := stored.logs.AllLogs()[0].ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
	assert.Equal(t, time.Date(2025, 12, 22, 10, 0, 5, 0, time.UTC), record.ObservedTimestamp().AsTime())
}

func TestResource(t *testing.T) {
	t.Parallel()
	var stored sinks
	cfg := testConfig()
	cfg.ServiceName = "shop"
	cfg.ResourceAttributes = map[string]string{"deployment.environment.name": "test"}
	assert.Equal(t, http.StatusOK, serve(t, cfg, stored.consumers()).post(t, oneOfEach).status)
	want := map[string]any{"service.name": "shop", "deployment.environment.name": "test"}
	assert.Equal(t, want, stored.logs.AllLogs()[0].ResourceLogs().At(0).Resource().Attributes().AsRaw())
	assert.Equal(t, want, stored.traces.AllTraces()[0].ResourceSpans().At(0).Resource().Attributes().AsRaw())
	assert.Equal(t, want, stored.metrics.AllMetrics()[0].ResourceMetrics().At(0).Resource().Attributes().AsRaw())
}

// TestContext checks what the pipelines know about the request.
func TestContext(t *testing.T) {
	t.Parallel()
	contexts := make(chan context.Context, 1)
	logs, err := consumer.NewLogs(func(ctx context.Context, _ plog.Logs) error {
		contexts <- ctx
		return nil
	})
	require.NoError(t, err)
	cfg := testConfig()
	cfg.ServerConfig.IncludeMetadata = true
	e := serve(t, cfg, consumers{logs: logs})
	require.Equal(t, http.StatusOK, e.post(t, oneLog).status)

	got := <-contexts
	info := client.FromContext(got)
	assert.Equal(t, "127.0.0.1", info.Addr.String())
	assert.Equal(t, []string{testOrigin}, info.Metadata.Get("Origin"))
	assert.Nil(t, got.Done(), "a batch is stored even if the client disconnects")
}

// TestPanics has a consumer that panics: in the request's goroutine with one
// signal, in other goroutines with three.
func TestPanics(t *testing.T) {
	t.Parallel()
	const payload = "my diary"
	for _, body := range []string{oneLog, oneOfEach} {
		e := serve(t, testConfig(), calling(t, func() error { panic(payload) }))
		for range 2 {
			got := e.post(t, body)
			assert.Equal(t, http.StatusInternalServerError, got.status)
			assert.Equal(t, `{"error":"Internal error"}`, got.body)
		}
		panics := e.log.FilterMessage("Recovered from a panic")
		assert.GreaterOrEqual(t, panics.Len(), 2)
		for _, line := range panics.All() {
			assert.Equal(t, "string", line.ContextMap()["panic"])
			assert.Contains(t, line.ContextMap()["stack"], "handler_test.go")
			assert.NotContains(t, fmt.Sprint(line.ContextMap()), payload)
		}
	}
}

func TestRuntimeErrorIsLogged(t *testing.T) {
	t.Parallel()
	var none []int
	e := serve(t, testConfig(), calling(t, func() error { return fmt.Errorf("%d", none[len(none)]) }))
	assert.Equal(t, http.StatusInternalServerError, e.post(t, oneLog).status)
	lines := e.log.FilterMessage("Recovered from a panic").All()
	require.Len(t, lines, 1)
	assert.Contains(t, lines[0].ContextMap()["panic"], "index out of range")
}

// TestRequestsAreNotLogged sends all kinds of requests.
func TestRequestsAreNotLogged(t *testing.T) {
	t.Parallel()
	e := serve(t, testConfig(), failing(nil, errFull, errNotFit))
	for _, body := range []string{oneLog, oneOfEach, `{"traces":[{}]}`, `{"metrics":[{}]}`, `{"logs":[1]}`, `{"logs":1}`, "{", ""} {
		e.post(t, body)
		e.do(t, request{body: strings.NewReader(body), noToken: true})
		e.do(t, request{body: strings.NewReader(body), header: map[string]string{"Content-Encoding": "gzip"}})
		e.do(t, request{body: strings.NewReader(body), header: map[string]string{"Origin": "https://evil.example"}})
	}
	assert.Equal(t, 1, e.log.Len(), "only the start of the server: %v", e.log.All())
}

func TestReadmeHasTheAnswers(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	for _, code := range statusCodes {
		assert.Regexp(t, "(?m)^\\| "+strconv.Itoa(code)+"[ ,]", string(readme))
	}
}
