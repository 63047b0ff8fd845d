// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package faults

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/test/faults/powercut"
	"github.com/saberloop/otelcol-saberloop/test/harness"
	"github.com/saberloop/otelcol-saberloop/test/synthetic"
)

// Power cuts under load. The day files are on ext4, on a disk that loses any part
// of its write cache. After each cut every acknowledged entry is stored exactly
// once, every other entry at most once, torn ends are set aside, and the
// collector appends.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	const (
		cuts     = 30
		diskSize = 64 << 20
	)
	disk := powercut.NewDisk(diskSize)
	c := harness.Start(t, harness.Options{Directory: filepath.Join(mountDisk(t, disk), "data")})
	ledger := harness.NewLedger(synthetic.Mix{Seed: 1})
	r := newRand(t)
	entries, aside := 0, 0
	for cut := range cuts {
		load := harness.StartLoad(t, c, harness.LoadOptions{Ledger: ledger, Connections: 16})
		awaitAcknowledged(t, load, 1)
		wait(randomDuration(r, 300*time.Millisecond))
		// The snapshot comes first: the image holds all that it has acknowledged.
		acknowledged := ledger.Snapshot()
		image := disk.Cut(r)
		load.Stop()

		tally, torn := checkAfterCut(t, image, acknowledged)
		_, batches := acknowledged.Batches()
		require.GreaterOrEqual(t, batches, cut+1)
		require.GreaterOrEqual(t, tally.Acknowledged, batches)
		entries += tally.Acknowledged
		aside += torn
	}
	_, batches := ledger.Batches()
	t.Logf("%d power cuts while %d batches were acknowledged; entries found again after the cuts: %d; torn ends set aside: %d",
		cuts, batches, entries, aside)
}

// checkAfterCut starts a collector on what a cut has left, as a machine does when
// the power is back. It returns the entries it found and the number of torn ends
// that were set aside.
func checkAfterCut(t *testing.T, image []byte, ledger *harness.Ledger) (harness.Tally, int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk.img")
	require.NoError(t, os.WriteFile(path, image, 0o600))
	mounted := mountImage(t, path) // replays the journal
	directory := filepath.Join(mounted, "data")
	c := harness.Start(t, harness.Options{Directory: directory})
	require.Equal(t, 200, c.MustPost(t, afterCut).Status)
	c.Stop(t)

	tally := ledger.CheckKnown(t, stored(directory))
	torn, err := filepath.Glob(filepath.Join(directory, "*", "*.torn-*"))
	require.NoError(t, err)
	// A broken file system would mean that the simulated cut is not a possible one.
	unmount(t, mounted)
	run(t, "e2fsck", "-f", "-n", path)
	require.NoError(t, os.Remove(path))
	return tally, len(torn)
}

// afterCut is a batch with numbers beyond those that the ledger hands out.
var afterCut = []byte(strings.ReplaceAll(`{"logs":[{"seq":N}],"traces":[{"seq":N}],"metrics":[{"seq":N}]}`, "N", "999999999"))

// mountDisk creates a file system on the disk and mounts it.
func mountDisk(t *testing.T, disk *powercut.Disk) string {
	t.Helper()
	needRoot(t)
	directory := t.TempDir()
	server, err := disk.Mount(directory)
	require.NoError(t, err)
	t.Cleanup(func() {
		if err := server.Unmount(); err != nil {
			t.Errorf("unmount disk: %v", err)
		}
	})
	device := strings.TrimSpace(run(t, "losetup", "--find", "--show", filepath.Join(directory, powercut.FileName)))
	t.Cleanup(func() { run(t, "losetup", "--detach", device) })
	makeExt4(t, device)
	mounted := t.TempDir()
	run(t, "mount", "-t", "ext4", device, mounted)
	t.Cleanup(func() { unmount(t, mounted) })
	return mounted
}
