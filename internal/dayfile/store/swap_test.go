// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/daytest"
)

func TestStrangersAreNoSpareFiles(t *testing.T) {
	t.Parallel()
	for _, name := range daytest.Strangers {
		_, ok := parseTornName(name)
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
	require.Equal(t, daytest.December22, day)
	day, form, ok := parseSpareName("2025-12-22.jsonl.zst.tmp", tempSuffix)
	require.True(t, ok)
	require.Equal(t, daytest.December22, day)
	require.Equal(t, dayfile.Zstd, form)
}

// Only names that tornName returns are accepted.
func TestTornNames(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.OneOf(
			rapid.StringMatching(`2025-12-(22|99)\.jsonl(\.gz)?(\.torn-?[0-9a ]{0,3}){0,2}`),
			rapid.String(),
		).Draw(rt, "name")
		if day, isTorn := parseTornName(name); isTorn {
			_, _, ok := dayfile.ParseFileName(name)
			require.False(rt, ok)
			require.True(rt, strings.HasPrefix(name, dayfile.FileName(day, dayfile.Plain)))
		}
	})
}
