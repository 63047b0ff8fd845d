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

// sysProcAttr lets the kernel end the collector with the test process, should
// that die before its clean-up.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

var peakMemory = regexp.MustCompile(`\nVmHWM:\s*(\d+) kB\n`)

// PeakMemory is the most memory, in bytes, that the process had in use at a
// time. Once it has ended there is nothing to tell it, and 0 is returned.
func (p *Process) PeakMemory() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	m := peakMemory.FindSubmatch(status)
	if m == nil {
		return 0, nil // it has ended
	}
	kilobytes, err := strconv.ParseInt(string(m[1]), 10, 64)
	return kilobytes << 10, err
}
