// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.uber.org/zap/zapcore"

	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

func TestOnceDeliversAllInOrderAndEnds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "logs/2025-12-23.jsonl", logLines(11, 15))
	put(t, dir, "logs/2025-12-22.jsonl", logLines(1, 10))
	put(t, dir, "logs/notes.txt", "not a day file")
	put(t, dir, "traces/2025-12-22.jsonl", `{"name":"op","duration":1,"received_at":"2025-12-22T10:00:05Z"}`+"\n")
	put(t, dir, "metrics/2025-12-22.jsonl", `{"name":"LCP","value":1,"received_at":"2025-12-22T10:00:05Z"}`+"\n")

	g := newRig(onceConfig(dir))
	g.cfg.MaxBatchLines = 4
	sink, traces, metrics := new(logSink), new(consumertest.TracesSink), new(consumertest.MetricsSink)
	g.logs, g.traces, g.metrics = sink, traces, metrics
	require.NoError(t, g.replay(t))
	assert.Equal(t, upTo(1, 15), sink.numbers())
	assert.Len(t, sink.AllLogs(), 5)
	assert.Equal(t, 1, traces.SpanCount())
	assert.Equal(t, 1, metrics.DataPointCount())
	assert.Equal(t, 1, g.memory.closed)
	assertHas(t, g.messages(), "Replay is complete")

	// A second replay sends nothing.
	require.NoError(t, g.replay(t))
	assert.Len(t, sink.numbers(), 15)

	extend(t, dir, "logs/2025-12-23.jsonl", logLines(16, 17))
	require.NoError(t, g.replay(t))
	assert.Equal(t, upTo(1, 17), sink.numbers())
}

func TestBadLineIsLoggedAndSkipped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "logs/2025-12-22.jsonl", logLine(1)+"{\"secret\n"+logLine(2))
	g := newRig(onceConfig(dir))
	sink := new(logSink)
	g.logs = sink
	require.NoError(t, g.replay(t))
	assert.Equal(t, upTo(1, 2), sink.numbers())
	assertHas(t, g.messages(), "Bad line skipped: "+filepath.Join(dir, "logs", "2025-12-22.jsonl")+":2: invalid JSON: unexpected EOF at byte 8")
}

// The log never quotes a bad line.
func TestLogQuotesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const secret = "§" // not in any message or path
	for i, line := range []string{
		secret, "root:x:0:0:" + secret, `{` + secret, `{"` + secret, `{"a":` + secret, `{"a":tru` + secret, `{"a":1` + secret, `{"a":1}` + secret,
		`{"a":"\u` + secret + `"}`, `{"a":"\` + secret + `"}`, `{"message":"` + secret + `"}`, `["` + secret + `"]`, `"` + secret + `"`,
		`{"received_at":"` + secret + `"}`, `{"` + secret + `":1e999,"received_at":"2025-12-22T10:00:05Z"}`,
		`{"received_at":"2025-12-22T10:00:05Z","resourceLogs":["` + secret + `"]}`,
		`{"received_at":"2025-12-22T10:00:05Z","resourceLogs":[{"` + secret + `":1}]}`,
		`{"a":"` + secret + strings.Repeat("x", 5000) + `"}`, secret + "\xff",
	} {
		put(t, dir, fmt.Sprintf("logs/2025-12-%02d.jsonl", i+1), logLine(1)+line+"\n"+logLine(2)+line)
	}
	g := newRig(onceConfig(dir))
	g.cfg.MaxLineBytes = 4096
	g.logs = new(logSink)
	require.NoError(t, g.replay(t))
	require.NotEmpty(t, g.logged.FilterLevelExact(zapcore.WarnLevel).All())
	for _, entry := range g.logged.All() {
		assert.NotContains(t, fmt.Sprint(entry.Message, entry.ContextMap()), secret)
	}
}

