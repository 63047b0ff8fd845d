// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package faults

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/test/faults/faultfs"
	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// A disk on which writes fail or are short, syncs fail, or a failed write can't be
// undone. Meanwhile clients get 503 and the health check reports it. No line is
// torn or glued. When the fault is over, the collector recovers by itself.
func TestFailingDisk(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string]faultfs.Fault{
		"writes fail":                   faultfs.WriteFails,
		"writes stop":                   faultfs.WriteStops,
		"writes stop, truncating fails": faultfs.WriteStops | faultfs.TruncateFails,
		"syncs fail":                    faultfs.SyncFails,
		"syncs and truncating fail":     faultfs.SyncFails | faultfs.TruncateFails,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			needRoot(t)
			source, target := t.TempDir(), t.TempDir()
			disk, err := faultfs.Mount(source, target)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, disk.Unmount()) })
			c := harness.Start(t, harness.Options{
				Directory: filepath.Join(target, "data"),
				Config:    componentStatusConfig,
				Flags:     []string{componentStatusGate},
			})
			load := harness.StartLoad(t, c, harness.LoadOptions{Connections: 16, Pause: 10 * time.Millisecond, MayRefuse: true})
			for range 3 {
				awaitAcknowledged(t, load, 50)
				disk.Set(faults)
				awaitStatus(t, c, "StatusRecoverableError")
				answer := c.MustPost(t, oneLog)
				require.Equal(t, 503, answer.Status)
				require.NotEmpty(t, answer.Header.Get("Retry-After"))
				disk.Set(0)
				awaitAcknowledged(t, load, 50)
				awaitStatus(t, c, "StatusOK")
			}
			load.Stop()
			c.Stop(t)
			load.Ledger.Check(t, stored(filepath.Join(source, "data")))
			require.NotContains(t, c.Log(t), `"sessionId"`, "a payload in the log")
		})
	}
}
