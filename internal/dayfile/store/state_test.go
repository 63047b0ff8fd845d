// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/daytest"
)

// world is a store, its disk, and the expected content.
type world struct {
	t    *rapid.T
	tb   testing.TB
	dir  string
	mode SyncMode

	store *Store
	disk  *faultDisk
	today dayfile.Day

	next int // number of the next line
	// must are the acknowledged lines. may are lines that were not acknowledged or that
	// a power cut may remove.
	must, may map[int]bool
	unsynced  []int // acknowledged, but not yet durable
}

var (
	worldDays    = []dayfile.Day{december20, daytest.December22.AddDays(-1), daytest.December22, daytest.December22.AddDays(1)}
	worldSignals = []dayfile.Signal{dayfile.Logs, dayfile.Metrics}
)

func (w *world) open() {
	w.disk = newFaultDisk(w.tb, w.dir)
	s, err := Open(w.disk.under(Options{Sync: w.mode, Now: daytest.At(w.today)}))
	require.NoError(w.t, err)
	// The test itself does the background work.
	s.stop()
	s.upkeep.Wait()
	s.opts.Compression = dayfile.Zstd
	w.store = s
}

// append appends some lines to one day or two.
func (w *world) append() error {
	signal := rapid.SampledFrom(worldSignals).Draw(w.t, "signal")
	first := rapid.IntRange(0, len(worldDays)-1).Draw(w.t, "day")
	last := rapid.IntRange(first, min(first+1, len(worldDays)-1)).Draw(w.t, "last day")
	var parts []Part
	var numbers []int
	for _, day := range worldDays[first : last+1] {
		n := rapid.IntRange(1, 3).Draw(w.t, "lines")
		parts = append(parts, Part{day, daytest.Lines(w.next, w.next+n-1)})
		for range n {
			numbers = append(numbers, w.next)
			w.next++
		}
	}
	err := w.store.Append(signal, parts...)
	for _, n := range numbers {
		if err == nil {
			w.must[n] = true
			if w.mode != SyncCommit {
				w.unsynced = append(w.unsynced, n)
			}
		} else {
			w.may[n] = true
		}
	}
	return err
}

// file picks one of the existing plain files.
func (w *world) file() string {
	var files []string
	for _, signal := range worldSignals {
		for _, day := range worldDays {
			name := dayfile.Path(signal, day, dayfile.Plain)
			// Files during an interrupted swap are left alone.
			if _, err := os.Stat(filepath.Join(w.dir, name)); err == nil && !w.swapping(signal, day) {
				files = append(files, name)
			}
		}
	}
	if len(files) == 0 {
		// Makes rapid draw another action; this does not skip the test.
		w.t.Skip("no file yet")
	}
	return rapid.SampledFrom(files).Draw(w.t, "file")
}

// lost forgets lines that another program removes.
func (w *world) lost(text string) {
	for _, n := range w.numbers(text) {
		delete(w.must, n)
		delete(w.may, n)
	}
}

var wholeLine = regexp.MustCompile(`^\{"n":(\d+)\}\n$`)

// numbers returns the numbers of the complete lines in text.
func (w *world) numbers(text string) []int {
	var all []int
	for l := range strings.Lines(text) {
		if m := wholeLine.FindStringSubmatch(l); m != nil {
			n, err := strconv.Atoi(m[1])
			require.NoError(w.t, err)
			all = append(all, n)
		}
	}
	return all
}

// mayBeLost marks the lines that a power cut may have removed.
func (w *world) mayBeLost() {
	for _, n := range w.unsynced {
		if w.must[n] {
			delete(w.must, n)
			w.may[n] = true
		}
	}
	w.unsynced = nil
}

