// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package reader reads the lines of day files in order. It follows files that
// grow, are compressed or are downloaded again in the meantime.
package reader

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
)

// Errors of Reader.Open to check with errors.Is.
var (
	// ErrShorter means that the day's files end before the position: they were
	// truncated, or are being downloaded again.
	ErrShorter = errors.New("the files are shorter than what was read of them")
	// ErrOtherLines means that the day's files no longer have the lines that
	// were before the position.
	ErrOtherLines = errors.New("the files hold other lines than those that were read")
)

// Reader reads the day files of one signal, oldest day first, and changes
// nothing. It needs no lock: a store or a download may write to the same
// directory at the same time. A Reader is for one goroutine.
//
// The lines of a day are one stream, whichever files have them: first the
// compressed file, then the plain file. A duplicate is left out: a file whose
// lines another file has too, such as a plain file that was downloaded before
// the compressed one. Therefore a Position in the stream stays valid when the day
// is appended to, compressed or downloaded again.
type Reader struct {
	directory string
	signal    dayfile.Signal
	// maxLine is the longest line that is returned, in bytes, with its '\n'.
	maxLine int
	// block is how many bytes are read at once.
	block int

	// extents and apart cache what takes reading whole files to find out.
	extents map[fileState]extent
	apart   map[notHeld]struct{}
	// leftOut are the day files that are not regular files; unreported are those
	// that LeftOut has not returned yet.
	leftOut    map[string]struct{}
	unreported []string
	// spare is the buffer of the last closed Lines.
	spare []byte
	// zstd is reused from day to day: its window is most of the memory that
	// reading takes.
	zstd *zstd.Decoder
}

// New returns a reader of a signal's files below directory. Lines longer than
// maxLine bytes, with their '\n', are not read into memory.
func New(directory string, signal dayfile.Signal, maxLine int) *Reader {
	return &Reader{
		directory: directory,
		signal:    signal,
		maxLine:   maxLine,
		block:     readBlock,
		extents:   map[fileState]extent{},
		apart:     map[notHeld]struct{}{},
		leftOut:   map[string]struct{}{},
	}
}

// DayState is a day and the current state of its files.
type DayState struct {
	Day dayfile.Day
	// Size is the size of the files on disk, in bytes.
	Size int64
	// Version changes whenever the files change.
	Version string
}

// fileState identifies a version of a file by size and modification time, as rsync
// does.
type fileState struct {
	name    string
	size    int64
	changed int64 // nanoseconds since 1970
}

func stateOf(name string, info fs.FileInfo) fileState {
	return fileState{name: name, size: info.Size(), changed: info.ModTime().UnixNano()}
}

func (s fileState) String() string {
	return fmt.Sprintf("%s %d %s", s.name, s.size, time.Unix(0, s.changed).UTC().Format(time.RFC3339Nano))
}

// Days lists the days from first to last that have files, oldest first. A signal
// without a folder has none.
func (r *Reader) Days(first, last dayfile.Day) ([]DayState, error) {
	r.zstd = nil // The next read may be far away.
	entries, err := os.ReadDir(r.path(""))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, fmt.Errorf("list day files: %w", err)
	}
	var days []DayState
	for _, entry := range entries {
		day, _, ok := dayfile.ParseFileName(entry.Name())
		if !ok || day.Before(first) || last.Before(day) {
			continue
		}
		info, err := os.Lstat(r.path(entry.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue // It was just removed.
		}
		if err != nil {
			return nil, fmt.Errorf("stat day file: %w", err)
		}
		if !info.Mode().IsRegular() {
			r.leaveOut(r.path(entry.Name()))
			continue
		}
		days = append(days, DayState{Day: day, Size: info.Size(), Version: stateOf(entry.Name(), info).String()})
	}
	slices.SortStableFunc(days, func(a, b DayState) int { return a.Day.Compare(b.Day) })
	return mergeDays(days), nil
}

func (r *Reader) leaveOut(path string) {
	if _, known := r.leftOut[path]; !known {
		r.leftOut[path] = struct{}{}
		r.unreported = append(r.unreported, path)
	}
}

// LeftOut returns the paths that Days left out because they are not regular
// files, such as symbolic links. It returns each path once.
func (r *Reader) LeftOut() []string {
	paths := r.unreported
	r.unreported = nil
	return paths
}

// mergeDays merges adjacent entries of the same day.
func mergeDays(files []DayState) []DayState {
	days := files[:0]
	for _, f := range files {
		if n := len(days); n > 0 && days[n-1].Day == f.Day {
			days[n-1].Size += f.Size
			days[n-1].Version += ", " + f.Version
			continue
		}
		days = append(days, f)
	}
	return days
}

func (r *Reader) path(name string) string {
	return filepath.Join(r.directory, string(r.signal), name)
}

// Position is a place between two lines of a day. The zero value is the beginning.
// Callers store it as JSON.
type Position struct {
	// Offset is the number of bytes, uncompressed, before the position.
	Offset int64 `json:"offset"`
	// Line is the number of lines, each with its '\n', before the position.
	Line int64 `json:"line"`
	// Check is the xxHash64 of the Checked bytes before the position. It shows
	// whether they are still the same.
	Check   uint64 `json:"check"`
	Checked int    `json:"checked"`
}

// checkBytes is how many bytes before a position are checked. Lines have times and
// IDs, so the ends of different lines differ.
const checkBytes = 1 << 10

// Valid reports whether p is possible at all.
func (p Position) Valid() bool {
	return p.Offset >= 0 && p.Line >= 0 && p.Line <= p.Offset &&
		p.Checked >= 0 && p.Checked <= checkBytes && int64(p.Checked) <= p.Offset &&
		(p.Checked > 0) == (p.Offset > 0)
}

func checkOf(b []byte) uint64 { return xxhash.Sum64(b) }

// Open opens a day's lines from a position on. Only one day can be open at a time.
// Open returns fs.ErrNotExist if the day has no files, and ErrShorter or
// ErrOtherLines if the position does not belong to them.
func (r *Reader) Open(day dayfile.Day, from Position) (*Lines, error) {
	if !from.Valid() {
		return nil, ErrOtherLines
	}
	files, damage, err := r.openDay(day)
	if err != nil {
		return nil, fmt.Errorf("open day %s: %w", day, err)
	}
	l := &Lines{reader: r, files: files, damage: damage, buf: r.spare}
	r.spare = nil
	if err := l.seek(from); err != nil {
		return nil, errors.Join(fmt.Errorf("find position in day %s: %w", day, err), l.Close())
	}
	return l, nil
}
