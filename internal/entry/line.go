// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"bytes"
	"iter"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/xpdata/entity"
)

// A line is an entry with received_at and, where needed, a tail. The tail is a
// member in OTLP's JSON encoding. It holds the resource and scope of the entry,
// and the record too if the entry does not represent all of it. The tail
// follows received_at, where no member sent by a client can be.

// LogLines yields received_at and the line, including '\n', of every log
// record in ld. received_at is now, truncated to seconds, if the record has
// none. A line is valid until the next iteration.
func LogLines(ld plog.Logs, now time.Time) iter.Seq2[time.Time, []byte] {
	return lines(&logSignal, ld, now)
}

// SpanLines yields the lines of the spans in td. See LogLines.
func SpanLines(td ptrace.Traces, now time.Time) iter.Seq2[time.Time, []byte] {
	return lines(&spanSignal, td, now)
}

// MetricLines yields the lines of the metrics in md. See LogLines. A metric
// with several data points is one line.
func MetricLines(md pmetric.Metrics, now time.Time) iter.Seq2[time.Time, []byte] {
	return lines(&metricSignal, md, now)
}

func lines[D any, R resourceGroup, S scopeGroup, E record[E]](g *signal[D, R, S, E], data D, now time.Time) iter.Seq2[time.Time, []byte] {
	return func(yield func(time.Time, []byte) bool) {
		w := fieldWriters.Get().(*fieldWriter)
		defer w.release()
		w.now = pcommon.NewTimestampFromTime(now)
		for i := range g.resources.len(data) {
			r := g.resources.at(data, i)
			for i := range g.scopes.len(r) {
				s := g.scopes.at(r, i)
				contextTail := g.contextTail(r, s)
				for i := range g.records.len(s) {
					e := g.records.at(s, i)
					g.writeLine(w, r, s, e, contextTail)
					if !yield(w.receivedAt.AsTime(), w.buf) {
						return
					}
				}
			}
		}
	}
}

// writeLine writes the line of a record to w.buf.
func (g *signal[D, R, S, E]) writeLine(w *fieldWriter, r R, s S, e E, contextTail []byte) {
	w.buf = w.buf[:0]
	g.write(w, e)
	tail := contextTail
	if !w.exact {
		tail = g.recordTail(r, s, e)
	}
	w.end(tail)
}

// contextTail returns the tail for a resource and scope as a JSON object, or
// nil if they are the defaults of a line without a tail.
func (g *signal[D, R, S, E]) contextTail(r R, s S) []byte {
	if r.SchemaUrl() == "" && s.SchemaUrl() == "" && isDefault(r.Resource(), s.Scope()) {
		return nil
	}
	data, _ := g.context(r, s)
	return g.tail(data)
}

// recordTail returns the tail for a record that its entry does not represent
// completely.
func (g *signal[D, R, S, E]) recordTail(r R, s S, e E) []byte {
	data, scope := g.context(r, s)
	e.CopyTo(g.records.add(scope))
	return g.tail(data)
}

func (g *signal[D, R, S, E]) tail(data D) []byte {
	// Marshaling to memory does not fail. The marshaler copies invalid UTF-8,
	// which a line must not contain.
	tail, _ := g.marshal(data)
	return bytes.ToValidUTF8(tail, []byte("\uFFFD"))
}

// isDefault reports whether resource and scope are those of a line without a
// tail.
func isDefault(resource pcommon.Resource, scope pcommon.InstrumentationScope) bool {
	if resource.Attributes().Len() != 1 || resource.DroppedAttributesCount() != 0 || entity.ResourceEntityRefs(resource).Len() != 0 ||
		scope.Name() != "" || scope.Version() != "" || scope.Attributes().Len() != 0 || scope.DroppedAttributesCount() != 0 {
		return false
	}
	name, ok := resource.Attributes().Get(attrServiceName)
	return ok && name.Type() == pcommon.ValueTypeStr && name.Str() == DefaultServiceName
}

var fieldWriters = sync.Pool{New: func() any { return &fieldWriter{} }}

func (w *fieldWriter) release() {
	// Do not retain the buffer of an unusually long line.
	const ordinary = 64 << 10
	if cap(w.buf) > ordinary {
		w.buf = nil
	}
	w.parsedText = ""
	clear(w.own.kept[:cap(w.own.kept)])
	clear(w.keys[:cap(w.keys)])
	fieldWriters.Put(w)
}

// end writes received_at and the tail, if there is one.
func (w *fieldWriter) end(tail []byte) {
	w.member(memberReceivedAt)
	if w.receiptAt != w.receivedAt || len(w.receiptText) == 0 {
		w.receiptAt, w.receiptText = w.receivedAt, formatReceivedAt(w.receiptText[:0], w.receivedAt)
	}
	w.buf = append(w.buf, '"')
	w.buf = append(w.buf, w.receiptText...)
	w.buf = append(w.buf, '"')
	if len(tail) == 0 {
		w.buf = append(w.buf, '}', '\n')
		return
	}
	// The members of the tail become the last members of the line.
	w.buf = append(w.buf, ',')
	w.buf = append(w.buf, tail[1:]...)
	w.buf = append(w.buf, '\n')
}
