// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/reader"
	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// firstOfDecember follows 30 days with as many weekends as 30 days can have.
func firstOfDecember() time.Time { return time.Date(2025, 12, 1, 9, 30, 0, 0, time.UTC) }

// demo runs the command and returns its output.
func demo(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), args, &out, io.Discard, firstOfDecember))
	return out.String()
}

// A month has 300,000 entries by default: see test/backends. This one has a
// twentieth of the sessions.
func TestMonth(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	out := demo(t, "-directory", directory, "-sessions", "25")
	var logs, spans, points int
	_, err := fmt.Sscanf(out, directory+": 30 days to 2025-11-30, %d logs, %d spans, %d metric points\n", &logs, &spans, &points)
	require.NoError(t, err, out)
	require.GreaterOrEqual(t, logs+spans+points, 15_000)
	require.Equal(t, map[dayfile.Signal]int{dayfile.Logs: logs, dayfile.Traces: spans, dayfile.Metrics: points}, countLines(t, directory))
}

// countLines counts the lines of each signal's files.
func countLines(t *testing.T, directory string) map[dayfile.Signal]int {
	t.Helper()
	counts := map[dayfile.Signal]int{}
	for name, text := range files(t, directory) {
		counts[dayfile.Signal(filepath.Dir(name))] += bytes.Count(text, []byte("\n"))
	}
	return counts
}

func TestEveryDayHasFilesOfLinesThatCanBeRead(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	demo(t, "-directory", directory, "-days", "5", "-sessions", "5", "-to", "2025-11-20")

	var logs entry.LogReader
	var spans entry.SpanReader
	var points entry.MetricReader
	for signal, add := range map[dayfile.Signal]func([]byte) error{
		dayfile.Logs: logs.Add, dayfile.Traces: spans.Add, dayfile.Metrics: points.Add,
	} {
		r := reader.New(directory, signal, 2<<20)
		states, err := r.Days(dayfile.MinDay, dayfile.MaxDay)
		require.NoError(t, err)
		var days []string
		for _, state := range states {
			days = append(days, state.Day.String())
			readDay(t, r, state.Day, add)
		}
		require.Equal(t, []string{"2025-11-16", "2025-11-17", "2025-11-18", "2025-11-19", "2025-11-20"}, days, signal)
	}
	require.NotZero(t, logs.Take().LogRecordCount())
	require.NotZero(t, spans.Take().SpanCount())
	require.NotZero(t, points.Take().DataPointCount())
}

// readDay passes all lines of a day to add, which must accept them. Each line must
// have been received on that day.
func readDay(t *testing.T, r *reader.Reader, day dayfile.Day, add func([]byte) error) {
	t.Helper()
	lines, err := r.Open(day, reader.Position{})
	require.NoError(t, err)
	defer func() { require.NoError(t, lines.Close()) }()
	n := 0
	for {
		line, err := lines.Next()
		if errors.Is(err, io.EOF) {
			require.NotZero(t, n)
			return
		}
		require.NoError(t, err)
		require.NoError(t, add(line), lines.Place())
		require.Contains(t, string(line), `"received_at":"`+day.String())
		n++
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	t.Parallel()
	args := []string{"-days", "3", "-sessions", "5", "-directory"}
	one, two, other := t.TempDir(), t.TempDir(), t.TempDir()
	demo(t, append(args, one)...)
	demo(t, append(args, two)...)
	demo(t, append(args, other, "-seed", "2")...)
	require.Len(t, files(t, one), 9)
	require.Equal(t, files(t, one), files(t, two))
	require.NotEqual(t, files(t, one), files(t, other))
}

// files returns the content of the day files in a directory, by path.
func files(t *testing.T, directory string) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	for _, signal := range dayfile.Signals() {
		entries, err := os.ReadDir(filepath.Join(directory, string(signal)))
		require.NoError(t, err)
		for _, e := range entries {
			name := filepath.Join(string(signal), e.Name())
			found[name], err = os.ReadFile(filepath.Join(directory, name))
			require.NoError(t, err)
		}
	}
	return found
}

func TestDayFilesAreNotMixed(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	name := filepath.Join(directory, "traces", "2025-01-01.jsonl.gz")
	require.NoError(t, os.Mkdir(filepath.Dir(name), 0o750))
	require.NoError(t, os.WriteFile(name, nil, 0o600))

	err := run(t.Context(), []string{"-directory", directory}, io.Discard, io.Discard, firstOfDecember)
	require.ErrorContains(t, err, "holds day files of traces already")
	var names []string
	require.NoError(t, filepath.WalkDir(directory, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			names = append(names, path)
		}
		return err
	}))
	require.Equal(t, []string{name}, names, "nothing is touched")
}

func TestWrongArguments(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"-to", "yesterday"}, `-to: must be a day such as 2025-12-22, not "yesterday"`},
		{[]string{"-days", "0"}, "-days: must be positive, not 0"},
		{[]string{"-days", "3000000"}, "-days: 3000000 days before 2025-11-30 are out of reach"},
		{[]string{"-sessions", "-1"}, "-sessions: must be positive, not -1"},
		{[]string{"-sedd", "1"}, "flag provided but not defined: -sedd"},
		{[]string{"here"}, `unknown argument "here"`},
	} {
		directory := filepath.Join(t.TempDir(), "demo")
		args := slices.Concat([]string{"-directory", directory}, tc.args)
		require.EqualError(t, run(t.Context(), args, io.Discard, io.Discard, firstOfDecember), tc.want)
		require.NoDirExists(t, directory)
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var usage bytes.Buffer
	require.ErrorIs(t, run(t.Context(), []string{"-h"}, io.Discard, &usage, firstOfDecember), flag.ErrHelp)
	require.Contains(t, usage.String(), "-directory")
}
