// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Package faults damages the real otelcol-saberloop under load: its process,
// its disk, its files, its clock. Afterwards every acknowledged entry has to be
// stored exactly once. The tests mount file systems and need root.
package faults

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// newRand returns the random numbers that choose a test's faults. The seed is in
// the log; set SEED to use one again.
func newRand(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err, "SEED")
	}
	t.Logf("SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// wait lets a test's load run for a while.
func wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
}

// randomDuration is a whole number of milliseconds below the limit.
func randomDuration(r *rand.Rand, limit time.Duration) time.Duration {
	return time.Duration(r.Int64N(limit.Milliseconds())) * time.Millisecond
}

// stored returns a reader of a directory that may hold torn ends.
func stored(directory string) *harness.Reader {
	return &harness.Reader{Directory: directory, Ignore: func(path string) bool {
		return strings.Contains(path, ".jsonl.torn-")
	}}
}
