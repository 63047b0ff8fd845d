// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package daytest has helpers for the tests of the day file packages.
package daytest

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
)

// December22 is the day that most tests use.
var December22 = ParseDay("2025-12-22")

// ParseDay is dayfile.ParseDay for constants.
func ParseDay(s string) dayfile.Day {
	day, err := dayfile.ParseDay(s)
	if err != nil {
		panic(err)
	}
	return day
}

// At returns a clock that stands still at noon of a day.
func At(day dayfile.Day) func() time.Time {
	t, err := time.Parse(time.DateOnly, day.String())
	if err != nil {
		panic(err)
	}
	t = t.Add(12 * time.Hour)
	return func() time.Time { return t }
}

// Line returns the line with number n.
func Line(n int) []byte { return fmt.Appendf(nil, "{\"n\":%d}\n", n) }

// Lines returns the lines with the numbers from through to.
func Lines(from, to int) []byte {
	var b []byte
	for n := from; n <= to; n++ {
		b = append(b, Line(n)...)
	}
	return b
}

// TempDir is t.TempDir, in memory where Linux offers that: most of what these
// tests wait for is the file system of the disk.
func TempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "dayfile-") //nolint:usetesting // t.TempDir is on disk
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

// Write writes a file, and creates the folders above it.
func Write(t testing.TB, dir, name string, content []byte) {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
	require.NoError(t, os.WriteFile(path, content, 0o640))
}

// AppendTo appends to a file, as another program would.
func AppendTo(t testing.TB, dir, name, text string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_APPEND, 0)
	require.NoError(t, err)
	_, err = f.WriteString(text)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

// Read returns the content of a file, or nothing if the file does not exist.
func Read(t testing.TB, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if !os.IsNotExist(err) {
		require.NoError(t, err)
	}
	return string(b)
}

// ReadPacked returns the content of a compressed file.
func ReadPacked(t testing.TB, dir, name string, form dayfile.Form) string {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, name))
	require.NoError(t, err)
	defer f.Close()
	r, err := dayfile.NewDecompressor(f, form)
	require.NoError(t, err)
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	return string(b)
}

// Pack returns content compressed.
func Pack(t testing.TB, form dayfile.Form, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := dayfile.NewCompressor(&b, form)
	require.NoError(t, err)
	_, err = w.Write(content)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// Names lists a folder.
func Names(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// Strangers are names that resemble those of day files.
var Strangers = []string{
	"2025-12-22.json", "2025-12-22.jsonl.bak", "2025-12-22.jsonl.gz.old", "2025-12-22.JSONL", "2025-12-22jsonl",
	"2025-12-22.jsonl~", ".2025-12-22.jsonl", "2025-12-22", "2025-2-22.jsonl", "2025-13-22.jsonl", "2025-02-30.jsonl",
	"x2025-12-22.jsonl", "2025-12-22.jsonl.bz2", "2025-12-22.jsonl.gz.gz", "2025-12-22 (1).jsonl", "2025-12-22.jsonl.torn",
	"2025-12-22.jsonl.torn-", "2025-12-22.jsonl.torn-0", "2025-12-22.jsonl.torn-01", "2025-12-22.jsonl.torn-1x",
	"2025-12-22.jsonl.gz.torn-1", "2025-12-22.jsonl.tmp", "2025-12-22.jsonl.swap", "notes.txt", "",
}
