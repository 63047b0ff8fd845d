// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dayfile

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// december22 is the day on which most tests happen.
var december22 = mustParseDay("2025-12-22")

func mustParseDay(s string) Day {
	day, err := ParseDay(s)
	if err != nil {
		panic(err)
	}
	return day
}

// at returns a clock that stands still in the middle of a day.
func at(day Day) func() time.Time {
	t := time.Unix(int64(day.sinceEpoch)*secondsDay, 0).UTC().Add(12 * time.Hour)
	return func() time.Time { return t }
}

// pass lets time pass in a bubble of synctest, and what is due then be done.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// open opens a store that is closed when the test ends.
func open(t testing.TB, opts Options) *Store {
	t.Helper()
	s, err := Open(opts)
	require.NoError(t, err)
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			require.ErrorIs(t, err, ErrClosed)
		}
	})
	return s
}

// line is a line that is told from others by its number.
func line(n int) []byte { return fmt.Appendf(nil, "{\"n\":%d}\n", n) }

func lines(from, to int) []byte {
	var b []byte
	for n := from; n <= to; n++ {
		b = append(b, line(n)...)
	}
	return b
}

// sorted splits lines and sorts them.
func sorted(text string) []string {
	all := strings.SplitAfter(text, "\n")
	slices.Sort(all)
	return all
}

// write puts a file into a directory, making folders as needed.
func write(t testing.TB, dir, name string, content []byte) {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
	require.NoError(t, os.WriteFile(path, content, 0o640))
}

// appendTo appends to a file as somebody else does.
func appendTo(t testing.TB, dir, name, text string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_APPEND, 0)
	require.NoError(t, err)
	_, err = f.WriteString(text)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

// read returns the content of a file, which is empty where there is none.
func read(t testing.TB, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if !os.IsNotExist(err) {
		require.NoError(t, err)
	}
	return string(b)
}

// readPacked returns the lines of a compressed file.
func readPacked(t testing.TB, dir, name string, form Form) string {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, name))
	require.NoError(t, err)
	defer f.Close()
	r, err := newDecompressor(f, form)
	require.NoError(t, err)
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	return string(b)
}

// pack returns compressed lines.
func pack(t testing.TB, form Form, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := newCompressor(&b, form)
	require.NoError(t, err)
	_, err = w.Write(content)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// names lists the files of a folder.
func names(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// watcher is an Observer that remembers.
type watcher struct {
	NopObserver
	mu       sync.Mutex
	events   []string
	failures []error
	syncs    []int
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

// wait returns when that event was seen.
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

func (w *watcher) Synced(_ Signal, appends int, _ time.Duration) {
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
