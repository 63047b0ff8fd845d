// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package faults

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// mountTmpfs mounts an empty tmpfs with these mount options.
func mountTmpfs(t *testing.T, options string) string {
	t.Helper()
	needRoot(t)
	directory := t.TempDir()
	require.NoError(t, syscall.Mount("tmpfs", directory, "tmpfs", 0, options))
	t.Cleanup(func() { unmount(t, directory) })
	return directory
}

// mountImage mounts the ext4 file system in a file.
func mountImage(t *testing.T, image string) string {
	t.Helper()
	needRoot(t)
	directory := t.TempDir()
	run(t, "mount", "-o", "loop", "-t", "ext4", image, directory)
	t.Cleanup(func() { unmount(t, directory) })
	return directory
}

// makeExt4 creates an ext4 file system in a file or device, without lazy
// initialization.
func makeExt4(t *testing.T, path string) {
	t.Helper()
	run(t, "mkfs.ext4", "-q", "-F", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0", path)
}

// newImage creates a file of that size with an ext4 file system.
func newImage(t *testing.T, size int64) string {
	t.Helper()
	image := filepath.Join(t.TempDir(), "ext4.img")
	f, err := os.Create(image)
	require.NoError(t, err)
	require.NoError(t, f.Truncate(size))
	require.NoError(t, f.Close())
	makeExt4(t, image)
	return image
}

// unmount unmounts a directory. It is no error if that is done already.
func unmount(t *testing.T, directory string) {
	t.Helper()
	if err := syscall.Unmount(directory, 0); err != nil && !os.IsNotExist(err) && err != syscall.EINVAL {
		t.Errorf("unmount %s: %v", directory, err)
		_ = syscall.Unmount(directory, syscall.MNT_DETACH)
	}
}

func needRoot(t *testing.T) {
	t.Helper()
	require.Zero(t, os.Getuid(), "only root can mount file systems: run `make test-faults` as root")
}

// run runs a program and returns its output.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	require.NoError(t, err, "`make test-faults` installs it: losetup is in Debian's package mount, mkfs.ext4 and e2fsck are in e2fsprogs")
	output, err := exec.Command(path, args...).CombinedOutput()
	require.NoError(t, err, "%s %v: %s", name, args, output)
	return string(output)
}
