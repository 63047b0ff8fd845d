// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dayfile

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
)

func TestRetentionByDays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	today := december22
	kept, gone := today.AddDays(-3), today.AddDays(-4)
	for _, signal := range Signals() {
		for _, form := range forms() {
			write(t, dir, filePath(signal, kept, form), []byte("kept\n"))
			write(t, dir, filePath(signal, gone, form), []byte("gone\n"))
		}
		write(t, dir, tornName(filePath(signal, kept, Plain), 1), []byte("kept\n"))
		write(t, dir, tornName(filePath(signal, gone, Plain), 2), []byte("gone\n"))
		write(t, dir, filePath(signal, today.AddDays(400), Plain), []byte("of days to come\n"))
	}
	watch := newWatcher()
	s := open(t, Options{Directory: dir, RetentionDays: 3, Now: at(today), Observer: watch})
	for range 3 * 4 {
		<-watch.seen
	}
	require.NoError(t, s.Close(t.Context()))
	for _, signal := range Signals() {
		require.Equal(t, []string{
			"2025-12-19.jsonl", "2025-12-19.jsonl.gz", "2025-12-19.jsonl.torn-1", "2025-12-19.jsonl.zst", "2027-01-26.jsonl",
		}, names(t, filepath.Join(dir, string(signal))))
	}
	require.Contains(t, watch.all(), "deleted logs/2025-12-18.jsonl.gz 5 days")
}

func TestRetentionLeavesStrangersAlone(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	write(t, outside, "file", []byte("{}\n"))
	write(t, dir, "2020-01-01.jsonl", nil)
	write(t, dir, "other/2020-01-01.jsonl", nil)
	for _, name := range strangers {
		if name != "" {
			write(t, dir, filepath.Join("logs", name), nil)
		}
	}
	write(t, dir, "logs/2020-01-02.jsonl/2020-01-01.jsonl", nil)
	require.NoError(t, os.Symlink(filepath.Join(outside, "file"), filepath.Join(dir, "logs", "2020-01-03.jsonl")))
	before := names(t, filepath.Join(dir, "logs"))
	write(t, dir, "metrics/2020-01-01.jsonl", nil)

	watch := newWatcher()
	s := open(t, Options{Directory: dir, RetentionDays: 1, MaxBytes: 1, Now: at(december22), Observer: watch})
	watch.wait(t, "deleted metrics/2020-01-01.jsonl 0 days")
	require.NoError(t, s.Close(t.Context()))
	require.Equal(t, before, names(t, filepath.Join(dir, "logs")))
	require.Equal(t, []string{"2020-01-01.jsonl"}, names(t, filepath.Join(dir, "other")))
	require.Contains(t, names(t, dir), "2020-01-01.jsonl")
	require.Equal(t, []string{"file"}, names(t, outside))
}

func TestRetentionByBytes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	big := bytes.Repeat([]byte("x"), 100)
	for n := -3; n <= 1; n++ {
		for _, signal := range Signals() {
			write(t, dir, filePath(signal, december22.AddDays(n), Plain), append(big, '\n'))
		}
	}
	shrink := func(to int64, last string) {
		watch := newWatcher()
		s := open(t, Options{Directory: dir, MaxBytes: to, Now: at(december22), Observer: watch})
		watch.wait(t, last)
		require.NoError(t, s.Close(t.Context()))
	}
	shrink(1000, "deleted metrics/2025-12-20.jsonl 101 max_bytes")
	require.Equal(t, []string{"2025-12-21.jsonl", "2025-12-22.jsonl", "2025-12-23.jsonl"}, names(t, filepath.Join(dir, "traces")),
		"whole days go, the oldest first, until there is little enough")
	shrink(1, "deleted metrics/2025-12-21.jsonl 101 max_bytes")
	require.Equal(t, []string{"2025-12-22.jsonl", "2025-12-23.jsonl"}, names(t, filepath.Join(dir, "logs")), "today stays")
}

func TestFailedDeletionStopsNoOther(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for n := 1; n <= 3; n++ {
		write(t, dir, filePath(Logs, mustParseDay("2020-01-01").AddDays(n), Plain), nil)
	}
	watch := newWatcher()
	disk := newFaultDisk(t, dir)
	disk.setFault(func(op, name string) error {
		if op == "remove" && name == "logs/2020-01-03.jsonl" {
			return fs.ErrPermission
		}
		return nil
	})
	s := open(t, disk.under(Options{RetentionDays: 1, Now: at(december22), Observer: watch}))
	watch.wait(t, "deleted logs/2020-01-04.jsonl 0 days")
	require.Equal(t, []string{"2020-01-03.jsonl"}, names(t, filepath.Join(dir, "logs")))
	require.Contains(t, watch.all(), "failed delete logs/2020-01-03.jsonl")
	disk.setFault(nil)
	s.retain(t.Context())
	require.Empty(t, names(t, filepath.Join(dir, "logs")))
}

