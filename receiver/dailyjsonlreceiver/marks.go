// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"math"
	"time"

	"github.com/cespare/xxhash/v2"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/reader"
	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

// The attributes that tell where an entry comes from, with the names that the
// filelog receiver uses. log.file.name is in the semantic conventions:
// https://opentelemetry.io/docs/specs/semconv/registry/attributes/log/
const (
	attrFileName     = "log.file.name"
	attrRecordNumber = "log.file.record_number"
)

// marker adds the attributes that the configuration asks for, and corrects the
// times of wrong clocks.
//
// Invariant: the marks of an entry depend only on the lines of its day up to
// its own. An entry that is sent again, by this process or the next one, has
// the same marks.
type marker struct {
	cfg *Config

	// points counts the data points of the lines of day before reached. It is
	// nil unless occurrences are asked for.
	points  *pointCounter
	day     dayfile.Day
	reached reader.Position

	// batch is the one whose entries are marked.
	batch *batch

	// The received_at parsed last: most entries have the same as the previous
	// one.
	receivedAtText string
	receivedAt     pcommon.Timestamp
}

func newMarker(cfg *Config, signal dayfile.Signal) *marker {
	m := &marker{cfg: cfg}
	if cfg.IncludeOccurrence && signal == dayfile.Metrics {
		m.points = &pointCounter{bits: pointBits}
	}
	return m
}

// ready reports whether the batch at a position can be marked. If not, the
// lines before it have to be read from the beginning of the day on, after a call
// of restart.
func (m *marker) ready(day dayfile.Day, from reader.Position) bool {
	return m.points == nil || m.points.cells != nil && m.day == day && m.reached == from
}

// restart prepares for the first batch of a day.
func (m *marker) restart(day dayfile.Day) {
	if m.points != nil {
		m.points.clear()
	}
	m.day, m.reached = day, reader.Position{}
}

// begin is called with every batch once it is decoded. The batch follows the
// one before, or is the same one again.
func (m *marker) begin(b *batch) { m.batch, m.reached = b, b.to }

// idle reports whether there is nothing to do.
func (m *marker) idle() bool {
	return !m.cfg.IncludeFileName && !m.cfg.IncludeFileRecordNumber && m.cfg.Clock == (ClockConfig{}) && m.points == nil
}

func (m *marker) markLogs(ld plog.Logs) {
	if m.idle() {
		return
	}
	i := 0
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				m.putSource(record.Attributes(), i)
				if ts := record.Timestamp(); ts != 0 && m.isWrong(ts, record.ObservedTimestamp()) {
					putClientTime(record.Attributes(), ts)
					record.SetTimestamp(record.ObservedTimestamp())
				}
				i++
			}
		}
	}
}

func (m *marker) markTraces(td ptrace.Traces) {
	if m.idle() {
		return
	}
	i := 0
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				m.putSource(span.Attributes(), i)
				end, receivedAt := span.EndTimestamp(), m.parseReceivedAt(span.Attributes())
				if m.isWrong(end, receivedAt) {
					putClientTime(span.Attributes(), end)
					// Both times move, so that the duration stays.
					span.SetStartTimestamp(span.StartTimestamp() + receivedAt - end)
					span.SetEndTimestamp(receivedAt)
				}
				i++
			}
		}
	}
}

func (m *marker) markMetrics(md pmetric.Metrics) {
	if m.idle() {
		return
	}
	i, n := 0, 0
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, metric := range sm.Metrics().All() {
				for point := range entry.DataPoints(metric) {
					m.putSource(point.Attributes(), i)
					ts, receivedAt := point.Timestamp(), m.parseReceivedAt(point.Attributes())
					if m.isWrong(ts, receivedAt) {
						putClientTime(point.Attributes(), ts)
						point.SetTimestamp(receivedAt)
					}
					m.putOccurrence(metric.Name(), point, n)
					n++
				}
				i++
			}
		}
	}
	m.batch.counted = true
}

// putSource adds where the i-th entry of the batch comes from.
func (m *marker) putSource(attributes pcommon.Map, i int) {
	if m.cfg.IncludeFileName {
		attributes.PutStr(attrFileName, dayfile.FileName(m.batch.day, dayfile.Plain))
	}
	if m.cfg.IncludeFileRecordNumber {
		attributes.PutInt(attrRecordNumber, m.batch.lines[i].number)
	}
}

// putOccurrence counts the n-th data point of the batch, unless an earlier call
// did, and adds its occurrence.
func (m *marker) putOccurrence(name string, point entry.DataPoint, n int) {
	if m.points == nil {
		return
	}
	b := m.batch
	if !b.counted {
		b.occurrences = append(b.occurrences, m.points.count(name, point.Timestamp()))
	}
	if occurrence := b.occurrences[n]; occurrence > 1 {
		point.Attributes().PutInt(entry.AttrOccurrence, int64(occurrence))
	}
}

// parseReceivedAt returns when a span or data point was received, or 0 if that
// is unknown or not needed.
func (m *marker) parseReceivedAt(attributes pcommon.Map) pcommon.Timestamp {
	if m.cfg.Clock == (ClockConfig{}) {
		return 0
	}
	v, ok := attributes.Get(entry.AttrReceivedAt)
	if !ok {
		return 0
	}
	if text := v.Str(); text != m.receivedAtText {
		m.receivedAtText, m.receivedAt = text, entry.ParseReceivedAt(text)
	}
	return m.receivedAt
}

// isWrong reports whether a client's time is beyond the limits of the
// configuration.
func (m *marker) isWrong(ts, receivedAt pcommon.Timestamp) bool {
	if receivedAt == 0 {
		return false
	}
	ahead, clock := time.Duration(ts-receivedAt), m.cfg.Clock
	return clock.MaxAhead > 0 && ahead > clock.MaxAhead || clock.MaxBehind > 0 && -ahead > clock.MaxBehind
}

func putClientTime(attributes pcommon.Map, ts pcommon.Timestamp) {
	attributes.PutStr(entry.AttrClientTime, ts.AsTime().Format(time.RFC3339Nano))
}

// pointCounter counts data points by metric name and millisecond.
//
// A hash selects the cell that counts a point, so that the memory does not
// depend on the number of points. Points that differ in name or millisecond may
// share a cell: on a day of 10,000 points one in 400 gets a higher count than it
// should. Equal ones always get different counts, up to the 65,535th.
type pointCounter struct {
	bits  int // log2 of the number of cells
	cells []uint16
}

// pointBits makes the cells take 8 MB.
const pointBits = 22

func (c *pointCounter) clear() {
	if c.cells == nil {
		c.cells = make([]uint16, 1<<c.bits)
		return
	}
	clear(c.cells)
}

// count adds a point and returns how many have been counted of its name and
// millisecond.
func (c *pointCounter) count(name string, ts pcommon.Timestamp) uint16 {
	// The multiplier of Fibonacci hashing spreads neighbouring milliseconds.
	h := (xxhash.Sum64String(name) ^ uint64(ts/1e6)) * 0x9E3779B97F4A7C15
	cell := &c.cells[h>>(64-c.bits)]
	if *cell < math.MaxUint16 {
		*cell++
	}
	return *cell
}
