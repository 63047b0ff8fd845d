// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package e2e

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/demodata"
	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// makeRunTimeout limits the wait for the output of `make run`, which may build first.
const makeRunTimeout = 10 * time.Minute

// The README's promise: after `make run` in a fresh checkout, the curl command that it
// prints works, the lines are in the files that it names, and Ctrl-C stops it.
func TestMakeRun(t *testing.T) {
	t.Parallel()
	checkout := freshCheckout(t)
	run := exec.Command("make", "run")
	run.Dir = checkout
	run.Env = append(environmentWithout("TELEMETRY_"),
		"TELEMETRY_ENDPOINT="+fmt.Sprintf("127.0.0.1:%d", harness.FreePort(t)),
		"GIT_DIR="+gitDir(t), "GIT_OPTIONAL_LOCKS=0") // for the same version as the binary
	run.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	output := &transcript{}
	run.Stdout, run.Stderr = output, output
	require.NoError(t, run.Start())
	exited := make(chan struct{})
	go func() {
		_ = run.Wait() // make fails when it is interrupted
		close(exited)
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-run.Process.Pid, syscall.SIGKILL)
		if t.Failed() {
			t.Logf("output of make run:\n%s", output)
		}
	})

	require.Eventually(t, func() bool { return strings.Contains(output.String(), "Ctrl-C stops it") },
		makeRunTimeout, 50*time.Millisecond, "make run does not print what to do")
	var curl string
	var files []string
	for line := range strings.Lines(output.String()) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "curl "):
			curl = line
		case strings.HasPrefix(line, checkout) && strings.HasSuffix(line, ".jsonl"):
			files = append(files, line)
		}
	}

	answer, err := exec.Command("sh", "-c", curl).Output()
	require.NoError(t, err, curl)
	require.Equal(t, `{"received":{"logs":1,"metrics":1,"traces":1},"status":"ok"}`, canonical(t, answer))
	require.Len(t, files, len(demodata.Signals))
	for i, signal := range demodata.Signals {
		content, err := os.ReadFile(files[i])
		require.NoError(t, err)
		_, err = harness.ParseLine(signal, bytes.TrimSuffix(content, []byte{'\n'}))
		require.NoError(t, err, "%s: %q", files[i], content)
	}

	require.NoError(t, syscall.Kill(-run.Process.Pid, syscall.SIGINT)) // as a terminal does
	select {
	case <-exited:
	case <-time.After(time.Minute):
		require.FailNow(t, "make run ignores Ctrl-C")
	}
	require.Contains(t, output.String(), "Shutdown complete")
}

// freshCheckout copies the repository and what is built from it to a new directory.
func freshCheckout(t *testing.T) string {
	t.Helper()
	checkout := t.TempDir()
	copyFiles := exec.Command("sh", "-c", `
		{ git ls-files -z --cached --others --exclude-standard &&
		  find _build -type f ! -name '*_*_*' -print0; } |
		tar --create --null --files-from=- --ignore-failed-read | tar --extract --directory="$0"`, checkout)
	copyFiles.Dir = harness.Root(t)
	output, err := copyFiles.CombinedOutput()
	require.NoError(t, err, "%s", output)
	return checkout
}

func gitDir(t *testing.T) string {
	t.Helper()
	git := exec.Command("git", "rev-parse", "--absolute-git-dir")
	git.Dir = harness.Root(t)
	output, err := git.Output()
	require.NoError(t, err)
	return filepath.Clean(strings.TrimSpace(string(output)))
}

// environmentWithout returns the environment without variables that have the prefix.
func environmentWithout(prefix string) []string {
	var kept []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, prefix) {
			kept = append(kept, variable)
		}
	}
	return kept
}

// transcript collects the output of a process. It is safe for concurrent use.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

var _ io.Writer = (*transcript)(nil)

func (tr *transcript) Write(p []byte) (int, error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.text.Write(p)
}

func (tr *transcript) String() string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.text.String()
}
