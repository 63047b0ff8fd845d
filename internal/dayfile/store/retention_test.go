// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/daytest"
)

func TestRetentionByDays(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	today := daytest.December22
	kept, gone := today.AddDays(-3), today.AddDays(-4)
	for _, signal := range dayfile.Signals() {
		for _, form := range dayfile.Forms() {
			daytest.Write(t, dir, dayfile.Path(signal, kept, form), []byte("kept\n"))
			daytest.Write(t, dir, dayfile.Path(signal, gone, form), []byte("gone\n"))
		}
		daytest.Write(t, dir, tornName(dayfile.Path(signal, kept, dayfile.Plain), 1), []byte("kept\n"))
		daytest.Write(t, dir, tornName(dayfile.Path(signal, gone, dayfile.Plain), 2), []byte("gone\n"))
		daytest.Write(t, dir, dayfile.Path(signal, today.AddDays(400), dayfile.Plain), []byte("of days to come\n"))
	}
	watch := newWatcher()
	s := open(t, Options{Directory: dir, RetentionDays: 3, Now: daytest.At(today), Observer: watch})
	for range 3 * 4 {
		<-watch.seen
	}
	require.NoError(t, s.Close(t.Context()))
	for _, signal := range dayfile.Signals() {
		require.Equal(t, []string{
			"2025-12-19.jsonl", "2025-12-19.jsonl.gz", "2025-12-19.jsonl.torn-1", "2025-12-19.jsonl.zst", "2027-01-26.jsonl",
		}, daytest.Names(t, filepath.Join(dir, string(signal))))
	}
	require.Contains(t, watch.all(), "deleted logs/2025-12-18.jsonl.gz 5 days")
}

func TestRetentionLeavesStrangersAlone(t *testing.T) {
	t.Parallel()
	dir, outside := daytest.TempDir(t), daytest.TempDir(t)
	daytest.Write(t, outside, "file", []byte("{}\n"))
	daytest.Write(t, dir, "2020-01-01.jsonl", nil)
	daytest.Write(t, dir, "other/2020-01-01.jsonl", nil)
	for _, name := range daytest.Strangers {
		if name != "" {
			daytest.Write(t, dir, filepath.Join("logs", name), nil)
		}
	}
	daytest.Write(t, dir, "logs/2020-01-02.jsonl/2020-01-01.jsonl", nil)
	require.NoError(t, os.Symlink(filepath.Join(outside, "file"), filepath.Join(dir, "logs", "2020-01-03.jsonl")))
	before := daytest.Names(t, filepath.Join(dir, "logs"))
	daytest.Write(t, dir, "metrics/2020-01-01.jsonl", nil)

	watch := newWatcher()
	s := open(t, Options{Directory: dir, RetentionDays: 1, MaxBytes: 1, Now: daytest.At(daytest.December22), Observer: watch})
	watch.wait(t, "deleted metrics/2020-01-01.jsonl 0 days")
	require.NoError(t, s.Close(t.Context()))
	require.Equal(t, before, daytest.Names(t, filepath.Join(dir, "logs")))
	require.Equal(t, []string{"2020-01-01.jsonl"}, daytest.Names(t, filepath.Join(dir, "other")))
	require.Contains(t, daytest.Names(t, dir), "2020-01-01.jsonl")
	require.Equal(t, []string{"file"}, daytest.Names(t, outside))
}

func TestRetentionByBytes(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	big := bytes.Repeat([]byte("x"), 100)
	for n := -3; n <= 1; n++ {
		for _, signal := range dayfile.Signals() {
			daytest.Write(t, dir, dayfile.Path(signal, daytest.December22.AddDays(n), dayfile.Plain), append(big, '\n'))
		}
	}
	shrink := func(to int64, last string) {
		watch := newWatcher()
		s := open(t, Options{Directory: dir, MaxBytes: to, Now: daytest.At(daytest.December22), Observer: watch})
		watch.wait(t, last)
		require.NoError(t, s.Close(t.Context()))
	}
	shrink(1000, "deleted metrics/2025-12-20.jsonl 101 max_bytes")
	require.Equal(t, []string{"2025-12-21.jsonl", "2025-12-22.jsonl", "2025-12-23.jsonl"}, daytest.Names(t, filepath.Join(dir, "traces")),
		"whole days go, the oldest first, until there is little enough")
	shrink(1, "deleted metrics/2025-12-21.jsonl 101 max_bytes")
	require.Equal(t, []string{"2025-12-22.jsonl", "2025-12-23.jsonl"}, daytest.Names(t, filepath.Join(dir, "logs")), "today stays")
}

