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

// Process is a program that runs during a test.
type Process struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when cmd has exited
}

// StartProcess starts a command. Its output is appended to the file log.
func StartProcess(cmd *exec.Cmd, log string) (*Process, error) {
	output, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	defer output.Close() // the process has its own handle
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = sysProcAttr()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, exited: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // the result is in ProcessState
		close(p.exited)
	}()
	return p, nil
}

// Exited returns a channel that is closed when the process has exited.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// PID returns the ID of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// State returns the state of a process that has exited.
func (p *Process) State() *os.ProcessState { return p.cmd.ProcessState }

// Await waits until done returns true. It is an error if the process exits before.
// The text what completes "did not …" in the error.
func (p *Process) Await(what string, done func() bool) error {
	deadline := time.After(startTimeout)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-p.exited:
			return fmt.Errorf("did not %s but exited: %v", what, p.State())
		case <-deadline:
			return fmt.Errorf("did not %s within %v", what, startTimeout)
		}
	}
	return nil
}

// Signal sends a signal to the process.
func (p *Process) Signal(signal os.Signal) error { return p.cmd.Process.Signal(signal) }

// Kill sends SIGKILL and waits for the exit. It is an error if the process has
// exited before.
func (p *Process) Kill() error {
	err := p.cmd.Process.Kill()
	<-p.exited
	return err
}

// Stop sends SIGTERM and waits for the exit. After a minute it kills the process,
// which is an error.
func (p *Process) Stop() error {
	_ = p.Signal(syscall.SIGTERM) // fails if it has exited
	select {
	case <-p.exited:
		return nil
	case <-time.After(stopTimeout):
		return errors.Join(fmt.Errorf("still ran %v after SIGTERM and was killed", stopTimeout), p.Kill())
	}
}
