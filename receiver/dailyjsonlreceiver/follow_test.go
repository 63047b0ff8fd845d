// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.uber.org/zap/zapcore"
)

const (
	day22 = "logs/2025-12-22.jsonl"
	day23 = "logs/2025-12-23.jsonl"
)

// following runs check in a synctest bubble, with a receiver that follows a
// directory.
func following(t *testing.T, check func(t *testing.T, f *followed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &followed{dir: t.TempDir(), sink: new(logSink)}
		cfg := createDefaultConfig().(*Config)
		cfg.Directory, cfg.Storage = f.dir, &storageID
		f.rig = newRig(cfg)
		f.logs = f.sink
		check(t, f)
		require.NoError(t, f.shutdown(t))
	})
}

type followed struct {
	*rig
	dir  string
	sink *logSink
}

// pass waits until the receiver has read the directory once more.
func (f *followed) pass() { wait(f.cfg.PollInterval) }

// wait advances the time of the bubble, and waits until every goroutine blocks.
func wait(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// errors is the number of errors in the log.
func (f *followed) errors() int { return f.logged.FilterLevelExact(zapcore.ErrorLevel).Len() }

func gzipped(t testing.TB, content string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(content))
	require.NoError(t, errors.Join(err, w.Close()))
	return b.String()
}

func TestFollowsGrowingFiles(t *testing.T) {
	t.Parallel()
	following(t, func(t *testing.T, f *followed) {
		f.start(t)
		f.pass()
		assert.Empty(t, f.sink.numbers(), "the folder does not exist")

		put(t, f.dir, day22, logLines(1, 2)+logLine(3)[:20])
		f.pass()
		assert.Equal(t, upTo(1, 2), f.sink.numbers())
		f.pass()
		extend(t, f.dir, day22, logLine(3)[20:])
		f.pass()
		assert.Equal(t, upTo(1, 3), f.sink.numbers())

		put(t, f.dir, day23, logLines(4, 5))
		extend(t, f.dir, day22, "\n\n")
		f.pass()
		assert.Equal(t, upTo(1, 5), f.sink.numbers())

		// A line of an old day that is late.
		extend(t, f.dir, day22, logLine(6))
		f.pass()
		assert.Equal(t, upTo(1, 6), f.sink.numbers())
		assert.Zero(t, f.logged.FilterLevelExact(zapcore.WarnLevel).Len(), "%q", f.messages())
	})
}

func TestFollowsThroughCompressing(t *testing.T) {
	t.Parallel()
	following(t, func(t *testing.T, f *followed) {
		put(t, f.dir, day22, logLines(1, 5))
		f.start(t)
		f.pass()
		put(t, f.dir, day22+".gz", gzipped(t, logLines(1, 7)))
		f.pass()
		assert.Equal(t, upTo(1, 7), f.sink.numbers())
		require.NoError(t, os.Remove(filepath.Join(f.dir, day22)))
		f.pass()
		put(t, f.dir, day22, logLines(8, 9))
		f.pass()
		put(t, f.dir, day22+".gz", gzipped(t, logLines(1, 10)))
		f.pass()
		assert.Equal(t, upTo(1, 10), f.sink.numbers())
		assert.Zero(t, f.logged.FilterLevelExact(zapcore.WarnLevel).Len(), "%q", f.messages())
	})
}

func TestContinuesAtItsPosition(t *testing.T) {
	t.Parallel()
	following(t, func(t *testing.T, f *followed) {
		put(t, f.dir, day22, logLines(1, 5))
		f.start(t)
		f.pass()
		require.NoError(t, f.shutdown(t))
		extend(t, f.dir, day22, logLines(6, 7))
		f.start(t)
		f.pass()
		assert.Equal(t, upTo(1, 7), f.sink.numbers())
	})
}

func TestStartsOverWithoutStorage(t *testing.T) {
	t.Parallel()
	following(t, func(t *testing.T, f *followed) {
		f.cfg.Storage = nil
		put(t, f.dir, day22, logLines(1, 2))
		f.start(t)
		f.pass()
		f.pass()
		assert.Equal(t, upTo(1, 2), f.sink.numbers())
		require.NoError(t, f.shutdown(t))
		f.start(t)
		f.pass()
		assert.Equal(t, []int{1, 2, 1, 2}, f.sink.numbers())
	})
}

