// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
)

// lineOf returns a log line whose context has the member a.
func lineOf(value string) []byte {
	return []byte(`{"context":{"a":` + value + `},"received_at":"2025-12-22T10:00:05Z"}`)
}

func readLogLine(t testing.TB, line []byte) plog.Logs {
	t.Helper()
	var r LogReader
	require.NoError(t, r.Add(line))
	return r.Take()
}

func TestLongLists(t *testing.T) {
	t.Parallel()
	const many = 40_000 // enough for the text to be scanned
	zeros := strings.Repeat("0,", many-1) + "0"
	members := strings.Repeat(`"":0,`, many-1) + `"":0`
	for text, want := range map[string]map[int64]int{
		"[" + zeros + "]":                         {1: many},
		" [[], [" + zeros + "],[0]]":              {7: many},
		"{" + members + "}":                       {1: many},
		`{"[{,":"\"[,\\",` + members + "}":        {1: many + 1},
		`{"a":{` + members + `},"b":[` + zeros:    {6: many},
		"]" + zeros:                               {},
		"[" + strings.Repeat("[],", many) + "[]]": {1: many + 1},
		// The number for invalid JSON is limited by the length of the text.
		"[" + strings.Repeat(",", many<<1) + "]": {1: many + 1},
		"{" + strings.Repeat(",", many<<1) + "}": {1: many<<1/5 + 1},
		`"` + strings.Repeat("a", many<<1):       {},
		`"` + strings.Repeat("a", many<<1) + `\`: {},
		"[" + zeros[:1000] + "]":                 nil,
	} {
		assert.Equal(t, want, longLists([]byte(text), maxLineDepth), "%.30q", text)
	}
	assert.Empty(t, longLists([]byte("["+strings.Repeat("[],", many)+"]"), 2), "nested too deeply")
}

// Decoding a long array allocates it once instead of growing it.
//
//nolint:paralleltest // It measures the memory of the process.
func TestLongArraysAreNotCopied(t *testing.T) {
	for _, value := range []string{"[" + strings.Repeat("0,", 1<<17) + "0]", "[" + strings.Repeat("{},", 1<<17) + "[]]"} {
		line := lineOf(value)
		readLogLine(t, line) // fills the pools
		allocated := func() uint64 {
			var stats runtime.MemStats
			runtime.ReadMemStats(&stats)
			return stats.TotalAlloc
		}
		before := allocated()
		readLogLine(t, line)
		assert.Less(t, allocated()-before, uint64(2*Weight(line)), "%.20s", value)
	}
}

// TestWeight compares the estimate with the memory in use.
//
//nolint:paralleltest // It measures the memory of the process.
func TestWeight(t *testing.T) {
	const size = 256 << 10
	fill := func(element string) string {
		return "[" + strings.Repeat(element+",", size/(len(element)+1)) + element + "]"
	}
	var keys []string
	for i := range size / 10 {
		keys = append(keys, fmt.Sprintf(`"%05x":0`, i))
	}
	for name, line := range map[string][]byte{
		"numbers": lineOf(fill("0")),
		"lists":   lineOf(fill("[]")),
		"objects": lineOf(fill("{}")),
		"members": lineOf(fill(`{"":0}`)),
		"keys":    lineOf("{" + strings.Join(keys, ",") + "}"),
		"nested":  lineOf(fill(strings.Repeat("[", 500) + strings.Repeat("]", 500))),
		"strings": lineOf(fill(`"a"`)),
		"string":  lineOf(`"` + strings.Repeat("a", size) + `"`),
	} {
		inUse := func() int64 {
			var stats runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&stats)
			return int64(stats.HeapAlloc)
		}
		before := inUse()
		data := readLogLine(t, line)
		taken := inUse() - before
		runtime.KeepAlive(data)
		weight := Weight(line)
		t.Logf("%s: %d KiB take %d, estimated %d", name, len(line)>>10, taken>>10, weight>>10)
		assert.LessOrEqual(t, taken, 2*weight, name)
		assert.LessOrEqual(t, weight, 4*taken, name)
	}
}

// The memory of a refused line is not retained.
//
//nolint:paralleltest // It measures the memory of the process.
func TestRefusedLineIsDropped(t *testing.T) {
	inUse := func() int64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.GC() // pools are emptied by the second collection
		runtime.ReadMemStats(&stats)
		return int64(stats.HeapAlloc)
	}
	line := lineOf("[" + strings.Repeat("0,", 1<<18) + "0]")
	bad := append(slices.Clone(line[:len(line)-1]), ',')
	before := inUse()
	var r LogReader
	require.Error(t, r.Add(bad))
	assert.Less(t, inUse()-before, int64(1<<20))
	runtime.KeepAlive(&r)
}
