// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dayfile_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/daytest"
)

func TestFileNames(t *testing.T) {
	t.Parallel()
	for form, want := range map[dayfile.Form]string{
		dayfile.Plain: "2025-12-22.jsonl",
		dayfile.Gzip:  "2025-12-22.jsonl.gz",
		dayfile.Zstd:  "2025-12-22.jsonl.zst",
	} {
		require.Equal(t, want, dayfile.FileName(daytest.December22, form))
		day, parsed, ok := dayfile.ParseFileName(want)
		require.True(t, ok)
		require.Equal(t, daytest.December22, day)
		require.Equal(t, form, parsed)
	}
}

func TestStrangersAreNoDayFiles(t *testing.T) {
	t.Parallel()
	for _, name := range daytest.Strangers {
		_, _, ok := dayfile.ParseFileName(name)
		require.False(t, ok, "%q", name)
	}
}

// Only names that FileName returns are accepted.
func FuzzParseFileName(f *testing.F) {
	for _, name := range append(daytest.Strangers, "2025-12-22.jsonl", "2025-12-22.jsonl.gz", "2025-12-22.jsonl.zst") {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		day, form, ok := dayfile.ParseFileName(name)
		if ok {
			require.Equal(t, name, dayfile.FileName(day, form))
		}
	})
}