// TestDownloadedAgain overwrites the file step by step, as scp does.
func TestDownloadedAgain(t *testing.T) {
	t.Parallel()
	following(t, func(t *testing.T, f *followed) {
		whole := logLines(1, 9)
		put(t, f.dir, day22, logLines(1, 5))
		f.start(t)
		f.pass()
		for n := 0; n <= len(whole); n += len(whole) / 20 {
			put(t, f.dir, day22, whole[:n])
			f.pass()
		}
		put(t, f.dir, day22, whole)
		f.pass()
		assert.Equal(t, upTo(1, 9), f.sink.numbers())
		assert.Zero(t, f.logged.FilterLevelExact(zapcore.WarnLevel).Len(), "%q", f.messages())
	})
}

func TestCutFile(t *testing.T) {
	t.Parallel()
	following(t, func(t *testing.T, f *followed) {
		put(t, f.dir, day22, logLines(1, 5))
		f.start(t)
		f.pass()
		put(t, f.dir, day22, logLines(1, 2))
		f.pass()
		assert.Equal(t, upTo(1, 5), f.sink.numbers(), "it may be an incomplete download")
		wait(settleTime)
		f.pass()
		assert.Equal(t, []int{1, 2, 3, 4, 5, 1, 2}, f.sink.numbers())
		assertHas(t, f.messages(), "Day files no longer hold the lines that were sent; replaying the day from its beginning")
	})
}

func TestReplacedFile(t *testing.T) {
	t.Parallel()
	following(t, func(t *testing.T, f *followed) {
		put(t, f.dir, day22, logLines(1, 3))
		f.start(t)
		f.pass()
		put(t, f.dir, day22, logLines(11, 15))
		f.pass()
		assert.Equal(t, []int{1, 2, 3, 11, 12, 13, 14, 15}, f.sink.numbers())
	})
}

func TestDeletedFile(t *testing.T) {
	t.Parallel()
	following(t, func(t *testing.T, f *followed) {
		put(t, f.dir, day22, logLines(1, 3))
		f.start(t)
		f.pass()
		require.NoError(t, os.Remove(filepath.Join(f.dir, day22)))
		f.pass()
		put(t, f.dir, day22, logLines(1, 4))
		f.pass()
		assert.Equal(t, upTo(1, 4), f.sink.numbers())
	})
}

func TestDamagedFile(t *testing.T) {
	t.Parallel()
	following(t, func(t *testing.T, f *followed) {
		packed := gzipped(t, logLines(1, 9))
		put(t, f.dir, day22+".gz", packed[:len(packed)-8])
		put(t, f.dir, day23, logLines(10, 11))
		f.start(t)
		f.pass()
		assert.Equal(t, upTo(1, 11), f.sink.numbers(), "every line that can be read")
		assert.Zero(t, f.errors(), "it may be an incomplete download")
		wait(settleTime)
		f.pass()
		assert.Equal(t, 1, f.errors())
		wait(time.Minute)
		assert.Equal(t, 1, f.errors())

		put(t, f.dir, day22+".gz", gzipped(t, logLines(1, 9)+logLine(12)))
		f.pass()
		assert.Equal(t, upTo(1, 12), f.sink.numbers())
		assert.Equal(t, 1, f.errors())
	})
}

func TestPipelineThatFailsForNow(t *testing.T) {
	t.Parallel()
	following(t, func(t *testing.T, f *followed) {
		f.cfg.MaxBatchLines = 2
		put(t, f.dir, day22, logLines(1, 5))
		offered := make(chan []int, 10)
		f.sink.respond = func(numbers []int) error {
			offered <- numbers
			if len(offered) < 5 {
				return errors.New("not now")
			}
			return nil
		}
		f.start(t)
		synctest.Wait()
		assert.Len(t, offered, 1)
		assert.Equal(t, componentstatus.StatusRecoverableError, (<-f.host.reported).Status())
		wait(time.Minute)
		for _, want := range [][]int{{1, 2}, {1, 2}, {1, 2}, {1, 2}, {1, 2}, {3, 4}, {5}} {
			assert.Equal(t, want, <-offered)
		}
		assert.Equal(t, upTo(1, 5), f.sink.numbers())
		assert.Equal(t, componentstatus.StatusOK, (<-f.host.reported).Status())
		assert.Empty(t, f.host.reported)
	})
}

