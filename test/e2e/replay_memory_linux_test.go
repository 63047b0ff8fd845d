// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/demodata"
)

const (
	// memoryLimit is the GOMEMLIMIT that the receiver's README recommends.
	memoryLimit = "40MiB"
	// mostMemory is how many bytes of memory the process may use with it. Most
	// cases stay 20 MB below. A heavy line that becomes garbage while the
	// collector is marking stays in memory with the next one.
	mostMemory = 110_000_000
)

// longest is the size of a value that fits in a line of max_line_bytes.
const longest = 2<<20 - 200

// A replay of all signals uses less than mostMemory, whatever the size of the files
// and the content of their lines. The exporter drops the data, so that only the
// replay is measured.
func TestReplayMemory(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]func(t *testing.T, from string){
		"large days":              func(t *testing.T, from string) { writeLargeDays(t, from, "") },
		"large days, gzip":        func(t *testing.T, from string) { writeLargeDays(t, from, ".gz") },
		"large days, zstd":        func(t *testing.T, from string) { writeLargeDays(t, from, ".zst") },
		"long lines of numbers":   func(t *testing.T, from string) { writeValues(t, from, 6, many("0", longest)) },
		"long lines of lists":     func(t *testing.T, from string) { writeValues(t, from, 6, many("[]", longest)) },
		"long lines of objects":   func(t *testing.T, from string) { writeValues(t, from, 6, many(`{"":0}`, longest)) },
		"long lines of members":   func(t *testing.T, from string) { writeValues(t, from, 6, members(longest)) },
		"long lines of text":      func(t *testing.T, from string) { writeValues(t, from, 6, `"`+strings.Repeat("a", longest)+`"`) },
		"short lines of numbers":  func(t *testing.T, from string) { writeValues(t, from, 5000, many("0", 4000)) },
		"long lines that are bad": func(t *testing.T, from string) { writeValues(t, from, 6, many("0", longest-1)+",") },
	} {
		t.Run(name, func(t *testing.T) {
			from := t.TempDir()
			of(t, from)
			r := newReplay(t, from, `{exporters: {nop: {}}, service: {pipelines:
				{logs: {exporters: [nop]}, traces: {exporters: [nop]}, metrics: {exporters: [nop]}}}}`)
			r.env = slices.DeleteFunc(r.env, func(v string) bool {
				return strings.HasPrefix(v, "GOMEMLIMIT=") || strings.HasPrefix(v, "GOGC=")
			})
			r.env = append(r.env, "GOMEMLIMIT="+memoryLimit)
			r.start(t)
			peak := r.peakMemory(t)
			require.Zero(t, r.wait(t), "exit code")
			_, all := r.summary(t)
			require.NotZero(t, all.Lines)
			t.Logf("%d lines, %d bad: %d MB", all.Lines, all.Bad, peak/1_000_000)
			require.LessOrEqual(t, peak, int64(mostMemory), "bytes of memory")
		})
	}
}

// peakMemory waits until the replay has ended and returns its peak memory.
func (r *replay) peakMemory(t *testing.T) (peak int64) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-r.process.Exited():
			return peak
		case <-tick.C:
			if now, err := r.process.PeakMemory(); err == nil {
				peak = max(peak, now)
			}
		}
	}
}

// many returns a list that repeats a value, of at most size bytes.
func many(value string, size int) string {
	return "[" + strings.Repeat(value+",", (size-2)/(len(value)+1)-1) + value + "]"
}

// members returns an object of numbers, of at most size bytes.
func members(size int) string {
	all := make([]string, 0, size/10)
	for n := range cap(all) {
		all = append(all, fmt.Sprintf(`"%05x":0`, n))
	}
	return "{" + strings.Join(all, ",") + "}"
}

// writeValues writes a day of each signal. Each line has the value as an attribute.
func writeValues(t *testing.T, from string, lines int, value string) {
	t.Helper()
	for signal, attributes := range map[demodata.Signal]string{
		demodata.Logs: "context", demodata.Traces: "attributes", demodata.Metrics: "labels",
	} {
		line := fmt.Appendf(nil, `{"name":"n","value":1,%q:{"a":%s},"received_at":"2025-12-22T10:00:05Z"}`+"\n", attributes, value)
		writeTimes(t, filepath.Join(from, string(signal), filepath.Base(logDay)), line, lines)
	}
}

// writeLargeDays writes days that are much larger than the memory limit. Compressed
// files have many members or frames.
func writeLargeDays(t *testing.T, from, suffix string) {
	t.Helper()
	const (
		size = 120_000_000
		part = 10_000_000 // larger than any window
	)
	for path, content := range demoDays(t) {
		text := bytes.Repeat(content, part/len(content)+1)
		if suffix != "" {
			text = packed(t, suffix, text)
		}
		writeTimes(t, filepath.Join(from, path+suffix), text, size/3/part)
	}
}

func writeTimes(t *testing.T, path string, text []byte, times int) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	for range times {
		_, err := f.Write(text)
		require.NoError(t, err)
	}
}
