// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"context"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.yaml.in/yaml/v3"

	"github.com/saberloop/otelcol-saberloop/internal/configtest"
	"github.com/saberloop/otelcol-saberloop/receiver/saberloopreceiver/internal/clientaddr"
	"github.com/saberloop/otelcol-saberloop/receiver/saberloopreceiver/internal/ratelimit"
)

// serveMeasured starts a receiver with readable telemetry.
func serveMeasured(tb testing.TB, next consumers) (*endpoint, *componenttest.Telemetry) {
	tb.Helper()
	telemetry := componenttest.NewTelemetry()
	tb.Cleanup(func() { assert.NoError(tb, telemetry.Shutdown(context.Background())) })
	set := receiver.Settings{
		ID:                component.NewIDWithName(componentType, "test"),
		TelemetrySettings: telemetry.NewTelemetrySettings(),
	}
	return serveWith(tb, testConfig(), next, set, componenttest.NewNopHost()), telemetry
}

// ownMetrics returns the metrics of the receiver's own scope.
func ownMetrics(tb testing.TB, telemetry *componenttest.Telemetry) []metricdata.Metrics {
	tb.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(tb, telemetry.Reader.Collect(tb.Context(), &all))
	for _, scope := range all.ScopeMetrics {
		if scope.Scope.Name == scopeName {
			return scope.Metrics
		}
	}
	return nil
}

// collectOwnMetrics makes the receiver use all of its metrics.
func collectOwnMetrics(tb testing.TB) []metricdata.Metrics {
	tb.Helper()
	e, telemetry := serveMeasured(tb, failing(nil, nil, nil))
	e.post(tb, `{"logs":[1],"dropped":[{"signal":"logs","reason":"full","count":3}]}`)
	e.post(tb, oneLog)
	e.post(tb, oneLog)
	e.receiver().telemetry.closedConnection()
	return ownMetrics(tb, telemetry)
}

// sums returns a counter's values by the value of an attribute.
func sums(tb testing.TB, telemetry *componenttest.Telemetry, name, key string) map[string]int64 {
	tb.Helper()
	m, err := telemetry.GetMetric(name)
	require.NoError(tb, err)
	values := map[string]int64{}
	for _, point := range m.Data.(metricdata.Sum[int64]).DataPoints {
		receiver, _ := point.Attributes.Value("receiver")
		assert.Equal(tb, "saberloop/test", receiver.AsString())
		value, _ := point.Attributes.Value(attribute.Key(key))
		values[value.String()] += point.Value
	}
	return values
}

func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	e, telemetry := serveMeasured(t, failing(nil, errFull, errNotFit))
	e.post(t, oneLog)
	e.post(t, oneLog)
	e.post(t, "{")
	e.post(t, `{"traces":[{}]}`)
	e.post(t, `{"metrics":[{}]}`)
	e.post(t, strings.Repeat(" ", 1<<20+1))
	e.do(t, request{noToken: true})
	e.do(t, request{path: "/"})
	e.do(t, request{method: http.MethodGet})
	e.do(t, request{method: http.MethodOptions})
	e.do(t, request{header: map[string]string{"Origin": "https://evil.example"}})
	e.postEncoded(t, "gzip", strings.NewReader(oneLog))
	e.receiver().handler.limits.rate = ratelimit.New[clientaddr.Key](ratelimit.Config{
		Total:      ratelimit.Limits{Requests: ratelimit.Rate{PerSecond: 0.001, Burst: 1}},
		MaxClients: 1,
	})
	e.post(t, "{")
	e.post(t, oneLog)
	want := map[string]int64{}
	for _, code := range statusCodes {
		want[strconv.Itoa(code)] = 1
	}
	want["200"], want["400"] = 2, 3
	assert.Equal(t, want, sums(t, telemetry, "otelcol_receiver_saberloop_requests", "http.response.status_code"))
	assert.Equal(t, map[string]int64{
		"invalid_json": 3, "unavailable": 1, "internal": 1, "too_large": 1, "unauthorized": 1,
		"not_found": 1, "method": 1, "origin": 1, "total_rate": 1,
	}, sums(t, telemetry, "otelcol_receiver_saberloop_refused_requests", "reason"))
	assert.Equal(t, map[string]int64{"": 1}, sums(t, telemetry, "otelcol_receiver_saberloop_duplicate_batches", "none"))
	assert.Equal(t, map[string]int64{"": 0}, sums(t, telemetry, "otelcol_receiver_saberloop_active_requests", "none"))
	assert.Equal(t, map[string]int64{"0": 9}, sums(t, telemetry, "otelcol_receiver_saberloop_token_requests", "token"))
}

