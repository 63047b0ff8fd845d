// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package backends

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// importTimeout bounds the wait for an import that never ends.
const importTimeout = 20 * time.Minute

// startImport starts the real binary with import.yaml, which reads day files
// from directory and remembers in position what was delivered. It is stopped
// with the test, and its log, the file whose path is returned, is shown if
// that fails.
func (s *servers) startImport(tb testing.TB, directory, position string) (process *harness.Process, log string) {
	tb.Helper()
	cmd := exec.Command(harness.Binary(tb), "--config", filepath.Join(harness.Root(tb), "analysis/collector/import.yaml"))
	cmd.Env = append(append(os.Environ(), s.importEnv...),
		"TELEMETRY_DIR="+directory, "POSITION_DIR="+position, "FROM=", "TO=")
	log = filepath.Join(tb.TempDir(), "import.log")
	process, err := harness.StartProcess(cmd, log)
	require.NoError(tb, err)
	tb.Cleanup(func() {
		assert.NoError(tb, process.Stop())
		if tb.Failed() {
			tb.Logf("log of the import:\n%s", lastOf(log))
		}
	})
	return process, log
}

// importDays imports day files whole, and returns what the import logged.
func (s *servers) importDays(tb testing.TB, directory, position string) string {
	tb.Helper()
	process, log := s.startImport(tb, directory, position)
	select {
	case <-process.Exited():
	case <-time.After(importTimeout):
		require.FailNow(tb, "import hangs")
	}
	text, err := os.ReadFile(log)
	require.NoError(tb, err)
	require.Zero(tb, process.State().ExitCode(), "exit code of the import")
	return string(text)
}
