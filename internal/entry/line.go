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

// A line is an entry, its received_at, and where there is more to say than an
// entry can, its tail: a member of OTLP's JSON encoding, holding the resource
// and scope of the entry, and the whole record where the entry is not all of
// it. The tail stands behind received_at, where no member of a client's does.

// LogLines yields a line for every log record of ld: its received_at, which
// is now, in whole seconds, for a record that brings none along, and the line
// with its '\n'. The line is valid until the next one is asked for.
func LogLines(ld plog.Logs, now time.Time) iter.Seq2[time.Time, []byte] {
	return lines(&logSignal, ld, now)
}

// SpanLines yields a line for every span of td, as LogLines does.
func SpanLines(td ptrace.Traces, now time.Time) iter.Seq2[time.Time, []byte] {
	return lines(&spanSignal, td, now)
}

// MetricLines yields a line for every metric of md, as LogLines does. A
// metric of several data points is one line.
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
					w.buf = w.buf[:0]
					g.write(w, e)
					tail := contextTail
					if !w.exact {
						tail = g.recordTail(r, s, e)
					}
					w.end(tail)
					if !yield(w.receivedAt.AsTime(), w.buf) {
						return
					}
				}
			}
		}
	}
}

// contextTail returns the tail of an entry of this resource and scope, as a
// JSON object; nothing where they are the ones that an entry has by itself.
func (g *signal[D, R, S, E]) contextTail(r R, s S) []byte {
	if r.SchemaUrl() == "" && s.SchemaUrl() == "" && isDefault(r.Resource(), s.Scope()) {
		return nil
	}
	data, _ := g.context(r, s)
	return g.tail(data)
}

// recordTail returns the tail of an entry that doesn't say all of its record.
func (g *signal[D, R, S, E]) recordTail(r R, s S, e E) []byte {
	data, scope := g.context(r, s)
	e.CopyTo(g.records.add(scope))
	return g.tail(data)
}

func (g *signal[D, R, S, E]) tail(data D) []byte {
	// The marshaler writes to memory, so there is nothing to fail on; but it
	// writes strings that are no UTF-8 as they are, which a line must not.
	tail, _ := g.marshal(data)
	return bytes.ToValidUTF8(tail, []byte("\uFFFD"))
}

// isDefault says whether resource and scope are those of a line without tail.
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
	// What one line out of the ordinary took must not be held for good.
	const ordinary = 64 << 10
	if cap(w.buf) > ordinary {
		w.buf = nil
	}
	clear(w.own.kept[:cap(w.own.kept)])
	clear(w.keys[:cap(w.keys)])
	fieldWriters.Put(w)
}

// end writes what follows an entry: received_at and, where there is one, the
// tail.
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
	// The tail's members become the line's last ones.
	w.buf = append(w.buf, ',')
	w.buf = append(w.buf, tail[1:]...)
	w.buf = append(w.buf, '\n')
}
