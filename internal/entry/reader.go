// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"bytes"
	"errors"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/xpdata"
	"go.opentelemetry.io/collector/pdata/xpdata/entity"
)

// LogReader decodes log lines and collects their records. The zero value is
// ready to use.
type LogReader struct {
	lineReader[plog.Logs, plog.ResourceLogs, plog.ScopeLogs, plog.LogRecord]
}

// Add decodes one line, with or without its '\n'. If it returns an error, the
// records collected so far are unchanged. The error quotes nothing of the line.
func (r *LogReader) Add(line []byte) error { return r.add(&logSignal, line) }

// Take returns the records added since the last Take.
func (r *LogReader) Take() plog.Logs { return r.take(&logSignal) }

// SpanReader decodes trace lines. See LogReader.
type SpanReader struct {
	lineReader[ptrace.Traces, ptrace.ResourceSpans, ptrace.ScopeSpans, ptrace.Span]
}

// Add decodes one line.
func (r *SpanReader) Add(line []byte) error { return r.add(&spanSignal, line) }

// Take returns the spans added since the last Take.
func (r *SpanReader) Take() ptrace.Traces { return r.take(&spanSignal) }

// MetricReader decodes metric lines. See LogReader.
type MetricReader struct {
	lineReader[pmetric.Metrics, pmetric.ResourceMetrics, pmetric.ScopeMetrics, pmetric.Metric]
}

// Add decodes one line.
func (r *MetricReader) Add(line []byte) error { return r.add(&metricSignal, line) }

// Take returns the metrics added since the last Take.
func (r *MetricReader) Take() pmetric.Metrics { return r.take(&metricSignal) }

// lineReader collects records in groups. Consecutive lines with the same
// resource and scope share a group.
type lineReader[D any, R resourceGroup, S scopeGroup, E record[E]] struct {
	begun  bool
	data   D
	fields fieldReader
	record E // empty between lines

	// The current group, if open is true. Lines with this tail belong to it, if
	// tailKnown is true.
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
	s, err := newSource(line, lineLimits)
	if err != nil {
		return err
	}
	defer s.release()
	r.fields.source, r.fields.line, r.fields.tailKey = s, true, g.tailKey
	r.fields.reset(0)
	if err = readLine(&r.fields, g.read, r.record); errors.Is(err, errDuplicate) {
		r.record = g.newRecord()
		r.fields.attributes = xpdata.MapBuilder{}
		err = r.fields.withoutDuplicates(line, func(f *fieldReader) error { return readLine(f, g.read, r.record) })
	}
	if err == nil {
		err = r.place(g, r.fields.tail, r.fields.receivedAt)
	}
	if err != nil {
		r.record = g.newRecord()
		r.fields.attributes = xpdata.MapBuilder{}
	}
	return err
}

// place moves the record, or the one in the tail, to its group.
func (r *lineReader[D, R, S, E]) place(g *signal[D, R, S, E], tail []byte, receivedAt pcommon.Timestamp) error {
	if r.tailKnown && bytes.Equal(tail, r.tail) {
		r.record.MoveTo(g.records.add(r.scope))
		return nil
	}
	if len(tail) == 0 {
		r.resource = g.resources.add(r.data)
		r.resource.Resource().Attributes().PutStr(attrServiceName, DefaultServiceName)
		r.scope = g.scopes.add(r.resource)
		r.open, r.tailKnown, r.tail = true, true, nil
		r.record.MoveTo(g.records.add(r.scope))
		return nil
	}

	doc, err := g.unmarshal(document(g.tailKey, tail))
	if err != nil {
		// The error of the unmarshaler quotes the line.
		return &refusal{reason: g.tailKey + ": not OTLP JSON"}
	}
	resource, scope, records, ok := g.sole(doc)
	if !ok {
		return &refusal{reason: g.tailKey + ": must hold one resource, one scope and at most one record"}
	}
	if !r.open || !sameContext(r.resource, resource, r.scope, scope) {
		r.resource = g.resources.add(r.data)
		resource.Resource().MoveTo(r.resource.Resource())
		r.resource.SetSchemaUrl(resource.SchemaUrl())
		r.scope = g.scopes.add(r.resource)
		scope.Scope().MoveTo(r.scope.Scope())
		r.scope.SetSchemaUrl(scope.SchemaUrl())
		r.open, r.tailKnown = true, false
	}
	if len(records) == 0 {
		r.tailKnown, r.tail = true, bytes.Clone(tail)
		r.record.MoveTo(g.records.add(r.scope))
		return nil
	}
	// The tail holds the complete record.
	r.record = g.newRecord()
	g.receive(records[0], receivedAt)
	records[0].MoveTo(g.records.add(r.scope))
	return nil
}

// sole returns the contents of data, if that is one resource, one scope and at
// most one record.
func (g *signal[D, R, S, E]) sole(data D) (resource R, scope S, record []E, ok bool) {
	if g.resources.len(data) != 1 {
		return resource, scope, nil, false
	}
	resource = g.resources.at(data, 0)
	if g.scopes.len(resource) != 1 {
		return resource, scope, nil, false
	}
	scope = g.scopes.at(resource, 0)
	switch g.records.len(scope) {
	case 0:
		return resource, scope, nil, true
	case 1:
		return resource, scope, []E{g.records.at(scope, 0)}, true
	default:
		return resource, scope, nil, false
	}
}

// sameContext reports whether two resources and scopes are equal.
func sameContext(resourceA, resourceB resourceGroup, scopeA, scopeB scopeGroup) bool {
	ra, rb, sa, sb := resourceA.Resource(), resourceB.Resource(), scopeA.Scope(), scopeB.Scope()
	return resourceA.SchemaUrl() == resourceB.SchemaUrl() && scopeA.SchemaUrl() == scopeB.SchemaUrl() &&
		entity.ResourceEntityRefs(ra).Len() == 0 && entity.ResourceEntityRefs(rb).Len() == 0 &&
		ra.DroppedAttributesCount() == rb.DroppedAttributesCount() && ra.Attributes().Equal(rb.Attributes()) &&
		sa.Name() == sb.Name() && sa.Version() == sb.Version() &&
		sa.DroppedAttributesCount() == sb.DroppedAttributesCount() && sa.Attributes().Equal(sb.Attributes())
}

// maxLineDepth is the nesting level at which a line is refused. It is the limit
// of the JSON decoder, far above that of a batch.
const maxLineDepth = 10_000

// readLine reads a line into rec.
func readLine[E any](r *fieldReader, read func(*fieldReader, E) error, rec E) error {
	if r.dec.PeekKind() != '{' {
		return r.refuse()
	}
	return read(r, rec)
}

// document returns the tail of a line as an OTLP JSON document.
func document(tailKey string, tail []byte) []byte {
	doc := make([]byte, 0, len(tailKey)+len(tail)+len(`{"":}`))
	doc = append(doc, '{', '"')
	doc = append(doc, tailKey...)
	doc = append(doc, '"', ':')
	doc = append(doc, tail...)
	return append(doc, '}')
}
