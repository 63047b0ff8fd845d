// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/daytest"
)

const logs22 = "logs/2025-12-22.jsonl"

func TestOneSyncServesAllWhoWait(t *testing.T) {
	t.Parallel()
	watch := newWatcher()
	s, disk := openFaulty(t, Options{Directory: daytest.TempDir(t), Observer: watch})
	defer func() { require.NoError(t, s.Close(t.Context())) }()
	require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(0)}))

	syncing, release := blockSync(disk)
	results := make(chan error, 32)
	appendOne := func(n int) { results <- s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(n)}) }
	go appendOne(1)
	<-syncing
	for n := 2; n <= 32; n++ {
		go appendOne(n)
	}
	waitForAppends(t, s, 31)
	require.Empty(t, results, "no append returns before the sync")

	close(release)
	for range 32 {
		require.NoError(t, <-results)
	}
	require.Equal(t, []int{1, 1, 31}, watch.syncs)
	require.Len(t, watch.writes, 3, "and one write")
}

// waitForAppends returns when n appends wait for the next round.
func waitForAppends(t testing.TB, s *Store, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		s.committer.mu.Lock()
		defer s.committer.mu.Unlock()
		return len(s.committer.waiting) == n
	}, time.Minute, time.Millisecond)
}

// handleOf returns the handle of logs22.
func handleOf(s *Store) *handle {
	s.mu.Lock()
	a := s.appenders[fileKey{dayfile.Logs, daytest.December22}]
	s.mu.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.handle
}

func TestSignalsSyncInParallel(t *testing.T) {
	t.Parallel()
	s, disk := openFaulty(t, Options{Directory: daytest.TempDir(t)})
	defer func() { require.NoError(t, s.Close(t.Context())) }()
	for _, signal := range dayfile.Signals() {
		require.NoError(t, s.Append(signal, Part{daytest.December22, daytest.Line(0)}))
	}
	syncing, release := blockSync(disk)
	results := make(chan error, 3)
	appendTo := func(signal dayfile.Signal) { results <- s.Append(signal, Part{daytest.December22, daytest.Line(1)}) }
	go appendTo(dayfile.Logs)
	<-syncing // It has a round of its own, for nobody else was there.
	go appendTo(dayfile.Traces)
	go appendTo(dayfile.Metrics)
	waitForAppends(t, s, 2)
	release <- struct{}{}
	<-syncing
	<-syncing // Both are under way before one is through.
	close(release)
	for range dayfile.Signals() {
		require.NoError(t, <-results)
	}
}

func TestManyAppendAtOnce(t *testing.T) {
	t.Parallel()
	for _, mode := range []SyncMode{SyncCommit, SyncInterval, SyncNone} {
		dir := daytest.TempDir(t)
		s := open(t, Options{Directory: dir, Sync: mode, SyncInterval: time.Millisecond})
		var wg sync.WaitGroup
		const writers, appends = 16, 50
		for w := range writers {
			wg.Go(func() {
				for i := range appends {
					n := 10 * (w*appends + i)
					parts := []Part{{daytest.December22, daytest.Lines(n, n+4)}, {daytest.December22.AddDays(1), daytest.Lines(n+5, n+9)}}
					if w%2 == 0 {
						parts = []Part{{daytest.December22, daytest.Lines(n, n+9)}}
					}
					if err := s.Append(dayfile.Logs, parts...); err != nil {
						t.Errorf("append: %v", err)
					}
				}
			})
		}
		wg.Wait()
		require.NoError(t, s.Close(t.Context()))
		require.Equal(t, sorted(string(daytest.Lines(0, 10*writers*appends-1))),
			sorted(daytest.Read(t, dir, logs22)+daytest.Read(t, dir, "logs/2025-12-23.jsonl")))
	}
}

// A failed append leaves nothing in the file, and the next append follows the last
// successful one.
func TestFailedWriteLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		op    string
		err   error
		short int
		want  error
	}{
		{"write", errNoSpace, 0, ErrDiskFull},
		{"write", errNoSpace, 3, ErrDiskFull},
		{"write", errNoSpace, len(daytest.Line(1)), ErrDiskFull},
		{"write", errInjected, 5, errInjected},
		{"sync", errInjected, 0, errInjected},
		{"sync", errNoSpace, 0, ErrDiskFull},
	} {
		t.Run(fmt.Sprint(tt.op, tt.err, tt.short), func(t *testing.T) {
			t.Parallel()
			dir := daytest.TempDir(t)
			s, disk := openFaulty(t, Options{Directory: dir})
			require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(0)}))
			disk.failOnce(tt.op, tt.err, tt.short)
			require.ErrorIs(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Lines(1, 2)}), tt.want)
			require.Equal(t, string(daytest.Line(0)), daytest.Read(t, dir, logs22))
			require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(3)}))
			require.NoError(t, s.Close(t.Context()))
			require.Equal(t, string(daytest.Line(0))+string(daytest.Line(3)), daytest.Read(t, dir, logs22))
			require.Equal(t, []string{"2025-12-22.jsonl"}, daytest.Names(t, dir+"/logs"))
		})
	}
}