// A line of at least longLine bytes ends its batch.
func TestLongLinesEndTheirBatch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var day strings.Builder
	for n := range 3 {
		fmt.Fprintf(&day, `{"message":%d,"context":{"text":%q},"received_at":"2025-12-22T10:00:05Z"}`+"\n", 2*n, strings.Repeat("x", longLine))
		day.WriteString(logLine(2*n + 1))
	}
	put(t, dir, day22, day.String())
	g := newRig(onceConfig(dir))
	sink := new(logSink)
	g.logs = sink
	require.NoError(t, g.replay(t))
	var sizes []int
	for _, batch := range sink.AllLogs() {
		sizes = append(sizes, batch.LogRecordCount())
	}
	assert.Equal(t, []int{1, 2, 2, 1}, sizes)
	assert.Equal(t, upTo(0, 5), sink.numbers())
}

// Bad lines do not flood the log.
func TestManyBadLines(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, day22+".gz", gzipped(t, strings.Repeat("bad\n", 1000)+logLine(1)))
	put(t, dir, day22, logLine(2)+strings.Repeat("bad\n", maxBadLineLogs+1))
	put(t, dir, day23, strings.Repeat("bad\n", maxBadLineLogs)+logLine(3))
	g := newRig(onceConfig(dir))
	sink := new(logSink)
	g.logs = sink
	require.NoError(t, g.replay(t))
	assert.Equal(t, upTo(1, 3), sink.numbers())
	assert.Equal(t, 3*maxBadLineLogs+2, g.logged.FilterLevelExact(zapcore.WarnLevel).Len())
	more := g.logged.FilterMessage("More bad lines skipped").All()
	require.Len(t, more, 2)
	assert.Equal(t, int64(1000-maxBadLineLogs), more[0].ContextMap()["lines"])
	assert.Equal(t, int64(1), more[1].ContextMap()["lines"])
}

func TestLongLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, day22, logLine(1)+`{"message":"`+strings.Repeat("x", 5000)+`"}`+"\n"+logLine(2))
	g := newRig(onceConfig(dir))
	g.cfg.MaxLineBytes = 4096
	sink := new(logSink)
	g.logs = sink
	require.NoError(t, g.replay(t))
	assert.Equal(t, upTo(1, 2), sink.numbers())
	assertHas(t, g.messages(), "Bad line skipped: "+filepath.Join(dir, day22)+":2: line is too long")
}

// The mode once sends a last line without an end if it can be decoded, and sends
// nothing of it again when its end is there.
func TestLastLineWithoutEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, day22, logLine(1)+strings.TrimSpace(logLine(2)))
	put(t, dir, day23, logLine(3)+logLine(4)[:30])
	g := newRig(onceConfig(dir))
	sink := new(logSink)
	g.logs = sink
	require.NoError(t, g.replay(t))
	assert.Equal(t, upTo(1, 3), sink.numbers())
	assert.Equal(t, 1, g.logged.FilterLevelExact(zapcore.WarnLevel).Len())
	assertHas(t, g.messages(), "Last line without an end skipped: "+filepath.Join(dir, day23)+":2")

	extend(t, dir, day22, "\n"+logLine(5))
	extend(t, dir, day23, logLine(4)[30:])
	require.NoError(t, g.replay(t))
	assert.Equal(t, []int{1, 2, 3, 5, 4}, sink.numbers())
}

func TestFromAndTo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for n := 1; n <= 9; n++ {
		put(t, dir, fmt.Sprintf("logs/2025-12-0%d.jsonl", n), logLine(n))
	}
	for _, c := range []struct {
		from, to    string
		first, last int
	}{
		{"", "", 1, 9},
		{"2025-12-08", "", 8, 9},
		{"", "2025-12-02", 1, 2},
		{"2025-12-05", "2025-12-05", 5, 5},
	} {
		g := newRig(onceConfig(dir))
		g.cfg.From, g.cfg.To = c.from, c.to
		sink := new(logSink)
		g.logs = sink
		require.NoError(t, g.replay(t))
		assert.Equal(t, upTo(c.first, c.last), sink.numbers())
	}
}

