// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package reader reads the lines of day files in order, and follows files that
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

// Errors of Reader.Open that callers tell apart, with errors.Is.
var (
	// ErrShorter is returned where a day's files do not reach to the position:
	// somebody cut them, or is just downloading them again.
	ErrShorter = errors.New("the files are shorter than what was read of them")
	// ErrOtherLines is returned where a day's files do not hold what lay
	// before the position when it was taken.
	ErrOtherLines = errors.New("the files hold other lines than those that were read")
)

// Reader reads the day files of one signal, oldest day first, and changes
// nothing. It needs no lock: a Store, or a download, may write to the same
// directory meanwhile. It is for one goroutine.
//
// A day's lines are one stream, whatever files they lie in at the moment: what
// was compressed comes first, what lies in a plain file beside it follows, and
// a file whose lines another one holds too (the plain file that was downloaded
// before the compressed one, say) is left out. So a Position in that stream
// outlives that the day is appended to, compressed, or downloaded again.
type Reader struct {
	directory string
	signal    dayfile.Signal
	// maxLine is how long a line may be, in bytes, its '\n' included.
	maxLine int
	// block is how much is read at once.
	block int

	// What was found out by reading whole files is remembered, so that it is
	// not done at every look at a day.
	extents map[fileState]extent
	apart   map[notHeld]struct{}
	// leftOut are the day files that are not regular files; unreported are those
	// that LeftOut has not returned yet.
	leftOut    map[string]struct{}
	unreported []string
	// spare is the buffer of the Lines that were closed last.
	spare []byte
	// zstd decompresses one day after the other: its window is most of the
	// memory that reading takes.
	zstd *zstd.Decoder
}

// New returns a reader of a signal's files below directory. Lines of
// more than maxLine bytes, the '\n' included, are not read into memory.
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

// DayState is a day and the files that it has at the moment.
type DayState struct {
	Day dayfile.Day
	// Size is how many bytes the files take on the disk.
	Size int64
	// Version is another one after every change of the files.
	Version string
}

// fileState tells one state of a file from another, as rsync does.
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

// Days lists the days from first to last that have files, the oldest first. A
// signal without a folder has none.
func (r *Reader) Days(first, last dayfile.Day) ([]DayState, error) {
	r.zstd = nil // There may be nothing to read for long.
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
			continue // It was removed just now.
		}
		if err != nil {
			return nil, fmt.Errorf("look at day file: %w", err)
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

// mergeDays makes one of the neighbours that are files of the same day.
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

// Position is how far a day was read: always to the end of a line. The zero
// value is the beginning. Its JSON is how it is kept.
type Position struct {
	// Offset is the number of bytes, uncompressed, before the position.
	Offset int64 `json:"offset"`
	// Line is the number of lines before the position.
	Line int64 `json:"line"`
	// Check is the xxHash64 of the Checked bytes before the position, by
	// which it is seen whether they are still the same.
	Check   uint64 `json:"check"`
	Checked int    `json:"checked"`
}

// checkBytes is how many bytes before a position are checked. Lines carry
// times and ids: other lines of the same day don't end alike.
const checkBytes = 1 << 10

// Valid says whether p can be a position at all.
func (p Position) Valid() bool {
	return p.Offset >= 0 && p.Line >= 0 && p.Line <= p.Offset &&
		p.Checked >= 0 && p.Checked <= checkBytes && int64(p.Checked) <= p.Offset &&
		(p.Checked > 0) == (p.Offset > 0)
}

func checkOf(b []byte) uint64 { return xxhash.Sum64(b) }

// Open opens a day's lines from a position on. Only one day may be open at a
// time. It returns fs.ErrNotExist where
// the day has no files, and ErrOtherLines where they are not those that the
// position was taken in.
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