// The intervals are bounded while a pipeline is down for a day.
func TestWaitsAreBounded(t *testing.T) {
	t.Parallel()
	following(t, func(t *testing.T, f *followed) {
		put(t, f.dir, day22, logLine(1))
		var tries atomic.Int64
		began := time.Now()
		f.sink.respond = func([]int) error {
			tries.Add(1)
			if time.Since(began) < 24*time.Hour {
				return errors.New("not now")
			}
			return nil
		}
		f.start(t)
		wait(24*time.Hour + time.Minute)
		assert.Equal(t, upTo(1, 1), f.sink.numbers())
		assert.Greater(t, tries.Load(), int64(24*60*60/45))
		assert.Less(t, tries.Load(), int64(24*60*60/15))
		assert.Equal(t, 1, f.logged.FilterLevelExact(zapcore.WarnLevel).Len(), "only the first failure is logged")
		assertHas(t, f.messages(), "Replay continues")
	})
}

// A batch counts as refused when its retries end. The next start sends it again.
func TestRetriesAreLimited(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		retry     configretry.BackOffConfig
		tries     int
		notBefore time.Duration
		notUntil  time.Duration
	}{
		"disabled":         {configretry.BackOffConfig{InitialInterval: time.Second, MaxInterval: time.Second, Multiplier: 1}, 1, 0, 0},
		"max_elapsed_time": {configretry.BackOffConfig{Enabled: true, InitialInterval: time.Second, MaxInterval: time.Second, Multiplier: 1, MaxElapsedTime: 10 * time.Second}, 11, 10 * time.Second, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			following(t, func(t *testing.T, f *followed) {
				f.cfg.MaxBatchLines, f.cfg.RetryConfig = 1, c.retry
				put(t, f.dir, day22, logLines(1, 3))
				tries, start := 0, time.Now()
				var last time.Duration
				f.sink.respond = func(numbers []int) error {
					if numbers[0] != 2 {
						return nil
					}
					tries, last = tries+1, time.Since(start)
					return errors.New("not now")
				}
				f.start(t)
				wait(time.Minute)
				assert.Equal(t, []int{1, 3}, f.sink.numbers())
				assert.Equal(t, c.tries, tries)
				assert.GreaterOrEqual(t, last, c.notBefore)
				assert.LessOrEqual(t, last, c.notUntil)
				assertHas(t, f.messages(), "Pipeline refused lines; they are sent again at the next start")

				require.NoError(t, f.shutdown(t))
				f.sink.setRespond(nil)
				f.start(t)
				f.pass()
				assert.Equal(t, []int{1, 3, 2}, f.sink.numbers())
			})
		})
	}
}

// The component is healthy when every signal is.
func TestHealthOfSeveralSignals(t *testing.T) {
	t.Parallel()
	host := newHost(nil)
	h := &health{host: host, unhealthy: map[*replay]struct{}{}}
	logs, traces := new(replay), new(replay)
	assert.False(t, h.markHealthy(logs))
	assert.True(t, h.markUnhealthy(logs, errors.New("not now")))
	assert.False(t, h.markUnhealthy(logs, errors.New("not now either")))
	assert.True(t, h.markUnhealthy(traces, errors.New("disk is full")))
	assert.True(t, h.markHealthy(logs))
	assert.Len(t, host.reported, 2)
	for range 2 {
		assert.Equal(t, componentstatus.StatusRecoverableError, (<-host.reported).Status())
	}
	assert.True(t, h.markHealthy(traces))
	assert.Equal(t, componentstatus.StatusOK, (<-host.reported).Status())
	assert.Empty(t, host.reported)
}