// While the bytes of a failed append cannot be removed, every append fails.
func TestFailedRepairHoldsAppendsUp(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"write", "sync"} {
		dir := daytest.TempDir(t)
		s, disk := openFaulty(t, Options{Directory: dir})
		require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(0)}))
		disk.setShort(3)
		disk.setFault(func(op, _ string) error {
			if op == first || op == "truncate" {
				return errInjected
			}
			return nil
		})
		require.ErrorIs(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(1)}), errInjected)
		require.NotEqual(t, string(daytest.Line(0)), daytest.Read(t, dir, logs22))
		disk.setFault(func(op, _ string) error {
			if op == "truncate" {
				return errInjected
			}
			return nil
		})
		require.ErrorIs(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(2)}), errInjected)
		require.NoError(t, s.Append(dayfile.Traces, Part{daytest.December22, daytest.Line(2)}), "other files go on")
		disk.setFault(nil)
		require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(3)}))
		require.NoError(t, s.Close(t.Context()))
		require.Equal(t, string(daytest.Line(0))+string(daytest.Line(3)), daytest.Read(t, dir, logs22))
	}
}

// A failed sync fails all appends that wait for it, and no others.
func TestFailedSyncFailsAllWhoWait(t *testing.T) {
	t.Parallel()
	for name, groupFails := range map[string]bool{"first": false, "first and next": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := daytest.TempDir(t)
			s, disk := openFaulty(t, Options{Directory: dir})
			require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(0)}))
			began, free := make(chan struct{}), make(chan struct{})
			syncs := 0
			disk.setFault(func(op, _ string) error {
				if op != "sync" {
					return nil
				}
				// The second makes the removal of the first line durable, the third the
				// reopened file, and the fourth the other lines.
				syncs++
				if syncs == 1 {
					began <- struct{}{}
					<-free
				}
				if syncs == 1 || groupFails && syncs == 4 {
					return errInjected
				}
				return nil
			})
			first, others := make(chan error, 1), make(chan error, 7)
			appendOne := func(n int, result chan<- error) {
				result <- s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(n)})
			}
			go appendOne(1, first)
			<-began
			for n := 2; n <= 8; n++ {
				go appendOne(n, others)
			}
			waitForAppends(t, s, 7)
			close(free)
			require.ErrorIs(t, <-first, errInjected)
			for range 7 {
				if err := <-others; groupFails {
					require.ErrorIs(t, err, errInjected)
				} else {
					require.NoError(t, err)
				}
			}
			require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(9)}))
			require.NoError(t, s.Close(t.Context()))
			want := string(daytest.Line(0))
			if !groupFails {
				want += string(daytest.Lines(2, 8))
			}
			require.Equal(t, sorted(want+string(daytest.Line(9))), sorted(daytest.Read(t, dir, logs22)))
		})
	}
}

// Appends whose common write fails are written one by one: a smaller one may succeed.
func TestFailedCommonWrite(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	s, disk := openFaulty(t, Options{Directory: dir})
	require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(0)}))
	syncing, release := blockSync(disk)
	first, others := make(chan error, 1), make(chan error, 9)
	go func() { first <- s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(1)}) }()
	<-syncing
	for n := 2; n <= 9; n++ {
		go func() { others <- s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(n)}) }()
	}
	big := daytest.Lines(1000, 1999)
	tooBig := make(chan error, 1)
	go func() { tooBig <- s.Append(dayfile.Logs, Part{daytest.December22, big}) }()
	waitForAppends(t, s, 9)
	disk.setSpace(len(big) - 1)
	disk.setFault(nil)
	close(release)
	require.NoError(t, <-first)
	for range 8 {
		require.NoError(t, <-others)
	}
	require.ErrorIs(t, <-tooBig, ErrDiskFull)
	disk.setSpace(math.MaxInt)
	require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(10)}))
	require.NoError(t, s.Close(t.Context()))
	require.Equal(t, sorted(string(daytest.Lines(0, 10))), sorted(daytest.Read(t, dir, logs22)))
}

// A panic in a round fails its appends and does not block the next ones.
func TestPanicInARound(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	s, disk := openFaulty(t, Options{Directory: dir})
	require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(0)}))
	disk.setFault(func(op, _ string) error {
		if op == "write" {
			panic("injected")
		}
		return nil
	})
	require.PanicsWithValue(t, "injected", func() {
		_ = s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(1)})
	})
	disk.setFault(nil)
	require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(2)}))
	require.NoError(t, s.Close(t.Context()))
	require.Equal(t, string(daytest.Line(0))+string(daytest.Line(2)), daytest.Read(t, dir, logs22))
}

// The failure of a background sync must not remove acknowledged lines.
func TestFailedBackgroundSyncKeepsLines(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	watch := newWatcher()
	s, disk := openFaulty(t, Options{Directory: dir, Sync: SyncInterval, SyncInterval: time.Millisecond, Observer: watch})
	require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(0)}))
	disk.failOnce("sync", errInjected, 0)
	require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(1)}))
	watch.wait(t, "failed sync "+logs22)
	require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(2)}))
	require.NoError(t, s.Close(t.Context()))
	require.Equal(t, string(daytest.Lines(0, 2)), daytest.Read(t, dir, logs22))
}

