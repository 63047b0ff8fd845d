// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package reader

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/daytest"
)

const (
	plainLogs = "logs/2025-12-22.jsonl"
	gzipLogs  = plainLogs + ".gz"
	zstdLogs  = plainLogs + ".zst"
	testMax   = 1 << 20
)

func newTestReader(dir string) *Reader { return New(dir, dayfile.Logs, testMax) }

// openAt opens December 22 until the test ends.
func openAt(t testing.TB, r *Reader, from Position) *Lines {
	t.Helper()
	l, err := r.Open(daytest.December22, from)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

// next returns the lines before the first error, and the error.
func next(l *Lines) (lines []string, err error) {
	for {
		line, err := l.Next()
		if err != nil {
			return lines, err
		}
		lines = append(lines, string(line))
	}
}

// readFrom returns the lines of December 22 after a position, and moves it.
func readFrom(t testing.TB, r *Reader, from *Position) []string {
	t.Helper()
	l, err := r.Open(daytest.December22, *from)
	require.NoError(t, err)
	lines, err := next(l)
	require.ErrorIs(t, err, io.EOF)
	*from = l.Position()
	require.NoError(t, l.Close())
	return lines
}

// texts returns lines like Next.
func texts(from, to int) []string {
	return strings.Split(strings.TrimSuffix(string(daytest.Lines(from, to)), "\n"), "\n")
}

func TestDaysAreListedInOrder(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	for _, name := range []string{
		"2025-12-24.jsonl", "2025-12-22.jsonl", "2025-12-22.jsonl.gz", "2025-12-23.jsonl.zst", "2026-01-01.jsonl",
		"2025-12-22.jsonl.torn-1", "2025-12-22.jsonl.gz.tmp", "2025-12-22.jsonl.gz.swap", "notes.txt", "2025-12-21.json", "2025-02-30.jsonl",
	} {
		daytest.Write(t, dir, "logs/"+name, daytest.Line(1))
	}
	require.NoError(t, os.Mkdir(filepath.Join(dir, "logs", "2025-12-25.jsonl"), 0o750))

	r := newTestReader(dir)
	days, err := r.Days(dayfile.MinDay, dayfile.MaxDay)
	require.NoError(t, err)
	var got []string
	for _, day := range days {
		got = append(got, day.Day.String())
	}
	assert.Equal(t, []string{"2025-12-22", "2025-12-23", "2025-12-24", "2026-01-01"}, got)
	assert.Equal(t, int64(2*len(daytest.Line(1))), days[0].Size)

	days, err = r.Days(daytest.ParseDay("2025-12-23"), daytest.ParseDay("2025-12-24"))
	require.NoError(t, err)
	assert.Len(t, days, 2)
}

func TestVersionTellsEveryChange(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	seen := map[string]bool{}
	version := func() {
		days, err := newTestReader(dir).Days(dayfile.MinDay, dayfile.MaxDay)
		require.NoError(t, err)
		require.Len(t, days, 1)
		assert.False(t, seen[days[0].Version], days[0].Version)
		seen[days[0].Version] = true
	}
	daytest.Write(t, dir, plainLogs, daytest.Lines(1, 2))
	version()
	daytest.Write(t, dir, plainLogs, daytest.Lines(1, 3))
	version()
	daytest.Write(t, dir, gzipLogs, daytest.Pack(t, dayfile.Gzip, daytest.Lines(1, 3)))
	version()
	require.NoError(t, os.Remove(filepath.Join(dir, plainLogs)))
	version()
}

func TestNoFiles(t *testing.T) {
	t.Parallel()
	r := newTestReader(daytest.TempDir(t))
	days, err := r.Days(dayfile.MinDay, dayfile.MaxDay)
	require.NoError(t, err)
	assert.Empty(t, days)
	_, err = r.Open(daytest.December22, Position{})
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// layouts are the ways in which files can have the lines 1 to 9.
var layouts = map[string]func(t testing.TB, dir string){
	"plain": func(t testing.TB, dir string) { daytest.Write(t, dir, plainLogs, daytest.Lines(1, 9)) },
	"gzip": func(t testing.TB, dir string) {
		daytest.Write(t, dir, gzipLogs, daytest.Pack(t, dayfile.Gzip, daytest.Lines(1, 9)))
	},
	"zstd": func(t testing.TB, dir string) {
		daytest.Write(t, dir, zstdLogs, daytest.Pack(t, dayfile.Zstd, daytest.Lines(1, 9)))
	},
	"several members": func(t testing.TB, dir string) {
		daytest.Write(t, dir, gzipLogs, append(daytest.Pack(t, dayfile.Gzip, daytest.Lines(1, 4)), daytest.Pack(t, dayfile.Gzip, daytest.Lines(5, 9))...))
	},
	"appended to after it was compressed": func(t testing.TB, dir string) {
		daytest.Write(t, dir, gzipLogs, daytest.Pack(t, dayfile.Gzip, daytest.Lines(1, 5)))
		daytest.Write(t, dir, plainLogs, daytest.Lines(6, 9))
	},
	"in all forms": func(t testing.TB, dir string) {
		daytest.Write(t, dir, gzipLogs, daytest.Pack(t, dayfile.Gzip, daytest.Lines(1, 2)))
		daytest.Write(t, dir, zstdLogs, daytest.Pack(t, dayfile.Zstd, daytest.Lines(3, 6)))
		daytest.Write(t, dir, plainLogs, daytest.Lines(7, 9))
	},
	"just compressed, and still there": func(t testing.TB, dir string) {
		daytest.Write(t, dir, gzipLogs, daytest.Pack(t, dayfile.Gzip, daytest.Lines(1, 9)))
		daytest.Write(t, dir, plainLogs, daytest.Lines(1, 9))
	},
	"downloaded before it was compressed": func(t testing.TB, dir string) {
		daytest.Write(t, dir, zstdLogs, daytest.Pack(t, dayfile.Zstd, daytest.Lines(1, 9)))
		daytest.Write(t, dir, plainLogs, daytest.Lines(1, 4))
	},
	"downloaded before it was compressed, in the midst of a line": func(t testing.TB, dir string) {
		daytest.Write(t, dir, gzipLogs, daytest.Pack(t, dayfile.Gzip, daytest.Lines(1, 9)))
		daytest.Write(t, dir, plainLogs, append(daytest.Lines(1, 4), `{"n`...))
	},
	"downloaded between two times it was compressed": func(t testing.TB, dir string) {
		daytest.Write(t, dir, gzipLogs, daytest.Pack(t, dayfile.Gzip, daytest.Lines(1, 9)))
		daytest.Write(t, dir, plainLogs, daytest.Lines(6, 9))
	},
	"unpacked and appended to": func(t testing.TB, dir string) {
		daytest.Write(t, dir, gzipLogs, daytest.Pack(t, dayfile.Gzip, daytest.Lines(1, 4)))
		daytest.Write(t, dir, plainLogs, daytest.Lines(1, 9))
	},
	"compressed in both forms": func(t testing.TB, dir string) {
		daytest.Write(t, dir, gzipLogs, daytest.Pack(t, dayfile.Gzip, daytest.Lines(1, 7)))
		daytest.Write(t, dir, zstdLogs, daytest.Pack(t, dayfile.Zstd, daytest.Lines(1, 9)))
	},
	// Left by a crash while late lines were being added to a compressed day: see swap.
	"swap begun": func(t testing.TB, dir string) {
		daytest.Write(t, dir, gzipLogs, daytest.Pack(t, dayfile.Gzip, daytest.Lines(1, 5)))
		daytest.Write(t, dir, plainLogs, daytest.Lines(6, 9))
		daytest.Write(t, dir, gzipLogs+".tmp", daytest.Pack(t, dayfile.Gzip, daytest.Lines(1, 9)))
		daytest.Write(t, dir, gzipLogs+".swap", []byte("12345\n"))
	},
	"swap marker torn": func(t testing.TB, dir string) {
		daytest.Write(t, dir, gzipLogs, daytest.Pack(t, dayfile.Gzip, daytest.Lines(1, 5)))
		daytest.Write(t, dir, plainLogs, daytest.Lines(6, 9))
		daytest.Write(t, dir, gzipLogs+".swap", []byte("12"))
	},
	"swap half done": func(t testing.TB, dir string) {
		packed := daytest.Pack(t, dayfile.Gzip, daytest.Lines(1, 9))
		daytest.Write(t, dir, gzipLogs, packed)
		daytest.Write(t, dir, plainLogs, daytest.Lines(6, 9))
		daytest.Write(t, dir, gzipLogs+".swap", []byte(strconv.Itoa(len(packed))+"\n"))
	},
	"swap nearly done": func(t testing.TB, dir string) {
		packed := daytest.Pack(t, dayfile.Gzip, daytest.Lines(1, 9))
		daytest.Write(t, dir, gzipLogs, packed)
		daytest.Write(t, dir, gzipLogs+".swap", []byte(strconv.Itoa(len(packed))+"\n"))
	},
}

func TestEveryLineOnceInOrder(t *testing.T) {
	t.Parallel()
	for name, layout := range layouts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := daytest.TempDir(t)
			layout(t, dir)
			l := openAt(t, newTestReader(dir), Position{})
			got, err := next(l)
			require.ErrorIs(t, err, io.EOF)
			assert.Equal(t, texts(1, 9), got)
			assert.Equal(t, int64(len(daytest.Lines(1, 9))), l.Position().Offset)
			assert.Equal(t, int64(9), l.Position().Line)
		})
	}
}

