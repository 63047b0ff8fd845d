// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Process is a program that runs beside the tests. It does not outlive them.
type Process struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when cmd has ended
}

// StartProcess starts a command. What it writes to stdout and stderr is
// appended to the file log.
func StartProcess(cmd *exec.Cmd, log string) (*Process, error) {
	output, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	defer output.Close() // the process has it open for itself
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = sysProcAttr()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, exited: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended is in its ProcessState
		close(p.exited)
	}()
	return p, nil
}

// Exited is closed when the process has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// State tells how the process ended, once it has.
func (p *Process) State() *os.ProcessState { return p.cmd.ProcessState }

// Await waits for what the process is expected to do, and not for one that
// has ended. The error says that it did not do what.
func (p *Process) Await(what string, done func() bool) error {
	deadline := time.After(startTimeout)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-p.exited:
			return fmt.Errorf("did not %s, but ended: %v", what, p.State())
		case <-deadline:
			return fmt.Errorf("hangs: did not %s within %v", what, startTimeout)
		}
	}
	return nil
}

// Signal sends a signal to the process.
func (p *Process) Signal(signal os.Signal) error { return p.cmd.Process.Signal(signal) }

// Kill ends the process as a crash would, by SIGKILL, and waits until it has
// ended. One that had ended before is an error.
func (p *Process) Kill() error {
	err := p.cmd.Process.Kill()
	<-p.exited
	return err
}

// Stop sends SIGTERM and waits until the process has ended. One that ignores
// it is killed after a minute, which is an error.
func (p *Process) Stop() error {
	_ = p.Signal(syscall.SIGTERM) // fails when it has ended
	select {
	case <-p.exited:
		return nil
	case <-time.After(stopTimeout):
		return errors.Join(fmt.Errorf("ran on %v after SIGTERM and had to be killed", stopTimeout), p.Kill())
	}
}