func TestEntriesAreCounted(t *testing.T) {
	t.Parallel()
	e, telemetry := serveMeasured(t, consumers{logs: failing(nil, nil, nil).logs})
	e.post(t, `{"logs":[{},1,2],"metrics":[{},{},3],"dropped":[
		{"signal":"logs","reason":"full","count":3},{"signal":"metrics","reason":"full","count":4},
		{"signal":"logs","reason":"large","count":1},{"signal":"traces","count":-1},{"signal":"other","count":1}]}`)
	assert.Equal(t, map[string]int64{"logs": 2, "metrics": 3},
		sums(t, telemetry, "otelcol_receiver_saberloop_rejected_entries", "signal"))
	assert.Equal(t, map[string]int64{"logs": 4, "metrics": 4},
		sums(t, telemetry, "otelcol_receiver_saberloop_client_dropped_entries", "signal"))
}

func TestBodySizeIsMeasured(t *testing.T) {
	t.Parallel()
	e, telemetry := serveMeasured(t, failing(nil, nil, nil))
	e.post(t, oneLog)
	e.postEncoded(t, "gzip", strings.NewReader(string(gzipped(t, oneLog))))
	m, err := telemetry.GetMetric("otelcol_receiver_saberloop_request_body_size")
	require.NoError(t, err)
	points := m.Data.(metricdata.Histogram[int64]).DataPoints
	require.Len(t, points, 1)
	assert.Equal(t, int64(2*len(oneLog)), points[0].Sum)
	assert.EqualValues(t, 2, points[0].Count)
}

// TestOperationsAreReportedOnce checks the metrics and spans of receiverhelper.
func TestOperationsAreReportedOnce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name              string
		next              consumers
		accepted, refused [3]int64
	}{
		{"taken", failing(nil, nil, nil), [3]int64{2, 1, 1}, [3]int64{}},
		{"not now", failing(errFull, errFull, errFull), [3]int64{}, [3]int64{2, 1, 1}},
		{"mixed", failing(nil, errNotFit, errFull), [3]int64{2, 0, 0}, [3]int64{0, 1, 1}},
		{"panicking", calling(t, func() error { panic("oh") }), [3]int64{}, [3]int64{2, 1, 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, telemetry := serveMeasured(t, tt.next)
			e.post(t, `{"logs":[{},{},1],"traces":[{}],"metrics":[{"value":1}]}`)
			for i, items := range []string{"log_records", "spans", "metric_points"} {
				for kind, want := range map[string]int64{"accepted": tt.accepted[i], "refused": tt.refused[i]} {
					got := sums(t, telemetry, "otelcol_receiver_"+kind+"_"+items, "transport")
					assert.Equal(t, map[string]int64{"http": want}, got, kind+" "+items)
				}
			}
			spans := map[string]int{}
			for _, span := range telemetry.SpanRecorder.Ended() {
				spans[span.Name()]++
			}
			assert.Equal(t, map[string]int{
				"POST":                                 1,
				"receiver/saberloop/test/LogsReceived": 1,
				"receiver/saberloop/test/TraceDataReceived": 1,
				"receiver/saberloop/test/MetricsReceived":   1,
			}, spans)
			assert.Len(t, telemetry.SpanRecorder.Started(), len(telemetry.SpanRecorder.Ended()))
		})
	}
}

// TestNoOperationWithoutEntries sends bodies without an entry for a pipeline.
func TestNoOperationWithoutEntries(t *testing.T) {
	t.Parallel()
	e, telemetry := serveMeasured(t, failing(nil, nil, nil))
	for _, body := range []string{"", "{", `{"logs":1}`, `{"logs":[1]}`, `{"logs":[]}`} {
		e.post(t, body)
	}
	for _, span := range telemetry.SpanRecorder.Started() {
		assert.Equal(t, "POST", span.Name())
	}
}

func TestReadmeHasTheMetrics(t *testing.T) {
	t.Parallel()
	var want []string
	for _, m := range collectOwnMetrics(t) {
		want = append(want, m.Name)
	}
	assert.ElementsMatch(t, want, configtest.ReadmeKeys(t, "Metrics"))
}

// TestMetadataHasTheMetrics compares metadata.yaml with the metrics.
func TestMetadataHasTheMetrics(t *testing.T) {
	t.Parallel()
	type instrument struct{ Description, Unit string }
	var metadata struct {
		Telemetry struct{ Metrics map[string]instrument }
	}
	text, err := os.ReadFile("metadata.yaml")
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &metadata))
	want := map[string]instrument{}
	for _, m := range collectOwnMetrics(t) {
		want[strings.TrimPrefix(m.Name, "otelcol_")] = instrument{m.Description, m.Unit}
	}
	assert.Equal(t, want, metadata.Telemetry.Metrics)
}
