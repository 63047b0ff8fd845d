// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package reader

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/daytest"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/disk"
)

// Symbolic links, pipes and directories with the name of a day file are left out and
// reported once. (On Windows, only administrators can create links.)
func TestOnlyRegularFilesAreRead(t *testing.T) {
	t.Parallel()
	dir, outside := daytest.TempDir(t), daytest.TempDir(t)
	daytest.Write(t, outside, "secret", []byte("root:x:0:0\n"))
	daytest.Write(t, dir, plainLogs, daytest.Lines(1, 3))
	link := filepath.Join(dir, "logs", "2025-12-21.jsonl")
	besides := filepath.Join(dir, zstdLogs)
	pipe := filepath.Join(dir, "logs", "2025-12-23.jsonl")
	folder := filepath.Join(dir, "logs", "2025-12-24.jsonl")
	require.NoError(t, os.Symlink(filepath.Join(outside, "secret"), link))
	require.NoError(t, os.Symlink(filepath.Join(outside, "secret"), besides))
	require.NoError(t, os.Symlink("none", filepath.Join(dir, "logs", "notes.txt")))
	daytest.MakePipe(t, pipe)
	require.NoError(t, os.Mkdir(folder, 0o750))

	r := newTestReader(dir)
	for range 2 {
		days, err := r.Days(dayfile.MinDay, dayfile.MaxDay)
		require.NoError(t, err)
		require.Len(t, days, 1)
		require.EqualValues(t, len(daytest.Lines(1, 3)), days[0].Size)
	}
	require.ElementsMatch(t, []string{link, besides, pipe, folder}, r.LeftOut())
	_, err := r.Days(dayfile.MinDay, dayfile.MaxDay)
	require.NoError(t, err)
	require.Empty(t, r.LeftOut(), "each is named once")

	got, err := next(openAt(t, r, Position{}))
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, texts(1, 3), got)
	for n := -1; n <= 2; n++ {
		if n == 0 {
			continue
		}
		// Even if the path became a link after the days were listed.
		_, err := r.Open(daytest.December22.AddDays(n), Position{})
		require.ErrorIs(t, err, disk.ErrNotRegular)
		require.NotContains(t, err.Error(), "root")
	}
}
