// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package disk

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestOpenRegular(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, link, dangling, pipe := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "dangling"), filepath.Join(dir, "pipe")
	require.NoError(t, os.WriteFile(file, []byte("{}\n"), 0o600))
	require.NoError(t, os.Symlink(file, link))
	require.NoError(t, os.Symlink(filepath.Join(dir, "none"), dangling))
	require.NoError(t, unix.Mkfifo(pipe, 0o600))
	for _, path := range []string{link, dangling, pipe, dir, os.DevNull} {
		_, err := OpenRegular(path)
		require.ErrorIs(t, err, ErrNotRegular, path)
		require.ErrorContains(t, err, path)
	}
	_, err := OpenRegular(filepath.Join(dir, "none"))
	require.ErrorIs(t, err, os.ErrNotExist)

	f, err := OpenRegular(file)
	require.NoError(t, err)
	text, err := io.ReadAll(f)
	require.NoError(t, err)
	require.Equal(t, "{}\n", string(text))
	require.Equal(t, file, f.Name())
	require.NoError(t, f.Close())
}

// If a path becomes a link or a pipe just before it is opened, the link is not
// followed and the pipe does not block.
func TestOpenNoFollow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, link, pipe := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "pipe")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.NoError(t, os.Symlink(file, link))
	require.NoError(t, unix.Mkfifo(pipe, 0o600))
	_, err := openNoFollow(link)
	require.Error(t, err)
	f, err := openNoFollow(pipe)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}
