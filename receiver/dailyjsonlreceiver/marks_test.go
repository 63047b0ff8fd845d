// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.uber.org/zap/zapcore"
	"pgregory.net/rapid"

	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

// pointSink changes metrics as processors do. It accepts them unless it is told
// otherwise.
type pointSink struct {
	consumertest.MetricsSink
	mu      sync.Mutex
	respond func() error
	// marked has the accepted points by line number.
	marked map[int64][]string
}

func (s *pointSink) setRespond(respond func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.respond = respond
}

func (s *pointSink) ConsumeMetrics(_ context.Context, md pmetric.Metrics) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := error(nil)
	if s.respond != nil {
		err = s.respond()
	}
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				point := m.Gauge().DataPoints().At(0)
				if number, ok := point.Attributes().Get(attrRecordNumber); err == nil && ok {
					s.marked[number.Int()] = append(s.marked[number.Int()], pointText(m.Name(), point))
				}
				point.Attributes().Clear()
			}
		}
	}
	return err
}

// pointText formats a point and its marks.
func pointText(name string, point pmetric.NumberDataPoint) string {
	file, _ := point.Attributes().Get(attrFileName)
	occurrence := int64(1)
	if v, ok := point.Attributes().Get(entry.AttrOccurrence); ok {
		occurrence = v.Int()
	}
	return fmt.Sprintf("%s %s at %s in %s, occurrence %d",
		name, strconv.FormatFloat(point.DoubleValue(), 'g', -1, 64), point.Timestamp().AsTime().Format("05.000"), file.Str(), occurrence)
}

var errPermanent = consumererror.NewPermanent(errors.New("never"))

const metrics22 = "metrics/2025-12-22.jsonl"

// The marks of a point depend on the lines of its day alone. The day grows, the
// pipeline fails for now or for good, the receiver restarts, and the file is
// compressed: a point has the same marks every time it is sent.
func TestMarksDependOnLinesAlone(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		dir := filepath.Join(top, strconv.Itoa(round))
		put(t, dir, metrics22, "")
		g := newRig(onceConfig(dir))
		g.cfg.IncludeFileName, g.cfg.IncludeFileRecordNumber, g.cfg.IncludeOccurrence = true, true, true
		g.cfg.RetryConfig = retryConfig(time.Nanosecond, time.Nanosecond)
		g.cfg.MaxBatchLines = rapid.IntRange(1, 7).Draw(rt, "batch")
		sink := &pointSink{marked: map[int64][]string{}}
		g.metrics = sink

		var lines []string
		want := map[int64]string{}
		seen := map[string]int{}
		rt.Repeat(map[string]func(*rapid.T){
			"append": func(rt *rapid.T) {
				for range rapid.IntRange(1, 20).Draw(rt, "lines") {
					if rapid.IntRange(0, 9).Draw(rt, "kind") == 0 {
						lines = append(lines, "bad\n")
						continue
					}
					name := rapid.SampledFrom([]string{"lcp", "inp"}).Draw(rt, "name")
					ms := rapid.IntRange(0, 3).Draw(rt, "ms")
					lines = append(lines, fmt.Sprintf(
						`{"timestamp":"2025-12-22T10:00:01.%03dZ","name":%q,"value":0.5,"received_at":"2025-12-22T10:00:05Z"}`+"\n", ms, name))
					key := fmt.Sprint(name, ms)
					seen[key]++
					want[int64(len(lines))] = fmt.Sprintf("%s 0.5 at 01.%03d in 2025-12-22.jsonl, occurrence %d", name, ms, seen[key])
				}
			},
			"replay": func(rt *rapid.T) {
				put(t, dir, metrics22, strings.Join(lines, ""))
				results := rapid.SliceOfN(rapid.SampledFrom([]error{nil, nil, errors.New("not now"), errPermanent}), 0, 8).Draw(rt, "results")
				refused := false
				sink.setRespond(func() error {
					if len(results) == 0 {
						return nil
					}
					result := results[0]
					results = results[1:]
					refused = refused || errors.Is(result, errPermanent)
					return result
				})
				err := g.replay(t)
				assert.Equal(rt, refused, err != nil)
			},
			"": func(rt *rapid.T) {
				for number, points := range sink.marked {
					require.Equal(rt, slices.Repeat([]string{want[number]}, len(points)), points, "line %d", number)
				}
			},
		})
		sink.setRespond(nil)
		put(t, dir, metrics22+".gz", gzipped(t, strings.Join(lines, "")))
		require.NoError(t, g.replay(t))
		require.Len(rt, sink.marked, len(want), "lines that were delivered")
	})
}