func TestRefusedLinesAreSkipped(t *testing.T) {
	t.Parallel()
	following(t, func(t *testing.T, f *followed) {
		f.cfg.MaxBatchLines = 1
		put(t, f.dir, day22, logLines(1, 3))
		f.sink.respond = func(numbers []int) error {
			if numbers[0] == 2 {
				return consumererror.NewPermanent(errors.New("never"))
			}
			return nil
		}
		f.start(t)
		f.pass()
		f.pass()
		assert.Equal(t, []int{1, 3}, f.sink.numbers())
		assert.Equal(t, 1, f.errors())
		assert.Empty(t, f.host.reported)
	})
}

// Nothing is sent before the position is saved.
func TestStorageThatFails(t *testing.T) {
	t.Parallel()
	following(t, func(t *testing.T, f *followed) {
		f.cfg.MaxBatchLines = 1
		put(t, f.dir, day22, logLines(1, 5))
		f.sink.respond = func(numbers []int) error {
			if numbers[0] == 3 {
				f.memory.fail(errors.New("disk is full"))
			}
			return nil
		}
		f.start(t)
		wait(time.Minute)
		assert.Equal(t, upTo(1, 3), f.sink.numbers())
		assert.Equal(t, componentstatus.StatusRecoverableError, (<-f.host.reported).Status())
		f.memory.fail(nil)
		wait(time.Minute)
		assert.Equal(t, upTo(1, 5), f.sink.numbers())
		assert.Equal(t, componentstatus.StatusOK, (<-f.host.reported).Status())
	})
}

func TestInvalidStoredPosition(t *testing.T) {
	t.Parallel()
	following(t, func(t *testing.T, f *followed) {
		f.memory.values["logs/2025-12-22"] = `{"offset":-1}`
		put(t, f.dir, day22, logLines(1, 2))
		f.start(t)
		f.pass()
		assert.Equal(t, upTo(1, 2), f.sink.numbers())
		assertHas(t, f.messages(), "Stored position is invalid; replaying the day from its beginning")
	})
}

// Shutdown waits for a slow pipeline.
func TestShutdownLetsTheBatchFinish(t *testing.T) {
	t.Parallel()
	following(t, func(t *testing.T, f *followed) {
		f.cfg.MaxBatchLines = 1
		put(t, f.dir, day22, logLines(1, 2))
		f.sink.respond = func([]int) error {
			<-time.After(shutdownGrace - time.Second)
			return nil
		}
		f.start(t)
		synctest.Wait()
		require.NoError(t, f.shutdown(t))
		assert.Equal(t, upTo(1, 1), f.sink.numbers())
		f.sink.setRespond(nil)
		f.start(t)
		f.pass()
		assert.Equal(t, upTo(1, 2), f.sink.numbers())
	})
}

// Shutdown cancels a pipeline that hangs.
func TestShutdownDoesNotWaitForever(t *testing.T) {
	t.Parallel()
	following(t, func(t *testing.T, f *followed) {
		put(t, f.dir, day22, logLine(1))
		f.sink.hang = true
		f.start(t)
		synctest.Wait()
		began := time.Now()
		require.NoError(t, f.shutdown(t))
		assert.Equal(t, shutdownGrace, time.Since(began))
		assert.Empty(t, f.memory.all(), "it was not accepted")
	})
}

func TestShutdownWithinItsTime(t *testing.T) {
	t.Parallel()
	following(t, func(t *testing.T, f *followed) {
		put(t, f.dir, day22, logLine(1))
		release := make(chan struct{})
		f.sink.respond = func([]int) error {
			<-release
			return nil
		}
		f.start(t)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, f.components[0].Shutdown(ctx), context.DeadlineExceeded)
		close(release)
		f.components = nil
	})
}

// A day without changes is not read again, and its position not saved again.
func TestUnchangedDay(t *testing.T) {
	t.Parallel()
	following(t, func(t *testing.T, f *followed) {
		put(t, f.dir, day22, logLines(1, 2))
		var saves atomic.Int64
		f.memory.saved = func(string) { saves.Add(1) }
		f.start(t)
		f.pass()
		require.EqualValues(t, 2, saves.Load(), "after the batch and at the end of the files")
		for range 3 {
			f.pass()
		}
		require.NoError(t, f.shutdown(t))
		f.start(t)
		f.pass()
		assert.EqualValues(t, 2, saves.Load())
	})
}