// TestPositionOutlivesTheLayout takes a position in one layout and continues in
// another.
func TestPositionOutlivesTheLayout(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	for before, layout := range layouts {
		layout(t, filepath.Join(dir, before))
	}
	for before := range layouts {
		l := openAt(t, newTestReader(filepath.Join(dir, before)), Position{})
		for n := range 10 {
			if n > 0 {
				_, err := l.Next()
				require.NoError(t, err)
			}
			for after := range layouts {
				r := newTestReader(filepath.Join(dir, after))
				lines, err := r.Open(daytest.December22, l.Position())
				require.NoError(t, err, "%s, then %s, after %d lines", before, after, n)
				got, err := next(lines)
				require.ErrorIs(t, err, io.EOF)
				assert.Len(t, got, 9-n, "%s, then %s, after %d lines", before, after, n)
				assert.Equal(t, int64(9), lines.Position().Line)
				require.NoError(t, lines.Close())
			}
		}
	}
}

func TestTornLineIsWaitedFor(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	r := newTestReader(dir)
	var at Position
	daytest.Write(t, dir, plainLogs, append(daytest.Lines(1, 2), `{"n":`...))
	assert.Equal(t, texts(1, 2), readFrom(t, r, &at))
	assert.Empty(t, readFrom(t, r, &at))
	daytest.AppendTo(t, dir, plainLogs, "3}")
	assert.Empty(t, readFrom(t, r, &at))
	daytest.AppendTo(t, dir, plainLogs, "\n"+string(daytest.Line(4)))
	assert.Equal(t, texts(3, 4), readFrom(t, r, &at))
}