func (w *world) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"append": func(*rapid.T) { require.NoError(w.t, w.append()) },
		"fail": func(t *rapid.T) {
			op := rapid.SampledFrom([]string{"write", "sync", "open", "lstat", "syncdir"}).Draw(t, "op")
			w.disk.failOnce(op, errInjected, rapid.IntRange(0, 30).Draw(t, "short"))
			_ = w.append()
			w.disk.setFault(nil)
		},
		"fail for good": func(t *rapid.T) {
			op := rapid.SampledFrom([]string{"write", "sync", "truncate"}).Draw(t, "op")
			w.disk.setShort(rapid.IntRange(0, 30).Draw(t, "short"))
			w.disk.setFault(func(o, _ string) error {
				if o == op || o == "truncate" {
					return errInjected
				}
				return nil
			})
			for range 3 {
				_ = w.append()
			}
			w.disk.setFault(nil)
		},
		"close": func(*rapid.T) {
			require.NoError(w.t, w.store.Close(w.tb.Context()))
			w.unsynced = nil
			w.open()
		},
		"kill": func(*rapid.T) {
			kill(w.tb, w.store)
			w.open()
		},
		"power cut": func(t *rapid.T) {
			kept := rapid.UintRange(0, 15).Draw(t, "kept")
			zeros := rapid.Bool().Draw(t, "zeros")
			w.disk.powerCut(w.tb, kept, func(name string, synced, written int64) int64 {
				at := rapid.Int64Range(synced, written).Draw(t, "cut")
				if zeros {
					w.zero(name, at, written)
					return written
				}
				return at
			})
			kill(w.tb, w.store)
			w.mayBeLost()
			w.open()
		},
		"remove": func(*rapid.T) {
			name := w.file()
			w.lost(daytest.Read(w.tb, w.dir, name))
			require.NoError(w.t, os.Remove(filepath.Join(w.dir, name)))
		},
		"truncate": func(t *rapid.T) {
			name := w.file()
			text := daytest.Read(w.tb, w.dir, name)
			at := rapid.IntRange(0, len(text)).Draw(t, "size")
			kept := text[:at]
			// The last line is now torn.
			w.lost(text[strings.LastIndexByte(kept, '\n')+1:])
			require.NoError(w.t, os.Truncate(filepath.Join(w.dir, name), int64(at)))
		},
		"scribble": func(t *rapid.T) {
			// The x prevents that a truncated line in front becomes valid.
			text := rapid.SampledFrom([]string{"x{}\n", "x{", "x\n{}\n{", "x\n\n"}).Draw(t, "text")
			daytest.AppendTo(w.tb, w.dir, w.file(), text)
		},
		"compress": func(*rapid.T) { w.compress() },
		"crash while compressing": func(t *rapid.T) {
			steps := rapid.IntRange(0, 40).Draw(t, "steps")
			w.disk.setFault(func(op, _ string) error {
				if steps--; steps < 0 && op != "lstat" {
					return errCrashed
				}
				return nil
			})
			w.compress()
			w.disk.setFault(nil)
			if rapid.Bool().Draw(t, "killed") {
				kill(w.tb, w.store)
				w.open()
			}
		},
		"next day": func(*rapid.T) {
			require.NoError(w.t, w.store.Close(w.tb.Context()))
			w.unsynced = nil
			if w.today = w.today.AddDays(1); worldDays[len(worldDays)-1].AddDays(1).Before(w.today) {
				w.today = worldDays[0]
			}
			w.open()
		},
		"": func(*rapid.T) { w.check() },
	}
}

// zero overwrites the end of a file with zeros, as a file system leaves it that has
// extended a file without writing it.
func (w *world) zero(name string, from, to int64) {
	f, err := os.OpenFile(filepath.Join(w.dir, name), os.O_WRONLY, 0)
	require.NoError(w.t, err)
	_, err = f.WriteAt(make([]byte, to-from), from)
	require.NoError(w.t, err)
	require.NoError(w.t, f.Close())
}

// compress compresses the closed days, even if they were appended to recently.
func (w *world) compress() {
	for _, f := range w.store.stored() {
		if _, form, ok := dayfile.ParseFileName(filepath.Base(f.name)); ok && form == dayfile.Plain && f.day.Before(w.today) {
			if err := w.store.compress(w.tb.Context(), f); err == nil {
				w.durable(f.day)
			}
		}
	}
}

// durable notes that a day's lines are durable.
func (w *world) durable(day dayfile.Day) {
	for _, signal := range worldSignals {
		text := w.packed(signal, day)
		for _, n := range w.numbers(text) {
			w.unsynced = slices.DeleteFunc(w.unsynced, func(u int) bool { return u == n })
		}
	}
}

func (w *world) packed(signal dayfile.Signal, day dayfile.Day) string {
	name := dayfile.Path(signal, day, dayfile.Zstd)
	if _, err := os.Stat(filepath.Join(w.dir, name)); err != nil {
		return ""
	}
	return daytest.ReadPacked(w.tb, w.dir, name, dayfile.Zstd)
}

// check reads all files. Each line in must is there exactly once, each line in may at
// most once, and no others.
func (w *world) check() {
	seen := map[int]int{}
	for _, signal := range worldSignals {
		for _, day := range worldDays {
			if w.swapping(signal, day) {
				return // An interrupted swap is settled before the next append.
			}
			for _, n := range w.numbers(w.packed(signal, day) + daytest.Read(w.tb, w.dir, dayfile.Path(signal, day, dayfile.Plain))) {
				seen[n]++
			}
		}
	}
	for n := range w.must {
		require.Equal(w.t, 1, seen[n], "line %d was acknowledged", n)
	}
	for n, times := range seen {
		require.True(w.t, w.must[n] || w.may[n], "line %d was taken away", n)
		require.LessOrEqual(w.t, times, 1, "line %d", n)
	}
}

func (w *world) swapping(signal dayfile.Signal, day dayfile.Day) bool {
	_, err := os.Stat(filepath.Join(w.dir, dayfile.Path(signal, day, dayfile.Zstd)+swapSuffix))
	return err == nil
}

// No sequence of faults, crashes, power cuts and changes by other programs loses or
// duplicates an acknowledged line.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	acknowledged := map[SyncMode]int{}
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{
			t: rt, tb: t, dir: daytest.TempDir(t), today: daytest.December22,
			mode: rapid.SampledFrom([]SyncMode{SyncCommit, SyncNone}).Draw(rt, "mode"),
			must: map[int]bool{}, may: map[int]bool{},
		}
		w.open()
		rt.Repeat(w.actions())
		require.NoError(rt, w.store.Close(t.Context()))
		w.open() // which settles what was interrupted
		w.check()
		require.NoError(rt, w.store.Close(t.Context()))
		acknowledged[w.mode] += len(w.must)
	})
	require.Len(t, acknowledged, 2)
	for mode, lines := range acknowledged {
		require.Positive(t, lines, "nothing was acknowledged with sync %s, so nothing was tested", mode)
	}
}