func TestFailedDeletionStopsNoOther(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	for n := 1; n <= 3; n++ {
		daytest.Write(t, dir, dayfile.Path(dayfile.Logs, daytest.ParseDay("2020-01-01").AddDays(n), dayfile.Plain), nil)
	}
	watch := newWatcher()
	disk := newFaultDisk(t, dir)
	disk.setFault(func(op, name string) error {
		if op == "remove" && name == "logs/2020-01-03.jsonl" {
			return fs.ErrPermission
		}
		return nil
	})
	s := open(t, disk.under(Options{RetentionDays: 1, Now: daytest.At(daytest.December22), Observer: watch}))
	watch.wait(t, "deleted logs/2020-01-04.jsonl 0 days")
	require.Equal(t, []string{"2020-01-03.jsonl"}, daytest.Names(t, filepath.Join(dir, "logs")))
	require.Contains(t, watch.all(), "failed delete logs/2020-01-03.jsonl")
	disk.setFault(nil)
	s.retain(t.Context())
	require.Empty(t, daytest.Names(t, filepath.Join(dir, "logs")))
}

// A file that was deleted while it was open is created again by the next append.
func TestRetentionOfAFileInUse(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	s := open(t, Options{Directory: dir, RetentionDays: 1, Now: daytest.At(daytest.December22)})
	old := daytest.December22.AddDays(-100)
	require.NoError(t, s.Append(dayfile.Logs, Part{old, daytest.Line(1)}))
	s.retain(t.Context())
	require.Empty(t, daytest.Names(t, filepath.Join(dir, "logs")))
	require.NoError(t, s.Append(dayfile.Logs, Part{old, daytest.Line(2)}))
	require.Equal(t, string(daytest.Line(2)), daytest.Read(t, dir, dayfile.Path(dayfile.Logs, old, dayfile.Plain)))
}

// wallClock is a wall clock that can be set.
type wallClock struct {
	mu        sync.Mutex
	set, zero time.Time // what it was set to, and when
}

func newWallClock(set time.Time) *wallClock { return &wallClock{set: set, zero: time.Now()} }

func (c *wallClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.set.Add(time.Since(c.zero))
}

func (c *wallClock) jump(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set = c.set.Add(by)
}

func TestUpkeepRunsByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := daytest.TempDir(t)
		clock := newWallClock(time.Date(2025, 12, 22, 23, 30, 30, 0, time.UTC))
		s, err := Open(Options{Directory: dir, RetentionDays: 1, Now: clock.now})
		require.NoError(t, err)
		logs := filepath.Join(dir, "logs")
		synctest.Wait()

		daytest.Write(t, dir, "logs/2025-12-20.jsonl", nil)
		daytest.Write(t, dir, "logs/2025-12-21.jsonl", nil)
		pass(28 * time.Minute)
		require.Equal(t, []string{"2025-12-20.jsonl", "2025-12-21.jsonl"}, daytest.Names(t, logs), "nothing is due")
		pass(3 * time.Minute)
		require.Empty(t, daytest.Names(t, logs), "the day has changed")

		daytest.Write(t, dir, "logs/2025-12-20.jsonl", nil)
		pass(time.Hour + time.Minute)
		require.Empty(t, daytest.Names(t, logs), "an hour has passed")
		require.NoError(t, s.Close(t.Context()))
	})
}

