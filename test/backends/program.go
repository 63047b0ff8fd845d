// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package backends

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// program is a collector that runs beside the tests.
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
