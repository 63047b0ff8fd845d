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

// However batches come, those in the room never weigh more than it holds, but
// for one that is too heavy for any room and alone.
func TestRoomIsNeverOverfull(t *testing.T) {
	t.Parallel()
	const size = 100
	rapid.Check(t, func(rt *rapid.T) {
		weights := rapid.SliceOfN(rapid.SliceOfN(rapid.Int64Range(1, 2*size), 0, 4), 3, 3).Draw(rt, "weights")
		synctest.Test(t, func(t *testing.T) {
			r := newRoom(size)
			var inside, batches atomic.Int64
			var signals sync.WaitGroup
			for _, own := range weights {
				signals.Go(func() {
					for _, weight := range own {
						leave, err := r.enter(t.Context(), weight)
						if err != nil {
							t.Error(err)
							return
						}
						if total, n := inside.Add(weight), batches.Add(1); n > 1 {
							assert.LessOrEqual(t, total, int64(size))
						}
						<-time.After(time.Second)
						inside.Add(-weight)
						batches.Add(-1)
						leave()
					}
				})
			}
			signals.Wait()
		})
	})
}

func TestWaitingForRoomEnds(t *testing.T) {
	t.Parallel()
	r := newRoom(1)
	leave, err := r.enter(t.Context(), 1)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = r.enter(ctx, 1)
	require.ErrorIs(t, err, context.Canceled)
	leave()
	leave, err = r.enter(t.Context(), 1)
	require.NoError(t, err)
	leave()
}

// A pipeline that can't take a heavy batch for now holds up no other signal
// while it is waited for.
func TestHeavyBatchWaitsOutside(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		heavy := `"a":[` + strings.Repeat("0,", 1<<15) + `0],"received_at":"2025-12-22T10:00:05Z"}` + "\n"
		put(t, dir, day22, `{"message":1,"context":{`+strings.Replace(heavy, "]", "]}", 1))
		put(t, dir, "traces/2025-12-22.jsonl", strings.Repeat(`{"attributes":{`+strings.Replace(heavy, "]", "]}", 1), 3))
		g := newRig(onceConfig(dir))
		g.cfg.MaxBatchBytes = 1 << 10
		g.cfg.Retry = RetryConfig{InitialInterval: time.Hour, MaxInterval: time.Hour}
		spans := new(consumertest.TracesSink)
		busy := atomic.Bool{}
		g.logs = must(consumer.NewLogs(func(context.Context, plog.Logs) error {
			assert.False(t, busy.Load(), "a heavy batch is alone")
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

// What a line weighs bounds batches, and not its length: many small values are
// more than they look.
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
