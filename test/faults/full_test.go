// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package faults

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// These make the health check report the status of components, as the README
// describes.
const (
	componentStatusGate   = "--feature-gates=+extension.healthcheck.useComponentStatus"
	componentStatusConfig = `
extensions:
  health_check:
    use_v2: true
    http:
      endpoint: ${env:HARNESS_HEALTH_ENDPOINT}
      status: {path: /}
    component_health: {include_recoverable_errors: true, recovery_duration: 0s}
`
)

// A disk that fills up under load and has space again later. Meanwhile clients get
// 503 and the health check reports it. No line is torn or glued. Afterwards the
// collector recovers by itself.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	const mebibyte = 1 << 20
	for name, tc := range map[string]struct {
		mount  func(t *testing.T) string
		config string
		free   uint64 // bytes that must stay free
	}{
		"tmpfs":                 {func(t *testing.T) string { t.Helper(); return mountTmpfs(t, "size=4m") }, "min_free_bytes: 0", 0},
		"ext4":                  {func(t *testing.T) string { t.Helper(); return mountImage(t, newImage(t, 16*mebibyte)) }, "min_free_bytes: 0", 0},
		"tmpfs, min_free_bytes": {func(t *testing.T) string { t.Helper(); return mountTmpfs(t, "size=8m") }, "min_free_bytes: 4194304", 4 * mebibyte},
		"ext4, min_free_bytes":  {func(t *testing.T) string { t.Helper(); return mountImage(t, newImage(t, 16*mebibyte)) }, "min_free_bytes: 4194304", 4 * mebibyte},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			disk := tc.mount(t)
			directory := filepath.Join(disk, "data")
			c := harness.Start(t, harness.Options{
				Directory: directory,
				Config:    componentStatusConfig + "exporters: {daily_jsonl: {" + tc.config + "}}\n",
				Flags:     []string{componentStatusGate},
			})
			ballast := filepath.Join(disk, "ballast")
			fillDisk(t, disk, ballast, tc.free+leftToFill)

			load := harness.StartLoad(t, c, harness.LoadOptions{Connections: 16, Pause: 100 * time.Millisecond, MayRefuse: true})
			for range 3 {
				awaitStatus(t, c, "StatusRecoverableError")
				answer := c.MustPost(t, largeLog)
				require.Equal(t, 503, answer.Status)
				require.NotEmpty(t, answer.Header.Get("Retry-After"))
				// File systems allocate whole blocks.
				require.GreaterOrEqual(t, freeBytes(t, disk)+64<<10, tc.free)

				require.NoError(t, os.Truncate(ballast, 0))
				awaitAcknowledged(t, load, 50)
				awaitStatus(t, c, "StatusOK")
				fillDisk(t, disk, ballast, tc.free+leftToFill)
			}
			load.Stop()
			c.Stop(t)
			load.Ledger.Check(t, stored(directory))
		})
	}
}

// A collector starts on a full disk and recovers when there is space.
func TestStartOnFullDisk(t *testing.T) {
	t.Parallel()
	disk := mountTmpfs(t, "size=1m")
	ballast := filepath.Join(disk, "ballast")
	fillDisk(t, disk, ballast, 0)
	directory := filepath.Join(disk, "data")
	c := harness.Start(t, harness.Options{Directory: directory, Config: "exporters: {daily_jsonl: {min_free_bytes: 0}}"})
	require.Equal(t, 503, c.MustPost(t, oneLog).Status)
	require.NoError(t, os.Remove(ballast))
	require.Equal(t, 200, c.MustPost(t, oneLog).Status)
	require.Len(t, stored(directory).Next(t), 1)
}

// leftToFill is the space that is left for the load. largeLog does not fit into it.
const leftToFill = 256 << 10

var largeLog = []byte(`{"logs":[{"message":"` + strings.Repeat("x", leftToFill) + `"}]}`)

// awaitStatus waits until the health check reports a status.
func awaitStatus(t *testing.T, c *harness.Collector, want string) {
	t.Helper()
	require.Eventually(t, func() bool {
		res, err := http.Get(c.HealthURL)
		if err != nil {
			return false
		}
		defer res.Body.Close()
		var health struct{ Status string }
		return json.NewDecoder(res.Body).Decode(&health) == nil && health.Status == want
	}, time.Minute, 5*time.Millisecond, "the health check does not report %s", want)
}

// fillDisk writes a file until the disk has that many bytes left.
func fillDisk(t *testing.T, disk, path string, left uint64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	require.NoError(t, err)
	defer f.Close()
	for free := freeBytes(t, disk); free > left; free = freeBytes(t, disk) {
		_, err := io.CopyN(f, zeros{}, int64(min(free-left, 64<<10)))
		if err != nil {
			require.ErrorIs(t, err, syscall.ENOSPC)
			return
		}
		require.NoError(t, f.Sync())
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func freeBytes(t *testing.T, disk string) uint64 {
	t.Helper()
	var fs syscall.Statfs_t
	require.NoError(t, syscall.Statfs(disk, &fs))
	return fs.Bavail * uint64(fs.Bsize)
}