// An append writes all of its parts or none.
func TestFailedPartTakesOthersBack(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	s, disk := openFaulty(t, Options{Directory: dir})
	next := daytest.December22.AddDays(1)
	require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(0)}, Part{next, daytest.Line(1)}))
	disk.setFault(func(op, name string) error {
		if op == "write" && name != logs22 {
			return errNoSpace
		}
		return nil
	})
	require.ErrorIs(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(2)}, Part{next, daytest.Line(3)}), ErrDiskFull)
	disk.setFault(nil)
	require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(4)}, Part{next, daytest.Line(5)}))
	require.NoError(t, s.Close(t.Context()))
	require.Equal(t, string(daytest.Line(0))+string(daytest.Line(4)), daytest.Read(t, dir, logs22))
	require.Equal(t, string(daytest.Line(1))+string(daytest.Line(5)), daytest.Read(t, dir, "logs/2025-12-23.jsonl"))
}

// When the store's own undo succeeds later, it is not reported as a change by
// another program.
func TestLateUndoIsNoForeignChange(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	watch := newWatcher()
	s, disk := openFaulty(t, Options{Directory: dir, Observer: watch})
	next := daytest.December22.AddDays(1)
	require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(0)}, Part{next, daytest.Line(1)}))
	disk.setFault(func(op, name string) error {
		if op == "write" && name != logs22 || op == "truncate" {
			return errInjected
		}
		return nil
	})
	require.ErrorIs(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(2)}, Part{next, daytest.Line(3)}), errInjected)
	disk.setFault(nil)
	require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(4)}, Part{next, daytest.Line(5)}))
	require.NoError(t, s.Close(t.Context()))
	require.Equal(t, string(daytest.Line(0))+string(daytest.Line(4)), daytest.Read(t, dir, logs22))
	for _, event := range watch.all() {
		require.NotContains(t, event, "changed")
	}
}

func TestMinFreeBytes(t *testing.T) {
	t.Parallel()
	free := uint64(1000)
	var mu sync.Mutex
	s, disk := openFaulty(t, Options{Directory: daytest.TempDir(t), MinFreeBytes: 900})
	disk.free = func() (uint64, error) {
		mu.Lock()
		defer mu.Unlock()
		return free, nil
	}
	big := append(make([]byte, 99), '\n')
	for i := range big[:99] {
		big[i] = 'x'
	}
	setFree := func(n uint64) {
		mu.Lock()
		defer mu.Unlock()
		free = n
	}
	require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, big}), "exactly as much as may be taken")
	setFree(900) // Somebody else took the rest.
	err := s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(1)})
	require.ErrorIs(t, err, ErrDiskFull)
	require.ErrorContains(t, err, "900 must be kept free")

	setFree(2000)
	require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(2)}), "there is space again")

	require.NoError(t, s.Close(t.Context()))
}

func TestFilesAreNotAllKeptOpen(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	s := open(t, Options{Directory: dir, Sync: SyncNone})
	for n := range 3 * maxOpen {
		require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22.AddDays(n), daytest.Line(n)}))
	}
	open := 0
	for _, a := range s.all() {
		if a.handle != nil {
			open++
		}
	}
	require.LessOrEqual(t, open, maxOpen+1)
	require.Len(t, daytest.Names(t, dir+"/logs"), 3*maxOpen)
}

// Lines that another program appends after the bytes of a failed append are kept.
func TestOthersAppendBehindAFailedAppend(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	s, disk := openFaulty(t, Options{Directory: dir})
	require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(0)}))
	disk.setShort(3)
	disk.setFault(func(op, _ string) error {
		if op == "write" || op == "truncate" {
			return errInjected
		}
		return nil
	})
	require.ErrorIs(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(1)}), errInjected)
	daytest.AppendTo(t, dir, logs22, "{}\n")
	disk.setFault(nil)
	require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(2)}))
	require.NoError(t, s.Close(t.Context()))
	require.Equal(t, string(daytest.Line(0))+string(daytest.Line(2)), daytest.Read(t, dir, logs22))
	require.Equal(t, string(daytest.Line(1)[:3])+"{}\n", daytest.Read(t, dir, logs22+".torn-1"))
}

// The content of a file is made durable when the file is opened.
func TestOpeningAFileMakesItDurable(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	s, disk := openFaulty(t, Options{Directory: dir})
	require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(0)}))
	daytest.AppendTo(t, dir, logs22, "{}\n")
	disk.failOnce("write", errInjected, 0)
	require.ErrorIs(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(1)}), errInjected)
	h := handleOf(s)
	require.Equal(t, len(daytest.Line(0))+len("{}\n"), int(h.durable()))
	require.Equal(t, h.durable(), disk.durable())
	require.NoError(t, s.Close(t.Context()))
}
