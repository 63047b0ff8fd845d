// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"iter"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// signal describes the pdata types of a signal: data D holds resources R, which
// hold scopes S, which hold records E. It lets code that does not depend on the
// fields of a record be shared by all signals.
type signal[D any, R resourceGroup, S scopeGroup, E record[E]] struct {
	// name is the member of a batch that holds the signal.
	name string
	// tailKey is the member of a line that holds the tail, named as in OTLP's
	// JSON encoding.
	tailKey string

	newData   func() D
	newRecord func() E

	resources list[D, R]
	scopes    list[R, S]
	records   list[S, E]
	remove    func(S, func(i int) bool) // removes the records whose index matches

	// empty is a record without any field set. It must not be changed.
	empty E

	// nothing is read-only data without records.
	nothing D

	marshal   func(D) ([]byte, error)
	unmarshal func([]byte) (D, error)

	read  func(*fieldReader, E) error
	write func(*fieldWriter, E)
	// receive sets received_at of a record that has none.
	receive func(E, pcommon.Timestamp)
}

// list accesses the children C of a P.
type list[P, C any] struct {
	len func(P) int
	at  func(P, int) C
	add func(P) C
}

// all yields the children of parent.
func (l *list[P, C]) all(parent P) iter.Seq[C] {
	return func(yield func(C) bool) {
		for i := range l.len(parent) {
			if !yield(l.at(parent, i)) {
				return
			}
		}
	}
}

type resourceGroup interface {
	Resource() pcommon.Resource
	SchemaUrl() string
	SetSchemaUrl(string)
}

type scopeGroup interface {
	Scope() pcommon.InstrumentationScope
	SchemaUrl() string
	SetSchemaUrl(string)
}

type record[E any] interface {
	CopyTo(E)
	MoveTo(E)
}

var logSignal = signal[plog.Logs, plog.ResourceLogs, plog.ScopeLogs, plog.LogRecord]{
	name:      "logs",
	tailKey:   "resourceLogs",
	newData:   plog.NewLogs,
	nothing:   readOnly(plog.NewLogs()),
	newRecord: plog.NewLogRecord,
	resources: list[plog.Logs, plog.ResourceLogs]{
		len: func(d plog.Logs) int { return d.ResourceLogs().Len() },
		at:  func(d plog.Logs, i int) plog.ResourceLogs { return d.ResourceLogs().At(i) },
		add: func(d plog.Logs) plog.ResourceLogs { return d.ResourceLogs().AppendEmpty() },
	},
	scopes: list[plog.ResourceLogs, plog.ScopeLogs]{
		len: func(r plog.ResourceLogs) int { return r.ScopeLogs().Len() },
		at:  func(r plog.ResourceLogs, i int) plog.ScopeLogs { return r.ScopeLogs().At(i) },
		add: func(r plog.ResourceLogs) plog.ScopeLogs { return r.ScopeLogs().AppendEmpty() },
	},
	records: list[plog.ScopeLogs, plog.LogRecord]{
		len: func(s plog.ScopeLogs) int { return s.LogRecords().Len() },
		at:  func(s plog.ScopeLogs, i int) plog.LogRecord { return s.LogRecords().At(i) },
		add: func(s plog.ScopeLogs) plog.LogRecord { return s.LogRecords().AppendEmpty() },
	},
	remove: func(s plog.ScopeLogs, match func(int) bool) {
		i := -1
		s.LogRecords().RemoveIf(func(plog.LogRecord) bool { i++; return match(i) })
	},
	empty:     plog.NewLogRecord(),
	marshal:   new(plog.JSONMarshaler).MarshalLogs,
	unmarshal: new(plog.JSONUnmarshaler).UnmarshalLogs,
	read:      (*fieldReader).readLog,
	write:     (*fieldWriter).writeLog,
	receive: func(rec plog.LogRecord, at pcommon.Timestamp) {
		if rec.ObservedTimestamp() == 0 {
			rec.SetObservedTimestamp(at)
		}
	},
}

var spanSignal = signal[ptrace.Traces, ptrace.ResourceSpans, ptrace.ScopeSpans, ptrace.Span]{
	name:      "traces",
	tailKey:   "resourceSpans",
	newData:   ptrace.NewTraces,
	nothing:   readOnly(ptrace.NewTraces()),
	newRecord: ptrace.NewSpan,
	resources: list[ptrace.Traces, ptrace.ResourceSpans]{
		len: func(d ptrace.Traces) int { return d.ResourceSpans().Len() },
		at:  func(d ptrace.Traces, i int) ptrace.ResourceSpans { return d.ResourceSpans().At(i) },
		add: func(d ptrace.Traces) ptrace.ResourceSpans { return d.ResourceSpans().AppendEmpty() },
	},
	scopes: list[ptrace.ResourceSpans, ptrace.ScopeSpans]{
		len: func(r ptrace.ResourceSpans) int { return r.ScopeSpans().Len() },
		at:  func(r ptrace.ResourceSpans, i int) ptrace.ScopeSpans { return r.ScopeSpans().At(i) },
		add: func(r ptrace.ResourceSpans) ptrace.ScopeSpans { return r.ScopeSpans().AppendEmpty() },
	},
	records: list[ptrace.ScopeSpans, ptrace.Span]{
		len: func(s ptrace.ScopeSpans) int { return s.Spans().Len() },
		at:  func(s ptrace.ScopeSpans, i int) ptrace.Span { return s.Spans().At(i) },
		add: func(s ptrace.ScopeSpans) ptrace.Span { return s.Spans().AppendEmpty() },
	},
	remove: func(s ptrace.ScopeSpans, match func(int) bool) {
		i := -1
		s.Spans().RemoveIf(func(ptrace.Span) bool { i++; return match(i) })
	},
	empty:     ptrace.NewSpan(),
	marshal:   new(ptrace.JSONMarshaler).MarshalTraces,
	unmarshal: new(ptrace.JSONUnmarshaler).UnmarshalTraces,
	read:      (*fieldReader).readSpan,
	write:     (*fieldWriter).writeSpan,
	receive: func(span ptrace.Span, at pcommon.Timestamp) {
		receive(span.Attributes(), at)
	},
}

