// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Package attacks attacks the real otelcol-saberloop as strangers on the internet
// do: it runs with the shipped configuration on one core, in 256 MB of memory.
// Browsers that behave have to be served all the while, the collector's memory,
// files and goroutines have to stay bounded, and what was acknowledged has to be
// stored exactly once.
//
// All traffic goes to loopback addresses. Clients bind to different ones, so that
// the collector sees many clients. The tests need root, for the memory limit and
// for mounts. ATTACKS=long makes them take minutes instead of seconds.
package attacks

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// openFiles is the number of files that the tests may have open: 5,000 slow
// connections, those that flood, and the rest.
const openFiles = 12_000

func TestMain(m *testing.M) {
	limit := syscall.Rlimit{Cur: openFiles, Max: openFiles}
	var now syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &now); err != nil || now.Cur < openFiles {
		limit.Max = max(limit.Max, now.Max)
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			fmt.Fprintf(os.Stderr, "raise the number of open files to %d: %v\n", openFiles, err)
			os.Exit(1)
		}
	}
	goleak.VerifyTestMain(m)
}

// long reports whether the tests run in their long form.
func long() bool { return os.Getenv("ATTACKS") == "long" }

// attackTime is how long an attack lasts.
func attackTime(short time.Duration) time.Duration {
	if long() {
		return time.Minute
	}
	return short
}

// addressOf returns the n-th loopback address of a range. Ranges keep attackers
// and browsers apart.
func addressOf(addresses, n int) string {
	return fmt.Sprintf("127.%d.%d.%d", addresses, n/250, 1+n%250)
}

// The ranges of loopback addresses.
const (
	ofBrowsers  = 11
	ofAttackers = 66
	ofFlood     = 77
)

func needRoot(t *testing.T) {
	t.Helper()
	require.Zero(t, os.Getuid(), "run as root: `make test-attacks`")
}

// wait lets an attack run for a while.
func wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
}