// Each key applies to every signal that it makes sense for.
func TestMarksOfEverySignal(t *testing.T) {
	t.Parallel()
	const (
		sent   = `"timestamp":"2025-12-22T09:54:59.500Z",`
		late   = `"timestamp":"2024-12-22T10:00:00.000Z",`
		future = `"timestamp":"2025-12-22T10:05:00.001Z",`
		end    = `"received_at":"2025-12-22T10:00:00Z"}` + "\n"
	)
	dir := t.TempDir()
	put(t, dir, "logs/2025-12-22.jsonl", `{`+sent+end+`{"level":"info",`+end+`{`+late+end+`{`+future+end)
	put(t, dir, "traces/2025-12-22.jsonl", `{`+sent+`"duration":2,`+end+`{"duration":2,`+end+`{`+late+`"duration":2,`+end+`{`+future+`"duration":2,`+end)
	put(t, dir, "metrics/2025-12-22.jsonl", `{`+sent+`"name":"n",`+end+`{"name":"n",`+end+`{`+late+`"name":"n",`+end+`{`+future+`"name":"n",`+end)
	g := newRig(onceConfig(dir))
	g.cfg.IncludeFileName, g.cfg.IncludeFileRecordNumber, g.cfg.IncludeOccurrence = true, true, true
	g.cfg.Clock = ClockConfig{MaxAhead: 5 * time.Minute, MaxBehind: 7 * 24 * time.Hour}
	logs, traces, metrics := new(logSink), new(consumertest.TracesSink), new(consumertest.MetricsSink)
	g.logs, g.traces, g.metrics = logs, traces, metrics
	require.NoError(t, g.replay(t))

	var got []string
	marks := func(times string, attributes pcommon.Map) {
		text := []string{times}
		for _, key := range []string{attrFileName, attrRecordNumber, entry.AttrClientTime, entry.AttrOccurrence} {
			if v, ok := attributes.Get(key); ok {
				text = append(text, v.AsString())
			}
		}
		got = append(got, strings.Join(text, " "))
	}
	clock := func(ts pcommon.Timestamp) string {
		if ts == 0 {
			return "none"
		}
		return ts.AsTime().Format("15:04:05.000")
	}
	for _, r := range logs.AllLogs()[0].ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
		marks(clock(r.Timestamp()), r.Attributes())
	}
	for _, s := range traces.AllTraces()[0].ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
		marks(clock(s.StartTimestamp())+"-"+clock(s.EndTimestamp()), s.Attributes())
	}
	for _, m := range metrics.AllMetrics()[0].ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		marks(clock(m.Gauge().DataPoints().At(0).Timestamp()), m.Gauge().DataPoints().At(0).Attributes())
	}
	assert.Equal(t, []string{
		"09:54:59.500 2025-12-22.jsonl 1",
		"none 2025-12-22.jsonl 2",
		"10:00:00.000 2025-12-22.jsonl 3 2024-12-22T10:00:00Z",
		"10:00:00.000 2025-12-22.jsonl 4 2025-12-22T10:05:00.001Z",

		"09:54:59.498-09:54:59.500 2025-12-22.jsonl 1",
		"09:59:59.998-10:00:00.000 2025-12-22.jsonl 2",
		"09:59:59.998-10:00:00.000 2025-12-22.jsonl 3 2024-12-22T10:00:00Z",
		"09:59:59.998-10:00:00.000 2025-12-22.jsonl 4 2025-12-22T10:05:00.001Z",

		"09:54:59.500 2025-12-22.jsonl 1",
		"10:00:00.000 2025-12-22.jsonl 2",
		"10:00:00.000 2025-12-22.jsonl 3 2024-12-22T10:00:00Z 2",
		"10:00:00.000 2025-12-22.jsonl 4 2025-12-22T10:05:00.001Z 3",
	}, got)
}

