// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
)

func TestOnceDeliversAllInOrderAndEnds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "logs/2025-12-23.jsonl", logLines(11, 15))
	put(t, dir, "logs/2025-12-22.jsonl", logLines(1, 10))
	put(t, dir, "logs/notes.txt", "not mine")
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

	// A second import adds nothing.
	require.NoError(t, g.replay(t))
	assert.Len(t, sink.numbers(), 15)

	extend(t, dir, "logs/2025-12-23.jsonl", logLines(16, 17))
	require.NoError(t, g.replay(t))
	assert.Equal(t, upTo(1, 17), sink.numbers())
}

func TestBadLineIsReportedAndKeptOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "logs/2025-12-22.jsonl", logLine(1)+"{\"secret\n"+logLine(2))
	g := newRig(onceConfig(dir))
	sink := new(logSink)
	g.logs = sink
	require.NoError(t, g.replay(t))
	assert.Equal(t, upTo(1, 2), sink.numbers())
	assertHas(t, g.messages(), "Bad line kept out: "+filepath.Join(dir, "logs", "2025-12-22.jsonl")+":2: invalid JSON: unexpected EOF at byte 8")
}

func TestRefusedLinesComeAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "logs/2025-12-22.jsonl", logLines(1, 10))
	g := newRig(onceConfig(dir))
	g.cfg.MaxBatchLines = 2
	sink := new(logSink)
	sink.judge = func(numbers []int) error {
		if numbers[0] == 3 || numbers[0] == 5 || numbers[0] == 9 {
			return consumererror.NewPermanent(errors.New("too old"))
		}
		return nil
	}
	g.logs = sink
	require.ErrorContains(t, g.replay(t), "6 lines were refused")
	assert.Equal(t, []int{1, 2, 7, 8}, sink.numbers())

	sink.judgeBy(nil)
	require.NoError(t, g.replay(t))
	assert.Equal(t, []int{1, 2, 7, 8, 3, 4, 5, 6, 9, 10}, sink.numbers())
	require.NoError(t, g.replay(t))
	assert.Len(t, sink.numbers(), 10)
}
