// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package aslogsconnector

import (
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Attributes added to those of the span or data point.
const (
	// attrSignal is a resource attribute: the signal before the conversion.
	attrSignal = "saberloop.signal"

	attrSpanName     = "span.name"
	attrSpanDuration = "span.duration_ms"
	attrSpanStatus   = "span.status"

	attrMetricName  = "metric.name"
	attrMetricValue = "metric.value" // of gauges and sums
	attrMetricCount = "metric.count" // of histograms and summaries
	attrMetricSum   = "metric.sum"   // of histograms and summaries
)

// spanLogs creates a log record for every span. The record depends only on the
// span, so that a server can recognize a duplicate.
func spanLogs(td ptrace.Traces) plog.Logs {
	ld := plog.NewLogs()
	for _, rs := range td.ResourceSpans().All() {
		rl := addResource(ld, rs.Resource(), rs.SchemaUrl(), "traces")
		for _, ss := range rs.ScopeSpans().All() {
			records := addScope(rl, ss.Scope(), ss.SchemaUrl())
			records.EnsureCapacity(ss.Spans().Len())
			for _, span := range ss.Spans().All() {
				spanLog(span, records.AppendEmpty())
			}
		}
	}
	return ld
}

func spanLog(span ptrace.Span, lr plog.LogRecord) {
	lr.SetTimestamp(span.EndTimestamp())
	lr.SetTraceID(span.TraceID())
	lr.SetSpanID(span.SpanID())
	ms := float64(int64(span.EndTimestamp()-span.StartTimestamp())) / 1e6
	lr.Body().SetStr(span.Name() + " " + formatNumber(ms) + " ms")
	if span.Status().Code() == ptrace.StatusCodeError {
		lr.SetSeverityNumber(plog.SeverityNumberError)
		lr.SetSeverityText("error")
	}
	attributes := lr.Attributes()
	span.Attributes().CopyTo(attributes)
	attributes.PutStr(attrSpanName, span.Name())
	attributes.PutDouble(attrSpanDuration, ms)
	attributes.PutStr(attrSpanStatus, statusText(span.Status().Code()))
}

func statusText(code ptrace.StatusCode) string {
	switch code {
	case ptrace.StatusCodeError:
		return "error"
	case ptrace.StatusCodeOk:
		return "ok"
	default:
		return "unset"
	}
}

// pointLogs creates a log record for every data point. See spanLogs.
func pointLogs(md pmetric.Metrics) plog.Logs {
	ld := plog.NewLogs()
	for _, rm := range md.ResourceMetrics().All() {
		rl := addResource(ld, rm.Resource(), rm.SchemaUrl(), "metrics")
		for _, sm := range rm.ScopeMetrics().All() {
			records := addScope(rl, sm.Scope(), sm.SchemaUrl())
			records.EnsureCapacity(sm.Metrics().Len())
			for _, metric := range sm.Metrics().All() {
				metricLogs(metric, records)
			}
		}
	}
	return ld
}

func metricLogs(metric pmetric.Metric, records plog.LogRecordSlice) {
	switch metric.Type() {
	case pmetric.MetricTypeGauge:
		numberLogs(metric.Name(), metric.Gauge().DataPoints(), records)
	case pmetric.MetricTypeSum:
		numberLogs(metric.Name(), metric.Sum().DataPoints(), records)
	case pmetric.MetricTypeHistogram:
		for _, p := range metric.Histogram().DataPoints().All() {
			distributionLog(metric.Name(), p, records.AppendEmpty())
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, p := range metric.ExponentialHistogram().DataPoints().All() {
			distributionLog(metric.Name(), p, records.AppendEmpty())
		}
	case pmetric.MetricTypeSummary:
		for _, p := range metric.Summary().DataPoints().All() {
			distributionLog(metric.Name(), p, records.AppendEmpty())
		}
	}
}

func numberLogs(name string, points pmetric.NumberDataPointSlice, records plog.LogRecordSlice) {
	for _, p := range points.All() {
		lr := records.AppendEmpty()
		pointLog(name, p, lr)
		var value float64
		switch p.ValueType() {
		case pmetric.NumberDataPointValueTypeDouble:
			value = p.DoubleValue()
		case pmetric.NumberDataPointValueTypeInt:
			value = float64(p.IntValue())
		default: // no recorded value
			lr.Body().SetStr(name)
			continue
		}
		lr.Body().SetStr(name + " " + formatNumber(value))
		lr.Attributes().PutDouble(attrMetricValue, value)
	}
}

// dataPoint is implemented by the data points of all metric types.
type dataPoint interface {
	Timestamp() pcommon.Timestamp
	Attributes() pcommon.Map
}

type distribution interface {
	dataPoint
	Count() uint64
	Sum() float64
}

func distributionLog(name string, p distribution, lr plog.LogRecord) {
	pointLog(name, p, lr)
	lr.Body().SetStr(name + " count " + strconv.FormatUint(p.Count(), 10) + ", sum " + formatNumber(p.Sum()))
	lr.Attributes().PutInt(attrMetricCount, int64(p.Count()))
	lr.Attributes().PutDouble(attrMetricSum, p.Sum())
}

func pointLog(name string, p dataPoint, lr plog.LogRecord) {
	lr.SetTimestamp(p.Timestamp())
	p.Attributes().CopyTo(lr.Attributes())
	lr.Attributes().PutStr(attrMetricName, name)
}

func addResource(ld plog.Logs, resource pcommon.Resource, schemaURL, signal string) plog.ResourceLogs {
	rl := ld.ResourceLogs().AppendEmpty()
	rl.SetSchemaUrl(schemaURL)
	resource.CopyTo(rl.Resource())
	rl.Resource().Attributes().PutStr(attrSignal, signal)
	return rl
}

func addScope(rl plog.ResourceLogs, scope pcommon.InstrumentationScope, schemaURL string) plog.LogRecordSlice {
	sl := rl.ScopeLogs().AppendEmpty()
	sl.SetSchemaUrl(schemaURL)
	scope.CopyTo(sl.Scope())
	return sl.LogRecords()
}

// formatNumber formats a number without an exponent.
func formatNumber(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
