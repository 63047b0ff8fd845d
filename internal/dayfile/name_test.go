// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dayfile

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFileNames(t *testing.T) {
	t.Parallel()
	for form, want := range map[Form]string{
		Plain: "2025-12-22.jsonl",
		Gzip:  "2025-12-22.jsonl.gz",
		Zstd:  "2025-12-22.jsonl.zst",
	} {
		require.Equal(t, want, FileName(december22, form))
		day, parsed, ok := ParseFileName(want)
		require.True(t, ok)
		require.Equal(t, december22, day)
		require.Equal(t, form, parsed)
	}
}

// strangers are names that come close to those of day files.
var strangers = []string{
	"2025-12-22.json", "2025-12-22.jsonl.bak", "2025-12-22.jsonl.gz.old", "2025-12-22.JSONL", "2025-12-22jsonl",
	"2025-12-22.jsonl~", ".2025-12-22.jsonl", "2025-12-22", "2025-2-22.jsonl", "2025-13-22.jsonl", "2025-02-30.jsonl",
	"x2025-12-22.jsonl", "2025-12-22.jsonl.bz2", "2025-12-22.jsonl.gz.gz", "2025-12-22 (1).jsonl", "2025-12-22.jsonl.torn",
	"2025-12-22.jsonl.torn-", "2025-12-22.jsonl.torn-0", "2025-12-22.jsonl.torn-01", "2025-12-22.jsonl.torn-1x",
	"2025-12-22.jsonl.gz.torn-1", "2025-12-22.jsonl.tmp", "2025-12-22.jsonl.swap", "notes.txt", "",
}

func TestStrangersAreNoDayFiles(t *testing.T) {
	t.Parallel()
	for _, name := range strangers {
		_, _, ok := ParseFileName(name)
		require.False(t, ok, "%q", name)
		_, ok = parseTornName(name)
		require.False(t, ok, "%q", name)
		for _, suffix := range []string{tempSuffix, swapSuffix} {
			_, _, ok = parseSpareName(name, suffix)
			require.False(t, ok, "%q", name)
		}
	}
}

func TestSpareNames(t *testing.T) {
	t.Parallel()
	day, ok := parseTornName("2025-12-22.jsonl.torn-12")
	require.True(t, ok)
	require.Equal(t, december22, day)
	day, form, ok := parseSpareName("2025-12-22.jsonl.zst.tmp", tempSuffix)
	require.True(t, ok)
	require.Equal(t, december22, day)
	require.Equal(t, Zstd, form)
}

// Only what FileName writes is understood, whatever a directory holds.
func FuzzParseFileName(f *testing.F) {
	for _, name := range append(strangers, "2025-12-22.jsonl", "2025-12-22.jsonl.gz", "2025-12-22.jsonl.zst") {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		day, form, ok := ParseFileName(name)
		if ok {
			require.Equal(t, name, FileName(day, form))
		}
		if torn, isTorn := parseTornName(name); isTorn {
			require.False(t, ok)
			require.True(t, strings.HasPrefix(name, FileName(torn, Plain)))
		}
	})
}