// After the clock has jumped ahead by a year, nothing is deleted for a day.
func TestClockThatJumpsAhead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := daytest.TempDir(t)
		watch := newWatcher()
		clock := newWallClock(time.Date(2025, 12, 22, 12, 0, 0, 0, time.UTC))
		s, err := Open(Options{Directory: dir, RetentionDays: 30, Now: clock.now, Observer: watch})
		require.NoError(t, err)
		require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(1)}))
		logs := filepath.Join(dir, "logs")
		synctest.Wait()

		clock.jump(365 * 24 * time.Hour)
		pass(23 * time.Hour)
		require.Equal(t, []string{"2025-12-22.jsonl"}, daytest.Names(t, logs))
		require.Contains(t, watch.all(), "jumped 8760h0m0s")

		// The clock is corrected within the day: nothing is lost.
		clock.jump(-365 * 24 * time.Hour)
		require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(2)}))
		pass(48 * time.Hour)
		require.Equal(t, string(daytest.Lines(1, 2)), daytest.Read(t, dir, logs22))

		// The clock stays ahead: after a day, it is trusted.
		clock.jump(365 * 24 * time.Hour)
		pass(26 * time.Hour)
		require.Empty(t, daytest.Names(t, logs))
		require.NoError(t, s.Close(t.Context()))
	})
}

// After the clock has jumped back, files of the future are left alone.
func TestClockThatJumpsBack(t *testing.T) {
	t.Parallel()
	for _, by := range []time.Duration{-time.Hour, -366 * 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			dir := daytest.TempDir(t)
			clock := newWallClock(time.Date(2025, 12, 22, 0, 30, 0, 0, time.UTC))
			daytest.Write(t, dir, "logs/2025-12-21.jsonl", daytest.Line(0))
			s, err := Open(Options{Directory: dir, RetentionDays: 1, MaxBytes: 1 << 20, Compression: dayfile.Gzip, Now: clock.now})
			require.NoError(t, err)
			require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(1)}))
			pass(2 * time.Minute)
			require.Equal(t, string(daytest.Line(0)), daytest.ReadPacked(t, dir, "logs/2025-12-21.jsonl.gz", dayfile.Gzip))

			clock.jump(by)
			today := s.today()
			require.NoError(t, s.Append(dayfile.Logs, Part{today, daytest.Line(2)}))
			pass(20 * time.Minute)
			require.Equal(t, string(daytest.Line(1)), daytest.Read(t, dir, logs22))
			require.Equal(t, string(daytest.Line(2)), daytest.Read(t, dir, dayfile.Path(dayfile.Logs, today, dayfile.Plain)))
			require.Equal(t, string(daytest.Line(0)), daytest.ReadPacked(t, dir, "logs/2025-12-21.jsonl.gz", dayfile.Gzip))
			if by > -24*time.Hour {
				// Yesterday was compressed and is today again. New lines go to a plain file
				// and are added when the day is over.
				require.Equal(t, daytest.December22.AddDays(-1), today)
				pass(2 * time.Hour)
				require.Equal(t, string(daytest.Line(0))+string(daytest.Line(2)), daytest.ReadPacked(t, dir, "logs/2025-12-21.jsonl.gz", dayfile.Gzip))
			}
			require.NoError(t, s.Close(t.Context()))
		})
	}
}

func TestIntervalSync(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := daytest.TempDir(t)
		s, disk := openFaulty(t, Options{Directory: dir, Sync: SyncInterval, SyncInterval: 5 * time.Second})
		require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(1)}))
		pass(4 * time.Second)
		require.Zero(t, disk.durable())
		pass(2 * time.Second)
		require.Equal(t, len(daytest.Line(1)), int(disk.durable()))
		require.NoError(t, s.Close(t.Context()))
	})
}

func TestIdleFilesAreClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, disk := openFaulty(t, Options{Directory: daytest.TempDir(t), Sync: SyncNone})
		require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(1)}))
		pass(2*idleAfter + time.Second)
		require.Nil(t, handleOf(s))
		require.Equal(t, len(daytest.Line(1)), int(disk.durable()))
		pass(closeGrace + idleAfter)
		require.Empty(t, s.all())
		require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(2)}))
		// A pending undo is not forgotten.
		disk.setFault(func(op, _ string) error {
			if op == "write" || op == "truncate" {
				return errInjected
			}
			return nil
		})
		disk.setShort(2)
		require.ErrorIs(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(3)}), errInjected)
		disk.setFault(nil)
		pass(2*idleAfter + time.Second)
		require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(4)}))
		require.NoError(t, s.Close(t.Context()))
		require.Equal(t, string(daytest.Lines(1, 2))+string(daytest.Line(4)), daytest.Read(t, disk.dir, logs22))
	})
}
