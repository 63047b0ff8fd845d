// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/disk"
)

// pass waits for d in a synctest bubble, and for the work that is due then.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// open opens a store that is closed when the test ends.
func open(t testing.TB, opts Options) *Store {
	t.Helper()
	if opts.openDir == nil {
		opts.openDir = openUnsynced
	}
	s, err := Open(opts)
	require.NoError(t, err)
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			require.ErrorIs(t, err, ErrClosed)
		}
	})
	return s
}

// openUnsynced opens a directory whose syncs do nothing. Real syncs would take most of
// the time of these tests and prove nothing: they do not cut the power of the machine.
func openUnsynced(path string, mode fs.FileMode) (disk.Dir, error) {
	dir, err := disk.Open(path, mode)
	return unsyncedDir{dir}, err
}

type unsyncedDir struct{ disk.Dir }

func (unsyncedDir) SyncDir(string) error { return nil }

func (d unsyncedDir) OpenFile(name string, flag int, perm fs.FileMode) (disk.File, error) {
	f, err := d.Dir.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return unsyncedFile{f}, nil
}

type unsyncedFile struct{ disk.File }

func (unsyncedFile) Sync() error { return nil }

func (unsyncedFile) SyncParked() error { return nil }

// sorted splits lines and sorts them.
func sorted(text string) []string {
	all := strings.SplitAfter(text, "\n")
	slices.Sort(all)
	return all
}

// watcher is an Observer that records events.
type watcher struct {
	NopObserver
	mu       sync.Mutex
	events   []string
	failures []error
	syncs    []int
	writes   []int // bytes
	seen     chan string
}

func newWatcher() *watcher { return &watcher{seen: make(chan string, 1000)} }

func (w *watcher) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	event := fmt.Sprintf(format, args...)
	w.events = append(w.events, event)
	select {
	case w.seen <- event:
	default:
	}
}

func (w *watcher) all() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string{}, w.events...)
}

// wait returns after the event.
func (w *watcher) wait(t testing.TB, event string) {
	t.Helper()
	for {
		select {
		case got := <-w.seen:
			if got == event {
				return
			}
		case <-t.Context().Done():
			require.FailNow(t, "test is over", "waiting for %q", event)
		}
	}
}

func (w *watcher) Wrote(_ dayfile.Signal, bytes int, _ time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes = append(w.writes, bytes)
}

func (w *watcher) Synced(_ dayfile.Signal, appends int, _ time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.syncs = append(w.syncs, appends)
}

func (w *watcher) Deleted(name string, size int64, reason Reason) {
	w.note("deleted %s %d %s", name, size, reason)
}

func (w *watcher) Compressed(name string, plain, _ int64, _ time.Duration) {
	w.note("compressed %s %d", name, plain)
}

func (w *watcher) SetAside(name, aside string, size int64) {
	w.note("set aside %s %s %d", name, aside, size)
}

func (w *watcher) Changed(name, what string) { w.note("changed %s %s", name, what) }

func (w *watcher) ClockJumped(by time.Duration) { w.note("jumped %s", by) }

func (w *watcher) Failed(op Op, name string, err error) {
	w.note("failed %s %s", op, name)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failures = append(w.failures, err)
}
