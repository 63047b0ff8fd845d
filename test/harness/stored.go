// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/demodata"
)

// Line is a line of a day file.
type Line struct {
	// Signal is what the line was stored as.
	Signal demodata.Signal
	// Path is the file's path below the directory: logs/2025-12-22.jsonl.
	Path string
	// Entry is what the client sent, canonical: the line's members before
	// received_at.
	Entry string
	// ReceivedAt is the line's received_at.
	ReceivedAt time.Time
	// Added are the members after received_at, canonical: {} where the line
	// ends with it.
	Added string
}

// receivedAtForm is the one spelling of received_at.
var receivedAtForm = regexp.MustCompile(`^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"$`)

// ParseLine takes a line of a signal apart, given without its line end.
func ParseLine(signal demodata.Signal, line []byte) (Line, error) {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.UseNumber()
	if token, err := dec.Token(); err != nil || token != json.Delim('{') {
		return Line{}, fmt.Errorf("line is not an object: %w", err)
	}
	for {
		end := dec.InputOffset() // of the member before
		if !dec.More() {
			return Line{}, errors.New("line has no received_at")
		}
		key, err := dec.Token()
		if err != nil {
			return Line{}, fmt.Errorf("read key: %w", err)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return Line{}, fmt.Errorf("read value: %w", err)
		}
		if key == "received_at" {
			return splitLine(signal, line[:end], value, line[dec.InputOffset():])
		}
	}
}

// splitLine takes what stands before received_at, its value, and what stands
// after it.
func splitLine(signal demodata.Signal, before, receivedAt, after []byte) (Line, error) {
	if !receivedAtForm.Match(receivedAt) {
		return Line{}, fmt.Errorf("received_at is %s", receivedAt)
	}
	line := Line{Signal: signal}
	if err := json.Unmarshal(receivedAt, &line.ReceivedAt); err != nil {
		return Line{}, fmt.Errorf("read received_at: %w", err)
	}
	var err error
	if line.Entry, err = CanonicalEntry(signal, append(slices.Clone(before), '}')); err != nil {
		return Line{}, fmt.Errorf("read what stands before received_at: %w", err)
	}
	if line.Added, err = Canonical(append([]byte{'{'}, bytes.TrimLeft(after, " ,")...)); err != nil {
		return Line{}, fmt.Errorf("read what stands after received_at: %w", err)
	}
	return line, nil
}

// CanonicalEntry is an entry as it has to be stored, canonical: as it was
// sent, but for a received_at, which only the server sets, and what there is
// of a trace's duration below a nanosecond.
func CanonicalEntry(signal demodata.Signal, entry []byte) (string, error) {
	v, err := decode(entry)
	if err != nil {
		return "", err
	}
	members, ok := v.(map[string]any)
	if !ok {
		return "", errors.New("entry is not an object")
	}
	delete(members, "received_at")
	if milliseconds, ok := members["duration"].(json.Number); ok && signal == demodata.Traces {
		members["duration"] = wholeNanoseconds(milliseconds)
	}
	return string(appendCanonical(nil, members)), nil
}

// dayFile is the form of a day file's path below the directory, lockFile the
// path of the file that is locked by who appends.
var dayFile = regexp.MustCompile(`^(logs|traces|metrics)/(\d{4}-\d\d-\d\d)\.jsonl(\.gz|\.zst)?$`)

const lockFile = ".lock"

// Reader reads the lines of a directory's day files as they come to be. It
// fails the test on anything else it finds: other files, lines that are torn,
// glued, no JSON, or in another day's file than received_at says.
type Reader struct {
	// Directory is one whose day files count days in UTC. Where it has
	// compressed ones, the reader is good for one reading.
	Directory string
	// Ignore accepts the paths, below Directory, of files that are expected
	// besides the day files. Nil is for none.
	Ignore func(path string) bool

	read map[string]int64 // bytes read of each file
}

// Next returns the lines stored since the last call, file by file in the
// order of their paths.
func (r *Reader) Next(tb testing.TB) []Line {
	tb.Helper()
	var lines []Line
	r.Each(tb, func(line Line) { lines = append(lines, line) })
	return lines
}

// Each is Next for more lines than fit into memory.
func (r *Reader) Each(tb testing.TB, do func(Line)) {
	tb.Helper()
	for _, path := range r.dayFiles(tb) {
		r.eachOf(tb, path, do)
	}
}

func (r *Reader) eachOf(tb testing.TB, path string, do func(Line)) {
	tb.Helper()
	f, err := os.Open(filepath.Join(r.Directory, path))
	require.NoError(tb, err)
	defer f.Close()
	_, err = f.Seek(r.read[path], io.SeekStart)
	require.NoError(tb, err)
	plain, err := decompress(path, f)
	require.NoError(tb, err)
	if r.read == nil {
		r.read = map[string]int64{}
	}
	name := dayFile.FindStringSubmatch(path)
	signal, day := demodata.Signal(name[1]), name[2]
	for lines := bufio.NewReader(plain); ; {
		raw, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			require.Empty(tb, raw, "torn line at the end of %s", path)
			return
		}
		require.NoError(tb, err)
		r.read[path] += int64(len(raw))
		line, err := ParseLine(signal, raw[:len(raw)-1])
		require.NoError(tb, err, "%s: %q", path, raw)
		require.Equal(tb, day, line.ReceivedAt.Format(time.DateOnly), "%s: day of %q", path, raw)
		line.Path = path
		do(line)
	}
}

// ReadFile reads a day file, in whatever form it is.
func ReadFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	plain, err := decompress(path, f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return io.ReadAll(plain)
}

// decompress reads the bytes of a day file in whatever form it is.
func decompress(path string, file io.Reader) (io.Reader, error) {
	switch filepath.Ext(path) {
	case ".gz":
		return gzip.NewReader(file)
	case ".zst":
		// Nothing is left open that reading to the end would not close.
		return zstd.NewReader(file, zstd.WithDecoderConcurrency(1))
	default:
		return file, nil
	}
}

func (r *Reader) dayFiles(tb testing.TB) []string {
	tb.Helper()
	var paths []string
	err := filepath.WalkDir(r.Directory, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		path, err = filepath.Rel(r.Directory, path)
		if err != nil {
			return err
		}
		path = filepath.ToSlash(path)
		switch {
		case d.Type().IsRegular() && dayFile.MatchString(path):
			paths = append(paths, path)
		case path != lockFile && (r.Ignore == nil || !r.Ignore(path)):
			tb.Errorf("%s is no day file", path)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing was ever stored
	}
	require.NoError(tb, err)
	return paths
}