func TestRest(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	daytest.Write(t, dir, plainLogs, append(daytest.Lines(1, 1), `{"n":2}`...))
	r := newTestReader(dir)
	l := openAt(t, r, Position{})
	_, err := next(l)
	require.ErrorIs(t, err, io.EOF)
	rest, err := l.Rest()
	require.NoError(t, err)
	assert.Equal(t, `{"n":2}`, string(rest))
	assert.Equal(t, Place{File: filepath.Join(dir, "logs", "2025-12-22.jsonl"), Line: 2}, l.Place())
	_, err = l.Rest()
	require.ErrorIs(t, err, io.EOF)
	assert.EqualValues(t, 2, l.Line())
	at := l.Position()

	// The '\n' that arrives later belongs to the same line.
	daytest.AppendTo(t, dir, plainLogs, "\n"+string(daytest.Line(3)))
	l = openAt(t, r, at)
	for _, want := range []struct {
		text   string
		number int64
	}{{"", 2}, {texts(3, 3)[0], 3}} {
		got, err := l.Next()
		require.NoError(t, err)
		assert.Equal(t, want.text, string(got))
		assert.Equal(t, want.number, l.Line())
		assert.Equal(t, want.number, l.Place().Line)
	}
}

func TestLongLine(t *testing.T) {
	t.Parallel()
	for name, length := range map[string]int{"by a byte": testMax, "by far": 10 * testMax} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := daytest.TempDir(t)
			longest, long := strings.Repeat("x", testMax-1), strings.Repeat("y", length)
			content := string(daytest.Line(1)) + longest + "\n" + long + "\n" + string(daytest.Line(2))
			daytest.Write(t, dir, plainLogs, []byte(content))
			r := newTestReader(dir)
			l := openAt(t, r, Position{})
			got, err := next(l)
			require.ErrorIs(t, err, ErrLongLine)
			assert.Equal(t, []string{texts(1, 1)[0], longest}, got)
			assert.Equal(t, int64(3), l.Place().Line)
			behind := l.Position()
			got, err = next(l)
			require.ErrorIs(t, err, io.EOF)
			assert.Equal(t, texts(2, 2), got)
			assert.Equal(t, int64(len(content)), l.Position().Offset)
			assert.Equal(t, texts(2, 2), readFrom(t, r, &behind))
			assert.LessOrEqual(t, cap(l.buf), testMax+checkBytes+2*readBlock)
		})
	}
}

