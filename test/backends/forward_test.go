// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package backends

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// A collector that one already has gets what the servers would have got, and
// needs no processors of its own.
func TestForward(t *testing.T) {
	s := ownServers(t)
	days := writeMonth(t, t.TempDir(), 1, 200)
	collector := fmt.Sprintf("127.0.0.1:%d", harness.FreePort(t))
	env := append(s.importEnv, "COLLECTOR="+collector, "TELEMETRY_DIR="+days.Directory, "POSITION_DIR="+t.TempDir())
	existing := newProgram(t, "existing.yaml", env, "test/backends/testdata/existing.yaml")
	existing.start(t)
	forward := newProgram(t, "forward.yaml", env, "analysis/collector/import.yaml", "analysis/collector/forward.yaml")
	forward.start(t)

	<-forward.process.Exited()
	require.Zero(t, forward.process.State().ExitCode(), "exit code")
	// Stopped, it sends what is in its queues.
	require.NoError(t, existing.process.Stop())
	s.requireHold(t, readDayFiles(t, days.Directory))
}