// Deleting a file that is appended to loses only what is in it.
func TestRetentionOfAFileInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, Options{Directory: dir, RetentionDays: 1, Now: at(december22)})
	old := december22.AddDays(-100)
	require.NoError(t, s.Append(Logs, Part{old, line(1)}))
	s.retain(t.Context())
	require.Empty(t, names(t, filepath.Join(dir, "logs")))
	require.NoError(t, s.Append(Logs, Part{old, line(2)}))
	require.Equal(t, string(line(2)), read(t, dir, filePath(Logs, old, Plain)))
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
		dir := t.TempDir()
		clock := newWallClock(time.Date(2025, 12, 22, 23, 30, 30, 0, time.UTC))
		s, err := Open(Options{Directory: dir, RetentionDays: 1, Now: clock.now})
		require.NoError(t, err)
		logs := filepath.Join(dir, "logs")
		synctest.Wait()

		write(t, dir, "logs/2025-12-20.jsonl", nil)
		write(t, dir, "logs/2025-12-21.jsonl", nil)
		pass(28 * time.Minute)
		require.Equal(t, []string{"2025-12-20.jsonl", "2025-12-21.jsonl"}, names(t, logs), "nothing is due")
		pass(3 * time.Minute)
		require.Empty(t, names(t, logs), "the day has changed")

		write(t, dir, "logs/2025-12-20.jsonl", nil)
		pass(time.Hour + time.Minute)
		require.Empty(t, names(t, logs), "an hour has passed")
		require.NoError(t, s.Close(t.Context()))
	})
}

// A clock that jumps ahead by a year deletes nothing before somebody had a day
// to set it right.
func TestClockThatJumpsAhead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		watch := newWatcher()
		clock := newWallClock(time.Date(2025, 12, 22, 12, 0, 0, 0, time.UTC))
		s, err := Open(Options{Directory: dir, RetentionDays: 30, Now: clock.now, Observer: watch})
		require.NoError(t, err)
		require.NoError(t, s.Append(Logs, Part{december22, line(1)}))
		logs := filepath.Join(dir, "logs")
		synctest.Wait()

		clock.jump(365 * 24 * time.Hour)
		pass(23 * time.Hour)
		require.Equal(t, []string{"2025-12-22.jsonl"}, names(t, logs))
		require.Contains(t, watch.all(), "jumped 8760h0m0s")

		// It is set right, and runs for a day: nothing was lost.
		clock.jump(-365 * 24 * time.Hour)
		require.NoError(t, s.Append(Logs, Part{december22, line(2)}))
		pass(48 * time.Hour)
		require.Equal(t, string(lines(1, 2)), read(t, dir, logs22))

		// It jumps and stays: after a day it is believed.
		clock.jump(365 * 24 * time.Hour)
		pass(26 * time.Hour)
		require.Empty(t, names(t, logs))
		require.NoError(t, s.Close(t.Context()))
	})
}

// A clock that jumps back makes days that are to come, which are left alone.
func TestClockThatJumpsBack(t *testing.T) {
	t.Parallel()
	for _, by := range []time.Duration{-time.Hour, -366 * 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			clock := newWallClock(time.Date(2025, 12, 22, 0, 30, 0, 0, time.UTC))
			write(t, dir, "logs/2025-12-21.jsonl", line(0))
			s, err := Open(Options{Directory: dir, RetentionDays: 1, MaxBytes: 1 << 20, Compression: Gzip, Now: clock.now})
			require.NoError(t, err)
			require.NoError(t, s.Append(Logs, Part{december22, line(1)}))
			pass(2 * time.Minute)
			require.Equal(t, string(line(0)), readPacked(t, dir, "logs/2025-12-21.jsonl.gz", Gzip))

			clock.jump(by)
			today := s.today()
			require.NoError(t, s.Append(Logs, Part{today, line(2)}))
			pass(20 * time.Minute)
			require.Equal(t, string(line(1)), read(t, dir, logs22))
			require.Equal(t, string(line(2)), read(t, dir, filePath(Logs, today, Plain)))
			require.Equal(t, string(line(0)), readPacked(t, dir, "logs/2025-12-21.jsonl.gz", Gzip))
			if by > -24*time.Hour {
				// Yesterday was compressed. What comes late waits beside, and
				// is added once the day is over again.
				require.Equal(t, december22.AddDays(-1), today)
				pass(2 * time.Hour)
				require.Equal(t, string(line(0))+string(line(2)), readPacked(t, dir, "logs/2025-12-21.jsonl.gz", Gzip))
			}
			require.NoError(t, s.Close(t.Context()))
		})
	}
}

func TestIntervalSync(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s, disk := openFaulty(t, Options{Directory: dir, Sync: SyncInterval, SyncInterval: 5 * time.Second})
		require.NoError(t, s.Append(Logs, Part{december22, line(1)}))
		pass(4 * time.Second)
		require.Zero(t, disk.durable())
		pass(2 * time.Second)
		require.Equal(t, len(line(1)), int(disk.durable()))
		require.NoError(t, s.Close(t.Context()))
	})
}

func TestIdleFilesAreClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, disk := openFaulty(t, Options{Directory: t.TempDir(), Sync: SyncNone})
		require.NoError(t, s.Append(Logs, Part{december22, line(1)}))
		pass(2*idleAfter + time.Second)
		require.Empty(t, s.all())
		require.Equal(t, len(line(1)), int(disk.durable()))
		require.NoError(t, s.Append(Logs, Part{december22, line(2)}))
		// What is still to be repaired is not forgotten.
		disk.setFault(func(op, _ string) error {
			if op == "write" || op == "truncate" {
				return errInjected
			}
			return nil
		})
		disk.setShort(2)
		require.ErrorIs(t, s.Append(Logs, Part{december22, line(3)}), errInjected)
		disk.setFault(nil)
		pass(2*idleAfter + time.Second)
		require.NoError(t, s.Append(Logs, Part{december22, line(4)}))
		require.NoError(t, s.Close(t.Context()))
		require.Equal(t, string(lines(1, 2))+string(line(4)), read(t, disk.dir, logs22))
	})
}