// TestLongLineWithoutEnd reads a line that is too long and still being written.
func TestLongLineWithoutEnd(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	daytest.Write(t, dir, plainLogs, []byte(string(daytest.Line(1))+strings.Repeat("y", 3*testMax)))
	r := newTestReader(dir)
	l := openAt(t, r, Position{})
	_, err := next(l)
	require.ErrorIs(t, err, io.EOF)
	at := l.Position()
	assert.Equal(t, int64(len(daytest.Line(1))), at.Offset)
	_, err = l.Rest()
	require.ErrorIs(t, err, ErrLongLine)

	daytest.AppendTo(t, dir, plainLogs, "\n"+string(daytest.Line(2)))
	l = openAt(t, r, at)
	_, err = l.Next()
	require.ErrorIs(t, err, ErrLongLine)
	assert.Equal(t, int64(2), l.Place().Line)
	got, err := next(l)
	require.ErrorIs(t, err, io.EOF)
	assert.Equal(t, texts(2, 2), got)
}

func TestOtherLines(t *testing.T) {
	t.Parallel()
	for name, other := range map[string]struct {
		content []byte
		want    error
	}{
		"truncated":          {daytest.Lines(1, 5), ErrShorter},
		"emptied":            {[]byte{}, ErrShorter},
		"others, and less":   {daytest.Lines(2, 9), ErrShorter},
		"others, as long":    {[]byte(strings.Replace(string(daytest.Lines(1, 9)), "9", "8", 1)), ErrOtherLines},
		"others, and longer": {daytest.Lines(11, 99), ErrOtherLines},
	} {
		for _, form := range []dayfile.Form{dayfile.Plain, dayfile.Gzip, dayfile.Zstd} {
			t.Run(name+" "+string(form), func(t *testing.T) {
				t.Parallel()
				dir := daytest.TempDir(t)
				daytest.Write(t, dir, plainLogs, daytest.Lines(1, 9))
				r := newTestReader(dir)
				var at Position
				readFrom(t, r, &at)
				require.NoError(t, os.Remove(filepath.Join(dir, plainLogs)))
				packed := other.content
				if form != dayfile.Plain {
					packed = daytest.Pack(t, form, packed)
				}
				daytest.Write(t, dir, "logs/"+dayfile.FileName(daytest.December22, form), packed)
				_, err := r.Open(daytest.December22, at)
				require.ErrorIs(t, err, other.want)
			})
		}
	}
}

