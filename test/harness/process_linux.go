// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"syscall"
)

// sysProcAttr makes the kernel kill the collector when the test process dies.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

var peakMemory = regexp.MustCompile(`\nVmHWM:\s*(\d+) kB\n`)

// PeakMemory returns the peak resident memory of the process in bytes, or 0 if it
// has exited.
func (p *Process) PeakMemory() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	m := peakMemory.FindSubmatch(status)
	if m == nil {
		return 0, nil // it has exited
	}
	kilobytes, err := strconv.ParseInt(string(m[1]), 10, 64)
	return kilobytes << 10, err
}
