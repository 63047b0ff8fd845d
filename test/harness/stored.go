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
	// Signal is the signal of the file.
	Signal demodata.Signal
	// Path is the path of the file in the directory: logs/2025-12-22.jsonl.
	Path string
	// Entry has the members before received_at in canonical form: what the client
	// sent.
	Entry string
	// ReceivedAt is the line's received_at.
	ReceivedAt time.Time
	// Added has the members after received_at in canonical form.
	Added string
}

// receivedAtForm is the form of received_at.
var receivedAtForm = regexp.MustCompile(`^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"$`)

// ParseLine parses a line, given without its newline.
func ParseLine(signal demodata.Signal, line []byte) (Line, error) {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.UseNumber()
	if token, err := dec.Token(); err != nil || token != json.Delim('{') {
		return Line{}, fmt.Errorf("line is not an object: %w", err)
	}
	for {
		end := dec.InputOffset() // of the previous member
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

// splitLine returns the line with these bytes before received_at, its value, and
// the bytes after it.
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
		return Line{}, fmt.Errorf("read members before received_at: %w", err)
	}
	if line.Added, err = Canonical(append([]byte{'{'}, bytes.TrimLeft(after, " ,")...)); err != nil {
		return Line{}, fmt.Errorf("read members after received_at: %w", err)
	}
	return line, nil
}

// CanonicalEntry returns the canonical form of an entry as it has to be stored:
// without received_at, which only the server sets, and with the duration of a
// trace rounded to nanoseconds.
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

// dayFile matches the path of a day file in the directory. lockFile is the path of
// the exporter's lock.
var dayFile = regexp.MustCompile(`^(logs|traces|metrics)/(\d{4}-\d\d-\d\d)\.jsonl(\.gz|\.zst)?$`)

const lockFile = ".lock"

// Reader reads the lines of a directory's day files. It fails the test if it finds
// other files, torn lines, lines that are not one JSON object, or a received_at of
// another day than the file's.
type Reader struct {
	// Directory holds the day files. Days are UTC days. A directory with compressed
	// files can be read only once.
	Directory string
	// Ignore reports whether a file that is not a day file may be in Directory.
	Ignore func(path string) bool

	read map[string]int64 // number of bytes read per file
}

// Next returns the lines stored since the last call, in the order of the paths.
func (r *Reader) Next(tb testing.TB) []Line {
	tb.Helper()
	var lines []Line
	r.Each(tb, func(line Line) { lines = append(lines, line) })
	return lines
}

// Each is Next without holding all lines in memory.
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

// ReadFile returns the content of a day file, decompressed.
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

// decompress returns a reader of the content of a day file.
func decompress(path string, file io.Reader) (io.Reader, error) {
	switch filepath.Ext(path) {
	case ".gz":
		return gzip.NewReader(file)
	case ".zst":
		// With one goroutine there is nothing to close.
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
			tb.Errorf("%s is not a day file", path)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing was stored
	}
	require.NoError(tb, err)
	return paths
}
