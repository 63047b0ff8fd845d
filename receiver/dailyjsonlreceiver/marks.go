// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/reader"
	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

// The attributes that tell where an entry stood, named as the filelog receiver
// does. log.file.name is of the semantic conventions:
// https://opentelemetry.io/docs/specs/semconv/registry/attributes/log/
const (
	attrFileName     = "log.file.name"
	attrRecordNumber = "log.file.record_number"
)

// marker gives the entries of a batch what Config's keys ask for beyond what
// their lines say. Lines decide marks and nothing else does: an entry that is
// sent again, by this process or by the next one, bears the same.
type marker struct {
	cfg *Config
	// points is nil where occurrences are not asked for.
	points *pointCounter

	// Of the batch:
	file  string
	lines []line // of each entry
	// occurrences is of each data point, once the batch was marked: a batch
	// that is decoded anew must not be counted anew.
	occurrences []uint16
	counted     bool

	// The received_at that was read last, as most entries have their
	// predecessor's.
	receipt    string
	receivedAt pcommon.Timestamp
}

func newMarker(cfg *Config, signal dayfile.Signal) *marker {
	m := &marker{cfg: cfg}
	if cfg.IncludeOccurrence && signal == dayfile.Metrics {
		m.points = new(pointCounter)
	}
	return m
}

// begin begins a batch of a day.
func (m *marker) begin(day dayfile.Day) {
	m.file = dayfile.FileName(day, dayfile.Plain)
	m.occurrences, m.counted = m.occurrences[:0], false
}

// reached notes that all lines of the day before a position are marked.
func (m *marker) reached(to reader.Position) {
	if m.points != nil {
		m.points.reached = to
	}
}

// idle says whether there is nothing to mark.
func (m *marker) idle() bool {
	return !m.cfg.IncludeFileName && !m.cfg.IncludeFileRecordNumber && m.cfg.Clock == (ClockConfig{}) && m.points == nil
}

func (m *marker) logs(ld plog.Logs) {
	if m.idle() {
		return
	}
	i := 0
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				m.place(record.Attributes(), i)
				if ts := record.Timestamp(); ts != 0 && m.wrong(ts, record.ObservedTimestamp()) {
					noteClientTime(record.Attributes(), ts)
					record.SetTimestamp(record.ObservedTimestamp())
				}
				i++
			}
		}
	}
}

func (m *marker) traces(td ptrace.Traces) {
	if m.idle() {
		return
	}
	i := 0
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				m.place(span.Attributes(), i)
				end, at := span.EndTimestamp(), m.received(span.Attributes())
				if m.wrong(end, at) {
					noteClientTime(span.Attributes(), end)
					// Both move: a span takes as long as it took.
					span.SetStartTimestamp(span.StartTimestamp() + at - end)
					span.SetEndTimestamp(at)
				}
				i++
			}
		}
	}
}

func (m *marker) metrics(md pmetric.Metrics) {
	if m.idle() {
		return
	}
	i, n := 0, 0
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, metric := range sm.Metrics().All() {
				for point := range entry.DataPoints(metric) {
					m.place(point.Attributes(), i)
					ts, at := point.Timestamp(), m.received(point.Attributes())
					if m.wrong(ts, at) {
						noteClientTime(point.Attributes(), ts)
						point.SetTimestamp(at)
					}
					m.occurrence(metric.Name(), point, n)
					n++
				}
				i++
			}
		}
	}
	m.counted = true
}

// place says where the batch's i-th entry stood.
func (m *marker) place(attributes pcommon.Map, i int) {
	if m.cfg.IncludeFileName {
		attributes.PutStr(attrFileName, m.file)
	}
	if m.cfg.IncludeFileRecordNumber {
		attributes.PutInt(attrRecordNumber, m.lines[i].number)
	}
}

// occurrence tells the batch's n-th data point from those before it.
func (m *marker) occurrence(name string, point entry.DataPoint, n int) {
	if m.points == nil {
		return
	}
	if !m.counted {
		m.occurrences = append(m.occurrences, m.points.count(name, point.Timestamp()))
	}
	if nth := m.occurrences[n]; nth > 1 {
		point.Attributes().PutInt(entry.AttrOccurrence, int64(nth))
	}
}

// received is when a span or data point was received, 0 where it doesn't say.
func (m *marker) received(attributes pcommon.Map) pcommon.Timestamp {
	if m.cfg.Clock == (ClockConfig{}) {
		return 0
	}
	v, ok := attributes.Get(entry.AttrReceivedAt)
	if !ok {
		return 0
	}
	if receipt := v.Str(); receipt != m.receipt {
		m.receipt, m.receivedAt = receipt, entry.ParseReceivedAt(receipt)
	}
	return m.receivedAt
}

// wrong says whether a client's clock must have been wrong when it said ts.
func (m *marker) wrong(ts, receivedAt pcommon.Timestamp) bool {
	if receivedAt == 0 {
		return false
	}
	ahead, clock := time.Duration(ts-receivedAt), m.cfg.Clock
	return clock.MaxAhead > 0 && ahead > clock.MaxAhead || clock.MaxBehind > 0 && -ahead > clock.MaxBehind
}

func noteClientTime(attributes pcommon.Map, ts pcommon.Timestamp) {
	attributes.PutStr(entry.AttrClientTime, ts.AsTime().Format(time.RFC3339Nano))
}
