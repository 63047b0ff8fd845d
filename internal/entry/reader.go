// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"bytes"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/xpdata/entity"
)

// LogReader collects the records of log lines. The zero value is ready.
type LogReader struct {
	lineReader[plog.Logs, plog.ResourceLogs, plog.ScopeLogs, plog.LogRecord]
}

// Add decodes one line, with or without its '\n'. A line that is refused
// leaves the records collected so far as they are; the error says why and
// where, and quotes nothing of the line but a character or two.
func (r *LogReader) Add(line []byte) error { return r.add(&logSignal, line) }

// Take returns what was added since the last Take.
func (r *LogReader) Take() plog.Logs { return r.take(&logSignal) }

// SpanReader collects the spans of trace lines, as LogReader does.
type SpanReader struct {
	lineReader[ptrace.Traces, ptrace.ResourceSpans, ptrace.ScopeSpans, ptrace.Span]
}

// Add decodes one line.
func (r *SpanReader) Add(line []byte) error { return r.add(&spanSignal, line) }

// Take returns what was added since the last Take.
func (r *SpanReader) Take() ptrace.Traces { return r.take(&spanSignal) }

// MetricReader collects the metrics of metric lines, as LogReader does.
type MetricReader struct {
	lineReader[pmetric.Metrics, pmetric.ResourceMetrics, pmetric.ScopeMetrics, pmetric.Metric]
}

// Add decodes one line.
func (r *MetricReader) Add(line []byte) error { return r.add(&metricSignal, line) }

// Take returns what was added since the last Take.
func (r *MetricReader) Take() pmetric.Metrics { return r.take(&metricSignal) }

// lineReader collects records in groups: consecutive lines of one resource and
// scope share a group.
type lineReader[D any, R resourceGroup, S scopeGroup, E record[E]] struct {
	begun  bool
	data   D
	record E // empty between lines

	// The group that is open, if one is, and the tail, if one is known, whose
	// lines belong to it.
	open      bool
	resource  R
	scope     S
	tailKnown bool
	tail      []byte
}

func (r *lineReader[D, R, S, E]) begin(g *signal[D, R, S, E]) {
	if !r.begun {
		r.begun, r.data, r.record = true, g.newData(), g.newRecord()
	}
}

func (r *lineReader[D, R, S, E]) take(g *signal[D, R, S, E]) D {
	r.begin(g)
	data := r.data
	*r = lineReader[D, R, S, E]{}
	return data
}

func (r *lineReader[D, R, S, E]) add(g *signal[D, R, S, E], line []byte) error {
	r.begin(g)
	tail, receivedAt, err := readLine(line, g.tailKey,
		func(f *fieldReader) error { return g.read(f, r.record) },
		func() { r.record = g.newRecord() })
	if err == nil {
		err = r.place(g, tail, receivedAt)
	}
	if err != nil {
		r.record = g.newRecord()
	}
	return err
}

// place moves the record that was read, or the one that its tail holds, into
// the group that it belongs to.
func (r *lineReader[D, R, S, E]) place(g *signal[D, R, S, E], tail []byte, receivedAt pcommon.Timestamp) error {
	if r.tailKnown && bytes.Equal(tail, r.tail) {
		r.record.MoveTo(g.addRecord(r.scope))
		return nil
	}
	if len(tail) == 0 {
		r.resource = g.addResource(r.data)
		r.resource.Resource().Attributes().PutStr(attrServiceName, DefaultServiceName)
		r.scope = g.addScope(r.resource)
		r.open, r.tailKnown, r.tail = true, true, nil
		r.record.MoveTo(g.addRecord(r.scope))
		return nil
	}

	doc, err := g.unmarshal(document(g.tailKey, tail))
	if err != nil {
		// What the unmarshaler says quotes what it read.
		return &refusal{reason: g.tailKey + ": not OTLP JSON"}
	}
	resource, scope, records, ok := g.sole(doc)
	if !ok {
		return &refusal{reason: g.tailKey + ": holds more or less than one resource, one scope and one record"}
	}
	if !r.open || !sameContext(r.resource, resource, r.scope, scope) {
		r.resource = g.addResource(r.data)
		resource.Resource().MoveTo(r.resource.Resource())
		r.resource.SetSchemaUrl(resource.SchemaUrl())
		r.scope = g.addScope(r.resource)
		scope.Scope().MoveTo(r.scope.Scope())
		r.scope.SetSchemaUrl(scope.SchemaUrl())
		r.open, r.tailKnown = true, false
	}
	if len(records) == 0 {
		r.tailKnown, r.tail = true, bytes.Clone(tail)
		r.record.MoveTo(g.addRecord(r.scope))
		return nil
	}
	// The record is whole in the tail; what was read of the entry is not.
	r.record = g.newRecord()
	g.receive(records[0], receivedAt)
	records[0].MoveTo(g.addRecord(r.scope))
	return nil
}

// sole returns what data holds, if that is one resource, one scope and no
// more than one record.
func (g *signal[D, R, S, E]) sole(data D) (resource R, scope S, records []E, ok bool) {
	var resources, scopes int
	for _, resource = range g.resources(data) {
		resources++
		for _, scope = range g.scopes(resource) {
			scopes++
			for _, e := range g.records(scope) {
				records = append(records, e)
			}
		}
	}
	return resource, scope, records, resources == 1 && scopes == 1 && len(records) <= 1
}

// sameContext says whether records of two resources and scopes may share a
// group.
func sameContext(resourceA, resourceB resourceGroup, scopeA, scopeB scopeGroup) bool {
	ra, rb, sa, sb := resourceA.Resource(), resourceB.Resource(), scopeA.Scope(), scopeB.Scope()
	return resourceA.SchemaUrl() == resourceB.SchemaUrl() && scopeA.SchemaUrl() == scopeB.SchemaUrl() &&
		entity.ResourceEntityRefs(ra).Len() == 0 && entity.ResourceEntityRefs(rb).Len() == 0 &&
		ra.DroppedAttributesCount() == rb.DroppedAttributesCount() && ra.Attributes().Equal(rb.Attributes()) &&
		sa.Name() == sb.Name() && sa.Version() == sb.Version() &&
		sa.DroppedAttributesCount() == sb.DroppedAttributesCount() && sa.Attributes().Equal(sb.Attributes())
}

// maxLineDepth is the nesting level at which a line is refused: far beyond
// what a batch may have, and the tokenizer's own limit.
const maxLineDepth = 10_000

// readLine reads a line by read, which fills a record from its entry, and
// empties it by reset where it has to be read again. It returns the line's tail, without the name.
func readLine(line []byte, tailKey string, read func(*fieldReader) error, reset func()) (tail []byte, receivedAt pcommon.Timestamp, err error) {
	s, err := newSource(line, maxLineDepth)
	if err != nil {
		return nil, 0, err
	}
	defer s.release()
	r := &fieldReader{source: s, line: true, tailKey: tailKey}
	r.reset(0)
	err = retryLastWins(r,
		func() ([]byte, error) { reset(); return line, nil },
		func(r *fieldReader) error {
			if r.dec.PeekKind() != '{' {
				return r.refuse()
			}
			if err := read(r); err != nil {
				return err
			}
			return r.end()
		})
	return r.tail, r.receivedAt, err
}

// document completes a line's tail to a document of OTLP's JSON encoding.
func document(tailKey string, tail []byte) []byte {
	doc := make([]byte, 0, len(tailKey)+len(tail)+len(`{"":}`))
	doc = append(doc, '{', '"')
	doc = append(doc, tailKey...)
	doc = append(doc, '"', ':')
	doc = append(doc, tail...)
	return append(doc, '}')
}
