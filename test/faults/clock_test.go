// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package faults

import (
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// clock sets the wall clock of a collector ahead of the machine's. The monotonic
// clock of the process does not change, as when somebody sets a machine's clock.
//
// The collector is built from the same sources, with an overlay for time.Now of the
// standard library. Other ways don't work: time namespaces have no wall clock, a Go
// program uses no C library that could be preloaded, and the machine's own clock
// belongs to all its programs.
type clock struct{ file string }

//go:embed testdata/shift.go.txt
var shiftSource []byte

// newClock returns a clock and the options of a collector that uses it.
func newClock(t *testing.T) (clock, harness.Options) {
	t.Helper()
	c := clock{filepath.Join(t.TempDir(), "shift")}
	c.set(t, 0)
	return c, harness.Options{Binary: shiftableCollector(t), Env: []string{"CLOCK_SHIFT_FILE=" + c.file}}
}

// set sets the offset to the machine's clock.
func (c clock) set(t *testing.T, ahead time.Duration) {
	t.Helper()
	// The file is written in place: the collector has mapped it.
	f, err := os.OpenFile(c.file, os.O_CREATE|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	_, err = f.WriteAt(binary.NativeEndian.AppendUint64(nil, uint64(ahead/time.Second)), 0)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

// building makes tests build the collector one after the other.
var building sync.Mutex

// shiftableCollector builds a collector whose clock can be shifted and returns its
// path.
func shiftableCollector(t *testing.T) string {
	t.Helper()
	building.Lock()
	defer building.Unlock()

	original := filepath.Join(strings.TrimSpace(run(t, "go", "env", "GOROOT")), "src", "time", "time.go")
	source, err := os.ReadFile(original)
	require.NoError(t, err)
	const call = "sec, nsec, mono := runtimeNow()\n"
	require.Equal(t, 1, strings.Count(string(source), "func Now() Time {\n\t"+call), "time.Now is different in this version of Go")
	shifted := strings.Replace(string(source), "func Now() Time {\n\t"+call, "func Now() Time {\n\tsec, nsec, mono := shiftedNow()\n", 1)

	own := t.TempDir()
	replacement, addition := filepath.Join(own, "time.go"), filepath.Join(own, "shift.go")
	require.NoError(t, os.WriteFile(replacement, []byte(shifted), 0o600))
	require.NoError(t, os.WriteFile(addition, shiftSource, 0o600))
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
		original: replacement,
		filepath.Join(filepath.Dir(original), "shift.go"): addition,
	}})
	require.NoError(t, err)
	overlayFile := filepath.Join(own, "overlay.json")
	require.NoError(t, os.WriteFile(overlayFile, overlay, 0o600))

	const name = "otelcol-saberloop-shiftable"
	build := exec.Command("go", "build", "-overlay", overlayFile, "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", name, ".")
	build.Dir = filepath.Dir(harness.Binary(t))
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	output, err := build.CombinedOutput()
	require.NoError(t, err, "%s", output)
	return filepath.Join(build.Dir, name)
}

// Midnight under load: every entry is in the file of the day of its received_at,
// exactly once.
func TestMidnight(t *testing.T) {
	t.Parallel()
	clock, options := newClock(t)
	now := time.Now().UTC()
	midnight := now.Truncate(24 * time.Hour).Add(24 * time.Hour)
	clock.set(t, midnight.Sub(now)-5*time.Second)
	c := harness.Start(t, options)
	load := harness.StartLoad(t, c, harness.LoadOptions{Connections: 16})
	require.Eventually(t, func() bool { return len(dayFiles(t, c.Directory)) == 6 }, time.Minute, 100*time.Millisecond,
		"no second day's files")
	awaitAcknowledged(t, load, 100)
	load.Stop()
	c.Stop(t)
	load.Ledger.Check(t, stored(c.Directory))
}