func TestImpossiblePositions(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	daytest.Write(t, dir, plainLogs, daytest.Lines(1, 9))
	r := newTestReader(dir)
	for _, at := range []Position{
		{Offset: -1},
		{Offset: 1},
		{Line: 1},
		{Offset: 8, Line: 9, Checked: 8},
		{Offset: 8, Checked: 9},
		{Offset: 8, Line: -1, Checked: 8},
		{Offset: 9999, Line: 1, Checked: checkBytes + 1},
	} {
		_, err := r.Open(daytest.December22, at)
		require.ErrorIs(t, err, ErrOtherLines, "%+v", at)
	}
}

// TestDamagedFile checks that all readable lines are read and that damage is reported.
func TestDamagedFile(t *testing.T) {
	t.Parallel()
	for name, content := range map[string][]byte{
		gzipLogs + " cut short": daytest.Pack(t, dayfile.Gzip, daytest.Lines(1, 9))[:40],
		gzipLogs + " empty":     {},
		gzipLogs + " garbage":   []byte("once upon a time"),
		zstdLogs + " cut short": daytest.Pack(t, dayfile.Zstd, daytest.Lines(1, 9))[:40],
		zstdLogs + " garbage":   []byte("once upon a time"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := daytest.TempDir(t)
			daytest.Write(t, dir, strings.Fields(name)[0], content)
			_, err := readDamaged(t, newTestReader(dir))
			require.ErrorContains(t, err, strings.Fields(name)[0])

			// The plain file has all lines, but the damaged file may have more.
			daytest.Write(t, dir, plainLogs, daytest.Lines(1, 9))
			got, err := readDamaged(t, newTestReader(dir))
			require.ErrorContains(t, err, strings.Fields(name)[0])
			assert.Equal(t, texts(1, 9), got)
		})
	}
}

// readDamaged returns the readable lines of December 22 and the error.
func readDamaged(t *testing.T, r *Reader) ([]string, error) {
	t.Helper()
	l, err := r.Open(daytest.December22, Position{})
	if err != nil {
		return nil, err
	}
	defer func() { require.NoError(t, l.Close()) }()
	return next(l)
}

// TestWindows reads files with other zstd windows, one after the other, and refuses a
// window that takes too much memory.
func TestWindows(t *testing.T) {
	t.Parallel()
	const count = 20_000
	const largestWindow = 8 << 20 // of those that are read
	line := append(bytes.Repeat([]byte{'x'}, 1<<10), '\n')
	content := bytes.Repeat(line, count) // longer than the windows
	packed := func(window int) []byte {
		var b bytes.Buffer
		w, err := zstd.NewWriter(&b, zstd.WithWindowSize(window), zstd.WithEncoderLevel(zstd.SpeedFastest))
		require.NoError(t, err)
		_, err = w.Write(content)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return b.Bytes()
	}
	dir := daytest.TempDir(t)
	r := newTestReader(dir)
	daytest.Write(t, dir, zstdLogs, packed(largestWindow))
	for range 2 {
		got, err := readDamaged(t, r)
		require.ErrorIs(t, err, io.EOF)
		assert.Len(t, got, count)

		daytest.Write(t, dir, zstdLogs, packed(2*largestWindow))
		got, err = readDamaged(t, r)
		require.ErrorIs(t, err, zstd.ErrWindowSizeExceeded)
		assert.Empty(t, got)
		daytest.Write(t, dir, zstdLogs, packed(1<<20))
	}
}
