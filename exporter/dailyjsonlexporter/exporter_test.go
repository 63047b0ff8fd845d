// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlexporter

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/store"
	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

// Lines are appended to the file of the day on which they were received, in the
// configured time zone.
func TestPushSortsLinesByDay(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Timezone = "Europe/Lisbon"
	e := started(t, cfg, testSettings(), componenttest.NewNopHost(), dayfile.Logs)
	times := []string{"2025-07-01T23:00:00Z", "2025-07-01T22:59:59Z", "2025-06-30T23:00:00Z", "2025-07-02T12:00:00Z"}
	require.NoError(t, e.push(t.Context(), linesAt(times...)))
	require.NoError(t, e.push(t.Context(), linesAt(times[0])))
	require.Equal(t, lineOf(times[1])+lineOf(times[2]), readFile(t, cfg, "logs/2025-07-01.jsonl"))
	require.Equal(t, lineOf(times[0])+lineOf(times[3])+lineOf(times[0]), readFile(t, cfg, "logs/2025-07-02.jsonl"))
}

func TestPushWithoutRecords(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	e := started(t, cfg, testSettings(), componenttest.NewNopHost(), dayfile.Logs)
	require.NoError(t, e.pushLogs(t.Context(), plog.NewLogs()))
	files, err := os.ReadDir(filepath.Join(cfg.Directory, "logs"))
	require.NoError(t, err)
	require.Empty(t, files)
}

// An entry with received_at is appended to the file of that day.
func TestReplayedEntriesKeepTheirDay(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	e := started(t, cfg, testSettings(), componenttest.NewNopHost(), dayfile.Logs)
	line := `{"timestamp":"2025-12-20T09:59:59.123Z","level":"info","message":"Quiz started","received_at":"2025-12-20T10:00:05Z"}` + "\n"
	var reader entry.LogReader
	require.NoError(t, reader.Add([]byte(line)))
	require.NoError(t, e.pushLogs(t.Context(), reader.Take()))
	require.Equal(t, line, readFile(t, cfg, "logs/2025-12-20.jsonl"))
}

// Around midnight, every line is once in the file of its day.
func TestMidnight(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	e := started(t, cfg, testSettings(), componenttest.NewNopHost(), dayfile.Traces)
	const before, after = "2025-12-22T23:59:59Z", "2025-12-23T00:00:00Z"
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 25 {
				if err := errors.Join(
					e.push(t.Context(), linesAt(before, after)),
					e.push(t.Context(), linesAt(after, before, before)),
				); err != nil {
					t.Errorf("push: %v", err)
				}
			}
		})
	}
	wg.Wait()
	require.Equal(t, strings.Repeat(lineOf(before), 8*25*3), readFile(t, cfg, "traces/2025-12-22.jsonl"))
	require.Equal(t, strings.Repeat(lineOf(after), 8*25*2), readFile(t, cfg, "traces/2025-12-23.jsonl"))
}

func TestOnlyInvalidDataIsAPermanentError(t *testing.T) {
	t.Parallel()
	for _, err := range []error{store.ErrDiskFull, store.ErrClosed, os.ErrPermission, errors.New("any other")} {
		require.False(t, consumererror.IsPermanent(classify(err)), "%v", err)
	}
	require.True(t, consumererror.IsPermanent(classify(store.ErrInvalid)))
	require.NoError(t, classify(nil))
}

func TestPushOnAFullDisk(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.MinFreeBytes = 1 << 62
	e := started(t, cfg, testSettings(), componenttest.NewNopHost(), dayfile.Logs)
	err := e.push(t.Context(), linesAt(noon))
	require.ErrorIs(t, err, store.ErrDiskFull)
	require.False(t, consumererror.IsPermanent(err))
}

// The status is a recoverable error while appending fails, and OK when it
// succeeds again.
func TestStatusFollowsTheDisk(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	host := newStatusHost()
	e := started(t, cfg, testSettings(), host, dayfile.Logs)
	require.NoError(t, e.push(t.Context(), linesAt(noon)))
	file := filepath.Join(cfg.Directory, "logs", "2025-12-22.jsonl")
	require.NoError(t, os.Rename(file, file+".away"))
	require.NoError(t, os.Mkdir(file, 0o750))
	for range 3 {
		require.Error(t, e.push(t.Context(), linesAt(noon)))
	}
	require.NoError(t, os.Remove(file))
	for range 3 {
		require.NoError(t, e.push(t.Context(), linesAt(noon)))
	}
	require.Equal(t, []componentstatus.Status{componentstatus.StatusRecoverableError, componentstatus.StatusOK}, host.events)
	require.Equal(t, strings.Repeat(lineOf(noon), 3), readFile(t, cfg, "logs/2025-12-22.jsonl"))
}

// An append that is invalid, or too late, says nothing about the disk: it changes
// neither the status nor the log.
func TestStatusIgnoresOtherErrors(t *testing.T) {
	t.Parallel()
	host := newStatusHost()
	e := started(t, testConfig(t), testSettings(), host, dayfile.Logs)
	for _, err := range []error{store.ErrInvalid, store.ErrClosed, fmt.Errorf("append: %w", store.ErrClosed)} {
		e.reportHealth(err)
	}
	require.Empty(t, host.events)
	e.reportHealth(store.ErrDiskFull)
	e.reportHealth(store.ErrClosed)
	e.reportHealth(store.ErrInvalid)
	require.Equal(t, []componentstatus.Status{componentstatus.StatusRecoverableError}, host.events)
}

// Lines that replay would skip are not written. The other lines of the batch are.
func TestLongLinesAreDropped(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	e, telemetry, _ := measured(t, cfg)
	message := strings.Repeat("a", entry.MaxLineBytes)
	var reader entry.LogReader
	for _, text := range []string{"1", message, "2", message} {
		require.NoError(t, reader.Add([]byte(`{"message":"`+text+`","received_at":"2025-12-20T10:00:05Z"}`)))
	}
	err := e.pushLogs(t.Context(), reader.Take())
	require.True(t, consumererror.IsPermanent(err))
	require.EqualError(t, err, "Permanent error: dropped 2 lines longer than 2097152 bytes")
	require.Equal(t, `{"message":"1","received_at":"2025-12-20T10:00:05Z"}`+"\n"+`{"message":"2","received_at":"2025-12-20T10:00:05Z"}`+"\n",
		readFile(t, cfg, "logs/2025-12-20.jsonl"))
	require.Equal(t, map[string]int64{"long_line": 2}, sums(t, ownMetrics(t, telemetry)[metricPrefix+"errors"]))
}

// A batch reuses the memory of an earlier one, but not its lines.
func TestBatchesReuseMemory(t *testing.T) {
	t.Parallel()
	var b batch
	day := dayfile.DayOf(time.Date(2025, 12, 22, 0, 0, 0, 0, time.UTC), time.UTC)
	for range 3 {
		b.add(day.AddDays(1), []byte("b\n"))
		b.add(day, []byte("a\n"))
		b.add(day.AddDays(1), []byte("c\n"))
		require.Equal(t, 3, b.lines)
		require.Equal(t, []store.Part{{Day: day, Lines: []byte("a\n")}, {Day: day.AddDays(1), Lines: []byte("b\nc\n")}}, b.byDay())
		b.reset()
		require.Zero(t, b.lines)
		require.Empty(t, b.byDay())
	}
	b.add(day, make([]byte, maxSpare+1))
	b.reset()
	require.Nil(t, b.spare)
}