// A time at a limit is not corrected.
func TestClockBounds(t *testing.T) {
	t.Parallel()
	const receivedAt = pcommon.Timestamp(1766397600e9)
	at := func(ahead time.Duration) pcommon.Timestamp { return receivedAt + pcommon.Timestamp(ahead) }
	both := marker{cfg: &Config{Clock: ClockConfig{MaxAhead: time.Minute, MaxBehind: time.Hour}}}
	assert.False(t, both.isWrong(at(time.Minute), receivedAt))
	assert.True(t, both.isWrong(at(time.Minute+1), receivedAt))
	assert.False(t, both.isWrong(at(-time.Hour), receivedAt))
	assert.True(t, both.isWrong(at(-time.Hour-1), receivedAt))
	assert.True(t, both.isWrong(0, receivedAt))
	assert.True(t, both.isWrong(1<<64-1, receivedAt), "the maximum is far behind as a signed number")
	assert.False(t, both.isWrong(at(time.Minute+1), 0), "received_at is unknown")

	none := marker{cfg: &Config{}}
	assert.False(t, none.isWrong(at(time.Hour), receivedAt))
	assert.False(t, none.isWrong(at(-time.Hour), receivedAt))
}

// Few of the points of a day share a cell.
func TestPointCounter(t *testing.T) {
	t.Parallel()
	c := pointCounter{bits: pointBits}
	c.clear()
	shared := 0
	for ms := range pcommon.Timestamp(10_000) {
		if c.count("web_vital_lcp", 1766397600e9+ms*1e6) != 1 {
			shared++
		}
	}
	assert.Less(t, shared, 50)
	c.clear()
	assert.EqualValues(t, 1, c.count("web_vital_lcp", 1766397600e9))
	assert.EqualValues(t, 2, c.count("web_vital_lcp", 1766397600e9+999_999), "the same millisecond")
	assert.EqualValues(t, 1, c.count("web_vital_inp", 1766397600e9))
	for range 1 << 16 {
		c.count("busy", 0)
	}
	assert.EqualValues(t, 1<<16-1, c.count("busy", 0))
}

// A restart that counts the points of a day again does not log its bad lines
// again.
func TestBadLinesAreLoggedOnce(t *testing.T) {
	t.Parallel()
	const point = `{"name":"lcp","value":0.5,"received_at":"2025-12-22T10:00:05Z"}` + "\n"
	dir := t.TempDir()
	put(t, dir, metrics22, point+strings.Repeat("x", 5000)+"\n"+"bad\n"+point)
	g := newRig(onceConfig(dir))
	g.cfg.IncludeOccurrence = true
	g.cfg.MaxLineBytes = 4096
	g.metrics = consumertest.NewNop()
	require.NoError(t, g.replay(t))
	assert.Equal(t, 2, g.logged.FilterLevelExact(zapcore.WarnLevel).Len(), "%q", g.messages())

	extend(t, dir, metrics22, point)
	require.NoError(t, g.replay(t))
	assert.Zero(t, g.logged.FilterLevelExact(zapcore.WarnLevel).Len(), "%q", g.messages())
}

// Points are counted up to a position behind a last line without an end.
func TestOccurrenceAfterLastLineWithoutEnd(t *testing.T) {
	t.Parallel()
	const point = `{"name":"lcp","value":0.5,"received_at":"2025-12-22T10:00:05Z"}`
	dir := t.TempDir()
	put(t, dir, metrics22, point+"\n"+point)
	g := newRig(onceConfig(dir))
	g.cfg.IncludeOccurrence, g.cfg.IncludeFileRecordNumber = true, true
	sink := &pointSink{marked: map[int64][]string{}}
	g.metrics = sink
	require.NoError(t, g.replay(t))
	put(t, dir, metrics22, point+"\n"+point) // another version of the same lines
	require.NoError(t, g.replay(t))
	assert.Len(t, sink.marked, 2)
	for number, points := range sink.marked {
		require.Len(t, points, 1)
		assert.Contains(t, points[0], fmt.Sprintf("occurrence %d", number))
	}
}