var metricSignal = signal[pmetric.Metrics, pmetric.ResourceMetrics, pmetric.ScopeMetrics, pmetric.Metric]{
	name:      "metrics",
	tailKey:   "resourceMetrics",
	newData:   pmetric.NewMetrics,
	nothing:   readOnly(pmetric.NewMetrics()),
	newRecord: pmetric.NewMetric,
	resources: list[pmetric.Metrics, pmetric.ResourceMetrics]{
		len: func(d pmetric.Metrics) int { return d.ResourceMetrics().Len() },
		at:  func(d pmetric.Metrics, i int) pmetric.ResourceMetrics { return d.ResourceMetrics().At(i) },
		add: func(d pmetric.Metrics) pmetric.ResourceMetrics { return d.ResourceMetrics().AppendEmpty() },
	},
	scopes: list[pmetric.ResourceMetrics, pmetric.ScopeMetrics]{
		len: func(r pmetric.ResourceMetrics) int { return r.ScopeMetrics().Len() },
		at:  func(r pmetric.ResourceMetrics, i int) pmetric.ScopeMetrics { return r.ScopeMetrics().At(i) },
		add: func(r pmetric.ResourceMetrics) pmetric.ScopeMetrics { return r.ScopeMetrics().AppendEmpty() },
	},
	records: list[pmetric.ScopeMetrics, pmetric.Metric]{
		len: func(s pmetric.ScopeMetrics) int { return s.Metrics().Len() },
		at:  func(s pmetric.ScopeMetrics, i int) pmetric.Metric { return s.Metrics().At(i) },
		add: func(s pmetric.ScopeMetrics) pmetric.Metric { return s.Metrics().AppendEmpty() },
	},
	remove: func(s pmetric.ScopeMetrics, match func(int) bool) {
		i := -1
		s.Metrics().RemoveIf(func(pmetric.Metric) bool { i++; return match(i) })
	},
	empty:     pmetric.NewMetric(),
	marshal:   new(pmetric.JSONMarshaler).MarshalMetrics,
	unmarshal: new(pmetric.JSONUnmarshaler).UnmarshalMetrics,
	read:      (*fieldReader).readMetric,
	write:     (*fieldWriter).writeMetric,
	receive: func(metric pmetric.Metric, at pcommon.Timestamp) {
		for point := range DataPoints(metric) {
			receive(point.Attributes(), at)
		}
	},
}

// readOnly marks shared data as read-only.
func readOnly[D interface{ MarkReadOnly() }](data D) D {
	data.MarkReadOnly()
	return data
}

// DataPoint is implemented by the data points of all metric types.
type DataPoint interface {
	Attributes() pcommon.Map
	Timestamp() pcommon.Timestamp
	SetTimestamp(ts pcommon.Timestamp)
}

// DataPoints yields the data points of a metric.
func DataPoints(metric pmetric.Metric) iter.Seq[DataPoint] {
	switch metric.Type() {
	case pmetric.MetricTypeGauge:
		return dataPoints(metric.Gauge().DataPoints().All())
	case pmetric.MetricTypeSum:
		return dataPoints(metric.Sum().DataPoints().All())
	case pmetric.MetricTypeHistogram:
		return dataPoints(metric.Histogram().DataPoints().All())
	case pmetric.MetricTypeExponentialHistogram:
		return dataPoints(metric.ExponentialHistogram().DataPoints().All())
	case pmetric.MetricTypeSummary:
		return dataPoints(metric.Summary().DataPoints().All())
	default:
		return func(func(DataPoint) bool) {}
	}
}

func dataPoints[P DataPoint](points iter.Seq2[int, P]) iter.Seq[DataPoint] {
	return func(yield func(DataPoint) bool) {
		for _, point := range points {
			if !yield(point) {
				return
			}
		}
	}
}

// receive adds received_at to attributes, unless they have it.
func receive(attributes pcommon.Map, at pcommon.Timestamp) {
	if _, ok := attributes.Get(AttrReceivedAt); !ok {
		attributes.PutStr(AttrReceivedAt, string(formatReceivedAt(nil, at)))
	}
}

// context returns new data with copies of one resource and one scope, and that
// scope.
func (g *signal[D, R, S, E]) context(r R, s S) (D, S) {
	data := g.newData()
	resource := g.resources.add(data)
	r.Resource().CopyTo(resource.Resource())
	resource.SetSchemaUrl(r.SchemaUrl())
	scope := g.scopes.add(resource)
	s.Scope().CopyTo(scope.Scope())
	scope.SetSchemaUrl(s.SchemaUrl())
	return data, scope
}
