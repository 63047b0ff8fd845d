// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package backends

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// importTimeout limits the wait for the end of an import.
const importTimeout = 20 * time.Minute

// startImport starts the real binary with import.yaml. It reads day files from directory
// and saves its position in position. It stops when the test ends; its log is shown if
// the test failed. The path of the log is returned.
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

// importDays imports all day files and returns the log.
func (s *servers) importDays(tb testing.TB, directory, position string) string {
	tb.Helper()
	process, log := s.startImport(tb, directory, position)
	select {
	case <-process.Exited():
	case <-time.After(importTimeout):
		require.FailNow(tb, "the import does not end")
	}
	text, err := os.ReadFile(log)
	require.NoError(tb, err)
	require.Zero(tb, process.State().ExitCode(), "exit code of the import")
	return string(text)
}

// program is a collector that runs during a test.
type program struct {
	configs []string // paths in the repository
	env     []string
	log     string
	process *harness.Process
}

func newProgram(t *testing.T, name string, env []string, configs ...string) *program {
	t.Helper()
	p := &program{configs: configs, env: env, log: filepath.Join(t.TempDir(), name+".log")}
	t.Cleanup(func() {
		if p.process != nil {
			assert.NoError(t, p.process.Stop())
		}
		if t.Failed() {
			t.Logf("log of %s:\n%s", name, lastOf(p.log))
		}
	})
	return p
}

func (p *program) start(t *testing.T) {
	t.Helper()
	cmd := exec.Command(harness.Binary(t))
	for _, config := range p.configs {
		cmd.Args = append(cmd.Args, "--config", filepath.Join(harness.Root(t), config))
	}
	cmd.Env = append(os.Environ(), p.env...)
	var err error
	p.process, err = harness.StartProcess(cmd, p.log)
	require.NoError(t, err)
}

// A collector that a user already runs gets what the servers would get, and needs no
// processors.
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
