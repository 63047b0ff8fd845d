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

// signal says how the data D of a signal is nested in pdata (resources R hold
// scopes S, which hold records E) and how an entry becomes a record and back.
// With it everything that is not about a record's own fields is written once.
type signal[D any, R resourceGroup, S scopeGroup, E record[E]] struct {
	// name is the signal's member of a batch.
	name string
	// tailKey is the name of a line's tail: what OTLP's JSON encoding calls
	// the member that holds all data of the signal.
	tailKey string

	newData   func() D
	newRecord func() E

	addResource func(D) R
	addScope    func(R) S
	addRecord   func(S) E
	dropRecord  func(S) // the last one

	resources func(D) iter.Seq2[int, R]
	scopes    func(R) iter.Seq2[int, S]
	records   func(S) iter.Seq2[int, E]

	marshal   func(D) ([]byte, error)
	unmarshal func([]byte) (D, error)

	read  func(*fieldReader, E) error
	write func(*fieldWriter, E)
	// receive notes the receipt of a record that came whole.
	receive func(E, pcommon.Timestamp)
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
	name:        "logs",
	tailKey:     "resourceLogs",
	newData:     plog.NewLogs,
	newRecord:   plog.NewLogRecord,
	addResource: func(d plog.Logs) plog.ResourceLogs { return d.ResourceLogs().AppendEmpty() },
	addScope:    func(r plog.ResourceLogs) plog.ScopeLogs { return r.ScopeLogs().AppendEmpty() },
	addRecord:   func(s plog.ScopeLogs) plog.LogRecord { return s.LogRecords().AppendEmpty() },
	dropRecord: func(s plog.ScopeLogs) {
		left := s.LogRecords().Len()
		s.LogRecords().RemoveIf(func(plog.LogRecord) bool { left--; return left == 0 })
	},
	resources: func(d plog.Logs) iter.Seq2[int, plog.ResourceLogs] { return d.ResourceLogs().All() },
	scopes:    func(r plog.ResourceLogs) iter.Seq2[int, plog.ScopeLogs] { return r.ScopeLogs().All() },
	records:   func(s plog.ScopeLogs) iter.Seq2[int, plog.LogRecord] { return s.LogRecords().All() },
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
	name:        "traces",
	tailKey:     "resourceSpans",
	newData:     ptrace.NewTraces,
	newRecord:   ptrace.NewSpan,
	addResource: func(d ptrace.Traces) ptrace.ResourceSpans { return d.ResourceSpans().AppendEmpty() },
	addScope:    func(r ptrace.ResourceSpans) ptrace.ScopeSpans { return r.ScopeSpans().AppendEmpty() },
	addRecord:   func(s ptrace.ScopeSpans) ptrace.Span { return s.Spans().AppendEmpty() },
	dropRecord: func(s ptrace.ScopeSpans) {
		left := s.Spans().Len()
		s.Spans().RemoveIf(func(ptrace.Span) bool { left--; return left == 0 })
	},
	resources: func(d ptrace.Traces) iter.Seq2[int, ptrace.ResourceSpans] { return d.ResourceSpans().All() },
	scopes:    func(r ptrace.ResourceSpans) iter.Seq2[int, ptrace.ScopeSpans] { return r.ScopeSpans().All() },
	records:   func(s ptrace.ScopeSpans) iter.Seq2[int, ptrace.Span] { return s.Spans().All() },
	marshal:   new(ptrace.JSONMarshaler).MarshalTraces,
	unmarshal: new(ptrace.JSONUnmarshaler).UnmarshalTraces,
	read:      (*fieldReader).readSpan,
	write:     (*fieldWriter).writeSpan,
	receive: func(span ptrace.Span, at pcommon.Timestamp) {
		receive(span.Attributes(), at)
	},
}

var metricSignal = signal[pmetric.Metrics, pmetric.ResourceMetrics, pmetric.ScopeMetrics, pmetric.Metric]{
	name:        "metrics",
	tailKey:     "resourceMetrics",
	newData:     pmetric.NewMetrics,
	newRecord:   pmetric.NewMetric,
	addResource: func(d pmetric.Metrics) pmetric.ResourceMetrics { return d.ResourceMetrics().AppendEmpty() },
	addScope:    func(r pmetric.ResourceMetrics) pmetric.ScopeMetrics { return r.ScopeMetrics().AppendEmpty() },
	addRecord:   func(s pmetric.ScopeMetrics) pmetric.Metric { return s.Metrics().AppendEmpty() },
	dropRecord: func(s pmetric.ScopeMetrics) {
		left := s.Metrics().Len()
		s.Metrics().RemoveIf(func(pmetric.Metric) bool { left--; return left == 0 })
	},
	resources: func(d pmetric.Metrics) iter.Seq2[int, pmetric.ResourceMetrics] { return d.ResourceMetrics().All() },
	scopes:    func(r pmetric.ResourceMetrics) iter.Seq2[int, pmetric.ScopeMetrics] { return r.ScopeMetrics().All() },
	records:   func(s pmetric.ScopeMetrics) iter.Seq2[int, pmetric.Metric] { return s.Metrics().All() },
	marshal:   new(pmetric.JSONMarshaler).MarshalMetrics,
	unmarshal: new(pmetric.JSONUnmarshaler).UnmarshalMetrics,
	read:      (*fieldReader).readMetric,
	write:     (*fieldWriter).writeMetric,
	receive: func(metric pmetric.Metric, at pcommon.Timestamp) {
		for attributes := range pointAttributes(metric) {
			receive(attributes, at)
		}
	},
}

// pointAttributes yields the attributes of a metric's data points.
func pointAttributes(metric pmetric.Metric) iter.Seq[pcommon.Map] {
	switch metric.Type() {
	case pmetric.MetricTypeGauge:
		return attributesOf(metric.Gauge().DataPoints().All())
	case pmetric.MetricTypeSum:
		return attributesOf(metric.Sum().DataPoints().All())
	case pmetric.MetricTypeHistogram:
		return attributesOf(metric.Histogram().DataPoints().All())
	case pmetric.MetricTypeExponentialHistogram:
		return attributesOf(metric.ExponentialHistogram().DataPoints().All())
	case pmetric.MetricTypeSummary:
		return attributesOf(metric.Summary().DataPoints().All())
	default:
		return func(func(pcommon.Map) bool) {}
	}
}

func attributesOf[P interface{ Attributes() pcommon.Map }](points iter.Seq2[int, P]) iter.Seq[pcommon.Map] {
	return func(yield func(pcommon.Map) bool) {
		for _, point := range points {
			if !yield(point.Attributes()) {
				return
			}
		}
	}
}

// receive gives attributes the receipt that a line adds, if they have none.
func receive(attributes pcommon.Map, at pcommon.Timestamp) {
	if _, ok := attributes.Get(attrReceivedAt); !ok {
		attributes.PutStr(attrReceivedAt, string(formatReceivedAt(nil, at)))
	}
}

// context returns data of one resource and scope like r and s, and its scope.
func (g *signal[D, R, S, E]) context(r R, s S) (D, S) {
	data := g.newData()
	resource := g.addResource(data)
	r.Resource().CopyTo(resource.Resource())
	resource.SetSchemaUrl(r.SchemaUrl())
	scope := g.addScope(resource)
	s.Scope().CopyTo(scope.Scope())
	scope.SetSchemaUrl(s.SchemaUrl())
	return data, scope
}
