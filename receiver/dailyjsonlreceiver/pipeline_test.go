// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"pgregory.net/rapid"

	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

// Batches above the limit pass one at a time. Those below it never wait.
func TestMemoryBudget(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		cfg := &Config{MaxBatchBytes: 50}
		limit := 2 * int64(cfg.MaxBatchBytes)
		signals := rapid.SliceOfN(rapid.SliceOfN(rapid.Int64Range(1, 2*limit), 0, 4), 3, 3).Draw(rt, "weights")
		synctest.Test(t, func(t *testing.T) {
			m := newMemoryBudget(cfg)
			var heavy, light atomic.Int64
			var done sync.WaitGroup
			for _, weights := range signals {
				done.Go(func() {
					for _, weight := range weights {
						start := time.Now()
						release, err := m.acquire(t.Context(), weight)
						if err != nil {
							t.Error(err)
							return
						}
						if weight < limit {
							assert.Equal(t, start, time.Now(), "a batch below the limit waited")
							assert.LessOrEqual(t, light.Add(weight), 3*limit)
						} else {
							assert.EqualValues(t, 1, heavy.Add(1))
						}
						<-time.After(time.Second)
						if weight < limit {
							light.Add(-weight)
						} else {
							heavy.Add(-1)
						}
						release()
					}
				})
			}
			done.Wait()
		})
	})
}

func TestWaitingForMemoryEnds(t *testing.T) {
	t.Parallel()
	m := newMemoryBudget(&Config{MaxBatchBytes: 1})
	release, err := m.acquire(t.Context(), 2)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = m.acquire(ctx, 2)
	require.ErrorIs(t, err, context.Canceled)
	release()
	release, err = m.acquire(t.Context(), 2)
	require.NoError(t, err)
	release()
}

// A pipeline that holds a heavy batch does not stop the batches of ordinary
// lines of another signal.
func TestBlockedHeavyBatchLetsOthersPass(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, day22, `{"message":1,"context":{"a":[`+strings.Repeat("0,", 1<<15)+`0]},"received_at":"2025-12-22T10:00:05Z"}`+"\n")
	put(t, dir, "traces/2025-12-22.jsonl", strings.Repeat(`{"name":"op","received_at":"2025-12-22T10:00:05Z"}`+"\n", 10))
	g := newRig(onceConfig(dir))
	g.cfg.MaxBatchBytes, g.cfg.MaxBatchLines = 1<<12, 1
	spans := new(consumertest.TracesSink)
	allSpans := make(chan struct{})
	g.logs = must(consumer.NewLogs(func(context.Context, plog.Logs) error {
		<-allSpans
		return nil
	}))
	g.traces = must(consumer.NewTraces(func(ctx context.Context, td ptrace.Traces) error {
		err := spans.ConsumeTraces(ctx, td)
		if spans.SpanCount() == 10 {
			close(allSpans)
		}
		return err
	}))
	require.NoError(t, g.replay(t))
}

// A heavy batch that waits to be sent again does not stop the heavy batches of
// another signal.
func TestHeavyBatchWaitsOutside(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		heavy := `"a":[` + strings.Repeat("0,", 1<<15) + `0],"received_at":"2025-12-22T10:00:05Z"}` + "\n"
		put(t, dir, day22, `{"message":1,"context":{`+strings.Replace(heavy, "]", "]}", 1))
		put(t, dir, "traces/2025-12-22.jsonl", strings.Repeat(`{"attributes":{`+strings.Replace(heavy, "]", "]}", 1), 3))
		g := newRig(onceConfig(dir))
		g.cfg.MaxBatchBytes = 1 << 10
		g.cfg.RetryConfig = retryConfig(time.Hour, time.Hour)
		spans := new(consumertest.TracesSink)
		busy := atomic.Bool{}
		g.logs = must(consumer.NewLogs(func(context.Context, plog.Logs) error {
			assert.False(t, busy.Load(), "two heavy batches at once")
			if spans.SpanCount() < 3 {
				return fmt.Errorf("%d spans are there", spans.SpanCount())
			}
			return nil
		}))
		g.traces = must(consumer.NewTraces(func(ctx context.Context, td ptrace.Traces) error {
			busy.Store(true)
			<-time.After(time.Minute)
			busy.Store(false)
			return spans.ConsumeTraces(ctx, td)
		}))
		require.NoError(t, g.replay(t))
		assert.Equal(t, 3, spans.SpanCount())
	})
}

// The limit of a batch is the weight of its lines, not their length.
func TestHeavyLinesMakeSmallBatches(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var day strings.Builder
	for n := range 20 {
		fmt.Fprintf(&day, `{"message":%d,"context":{"a":[%s0]},"received_at":"2025-12-22T10:00:05Z"}`+"\n", n, strings.Repeat("0,", 1000))
	}
	put(t, dir, day22, day.String())
	g := newRig(onceConfig(dir))
	g.cfg.MaxBatchBytes = 5 * int(entry.Weight([]byte(strings.SplitAfter(day.String(), "\n")[0])))
	sink := new(logSink)
	g.logs = sink
	require.NoError(t, g.replay(t))
	assert.Equal(t, upTo(0, 19), sink.numbers())
	for _, batch := range sink.AllLogs() {
		assert.LessOrEqual(t, batch.LogRecordCount(), 6)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
