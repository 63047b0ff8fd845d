// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package aslogsconnector

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

var noon = time.Date(2025, 12, 22, 12, 0, 0, 123e6, time.UTC)

func TestSpanLogs(t *testing.T) {
	t.Parallel()
	td := someSpans()
	ld := spanLogs(td)
	require.Equal(t, ld, spanLogs(td), "the record depends only on the span")

	rl := ld.ResourceLogs().At(0)
	require.Equal(t, map[string]any{"service.name": "saberloop", "saberloop.signal": "traces"}, rl.Resource().Attributes().AsRaw())
	require.Equal(t, "resource schema", rl.SchemaUrl())
	require.Equal(t, "scope schema", rl.ScopeLogs().At(0).SchemaUrl())
	require.Equal(t, "scope", rl.ScopeLogs().At(0).Scope().Name())

	require.Equal(t, []record{
		{
			at: noon, body: "api.load 12.5 ms", severity: "error", trace: "01000000000000000000000000000000", span: "0200000000000000",
			attributes: map[string]any{"model": "m", "span.name": "api.load", "span.duration_ms": 12.5, "span.status": "error"},
		},
		{
			at: noon, body: "negative -5 ms",
			attributes: map[string]any{"span.name": "negative", "span.duration_ms": -5.0, "span.status": "ok"},
		},
		{body: " 0 ms", attributes: map[string]any{"span.name": "", "span.duration_ms": 0.0, "span.status": "unset"}},
	}, recordsOf(ld))
	require.Equal(t, 1, td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes().Len(), "the input is unchanged")
}

func TestPointLogs(t *testing.T) {
	t.Parallel()
	md := someMetrics()
	ld := pointLogs(md)
	require.Equal(t, ld, pointLogs(md), "the record depends only on the data point")

	resource := ld.ResourceLogs().At(0).Resource().Attributes().AsRaw()
	require.Equal(t, map[string]any{"service.name": "saberloop", "saberloop.signal": "metrics"}, resource)
	require.Equal(t, []record{
		{at: noon, body: "lcp 1250.5", attributes: map[string]any{"rating": "good", "metric.name": "lcp", "metric.value": 1250.5}},
		{body: "null", attributes: map[string]any{"metric.name": "null"}},
		{body: "sum 3", attributes: map[string]any{"metric.name": "sum", "metric.value": 3.0}},
		{body: "histogram count 2, sum 0.25", attributes: map[string]any{"metric.name": "histogram", "metric.count": int64(2), "metric.sum": 0.25}},
		{body: "exponential count 2, sum 0.25", attributes: map[string]any{"metric.name": "exponential", "metric.count": int64(2), "metric.sum": 0.25}},
		{body: "summary count 2, sum 0.25", attributes: map[string]any{"metric.name": "summary", "metric.count": int64(2), "metric.sum": 0.25}},
	}, recordsOf(ld))
}

// record holds the fields of a log record that are compared.
type record struct {
	at                          time.Time
	body, severity, trace, span string
	attributes                  map[string]any
}

func recordsOf(ld plog.Logs) (records []record) {
	for _, lr := range ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
		r := record{
			body: lr.Body().Str(), severity: lr.SeverityText(),
			trace: lr.TraceID().String(), span: lr.SpanID().String(), attributes: lr.Attributes().AsRaw(),
		}
		if lr.Timestamp() != 0 {
			r.at = lr.Timestamp().AsTime()
		}
		records = append(records, r)
	}
	return records
}

func someSpans() ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.SetSchemaUrl("resource schema")
	rs.Resource().Attributes().PutStr("service.name", "saberloop")
	ss := rs.ScopeSpans().AppendEmpty()
	ss.SetSchemaUrl("scope schema")
	ss.Scope().SetName("scope")
	end := pcommon.NewTimestampFromTime(noon)

	span := ss.Spans().AppendEmpty()
	span.SetName("api.load")
	span.SetTraceID(pcommon.TraceID{1})
	span.SetSpanID(pcommon.SpanID{2})
	span.SetStartTimestamp(end - 12_500_000)
	span.SetEndTimestamp(end)
	span.Attributes().PutStr("model", "m")
	span.Status().SetCode(ptrace.StatusCodeError)

	span = ss.Spans().AppendEmpty()
	span.SetName("negative")
	span.SetStartTimestamp(end + 5_000_000)
	span.SetEndTimestamp(end)
	span.Status().SetCode(ptrace.StatusCodeOk)

	ss.Spans().AppendEmpty()
	return td
}

func someMetrics() pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", "saberloop")
	metrics := rm.ScopeMetrics().AppendEmpty().Metrics()
	add := func(name string) pmetric.Metric {
		m := metrics.AppendEmpty()
		m.SetName(name)
		return m
	}

	point := add("lcp").SetEmptyGauge().DataPoints().AppendEmpty()
	point.SetTimestamp(pcommon.NewTimestampFromTime(noon))
	point.SetDoubleValue(1250.5)
	point.Attributes().PutStr("rating", "good")
	add("null").SetEmptyGauge().DataPoints().AppendEmpty().SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
	add("sum").SetEmptySum().DataPoints().AppendEmpty().SetIntValue(3)

	histogram := add("histogram").SetEmptyHistogram().DataPoints().AppendEmpty()
	histogram.SetCount(2)
	histogram.SetSum(0.25)
	exponential := add("exponential").SetEmptyExponentialHistogram().DataPoints().AppendEmpty()
	exponential.SetCount(2)
	exponential.SetSum(0.25)
	summary := add("summary").SetEmptySummary().DataPoints().AppendEmpty()
	summary.SetCount(2)
	summary.SetSum(0.25)
	add("no points").SetEmptyGauge()
	add("no kind")
	return md
}

func BenchmarkPointLogs(b *testing.B) {
	md := someMetrics()
	b.ReportAllocs()
	for b.Loop() {
		pointLogs(md)
	}
}