func TestDamagedFileFailsTheReplay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, day22+".gz", gzipped(t, logLines(1, 9))[:60])
	put(t, dir, day23, logLine(10))
	g := newRig(onceConfig(dir))
	sink := new(logSink)
	g.logs = sink
	require.ErrorContains(t, g.replay(t), "1 days are unreadable")
	assert.Contains(t, sink.numbers(), 10)

	put(t, dir, day22+".gz", gzipped(t, logLines(1, 9)))
	require.NoError(t, g.replay(t))
	assert.ElementsMatch(t, upTo(1, 10), sink.numbers())
}

// Batches have a limit, and a second replay has the same batches.
func TestBatchesAreBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, day22, logLines(100, 199))
	g := newRig(onceConfig(dir))
	g.cfg.MaxBatchBytes = 3 * int(entry.Weight([]byte(logLine(100))))
	sink := new(logSink)
	g.logs = sink
	require.NoError(t, g.replay(t))
	first := sink.AllLogs()
	for _, batch := range first[:len(first)-1] {
		assert.GreaterOrEqual(t, batch.LogRecordCount(), 3)
		assert.LessOrEqual(t, batch.LogRecordCount(), 4)
	}
	again := new(logSink)
	g.logs, g.memory = again, newMemory()
	g.host = newHost(g.memory)
	require.NoError(t, g.replay(t))
	assert.Equal(t, first, again.AllLogs())
}

func TestSummary(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, day22, logLines(1, 3)+"{\n")
	put(t, dir, "metrics/2025-12-21.jsonl", `{"name":"LCP","value":1,"received_at":"2025-12-21T10:00:05Z"}`+"\n")
	put(t, dir, "metrics/2025-12-20.jsonl", "")
	g := newRig(onceConfig(dir))
	g.logs, g.metrics = new(logSink), consumertest.NewNop()
	require.NoError(t, g.replay(t))
	var got []string
	for _, entry := range g.logged.FilterLevelExact(zapcore.InfoLevel).All() {
		m := entry.ContextMap()
		assert.Contains(t, m, "seconds")
		got = append(got, fmt.Sprint(entry.Message, " ", m["day"], " ", m["signal"], " ", m["lines"], " ", m["sent"], " ", m["bad"]))
	}
	assert.Equal(t, []string{
		"Replayed 2025-12-21 metrics 1 1 0",
		"Replayed 2025-12-22 logs 4 3 1",
		"Replay is complete <nil> <nil> 5 4 1",
	}, got)
}

func TestProgressIsLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		put(t, dir, day22, logLines(100, 199))
		put(t, dir, day23, logLines(100, 199))
		g := newRig(onceConfig(dir))
		g.cfg.MaxBatchLines = 10
		sink := new(logSink)
		sink.respond = func([]int) error {
			<-time.After(time.Second)
			return nil
		}
		g.logs = sink
		require.NoError(t, g.replay(t))
		logged := g.logged.FilterMessage("Replaying").All()
		require.NotEmpty(t, logged)
		m := logged[0].ContextMap()
		assert.InDelta(t, 90, m["lines"], 10)
		assert.InDelta(t, 9, m["lines_per_second"], 1)
		assert.Equal(t, int64(50), m["percent"])
		assert.Equal(t, "10s", m["time_left"])
	})
}

func TestRefusedLinesAreSentAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "logs/2025-12-22.jsonl", logLines(1, 10))
	g := newRig(onceConfig(dir))
	g.cfg.MaxBatchLines = 2
	sink := new(logSink)
	sink.respond = func(numbers []int) error {
		if numbers[0] == 3 || numbers[0] == 5 || numbers[0] == 9 {
			return consumererror.NewPermanent(errors.New("too old"))
		}
		return nil
	}
	g.logs = sink
	require.ErrorContains(t, g.replay(t), "6 lines were refused")
	assert.Equal(t, []int{1, 2, 7, 8}, sink.numbers())

	sink.setRespond(nil)
	require.NoError(t, g.replay(t))
	assert.Equal(t, []int{1, 2, 7, 8, 3, 4, 5, 6, 9, 10}, sink.numbers())
	require.NoError(t, g.replay(t))
	assert.Len(t, sink.numbers(), 10)
}
