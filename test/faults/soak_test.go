// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package faults

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// defaultSoak is the duration of the soak unless SOAK sets it.
const defaultSoak = 10 * time.Minute

// Random faults under load, one after the other. In the end every acknowledged
// entry is stored exactly once.
func TestSoak(t *testing.T) {
	t.Parallel()
	duration := defaultSoak
	if text := os.Getenv("SOAK"); text != "" {
		var err error
		duration, err = time.ParseDuration(text)
		require.NoError(t, err, "SOAK")
	}
	s := newSoak(t)
	load := harness.StartLoad(t, s.collector, harness.LoadOptions{Connections: 16, Pause: 100 * time.Millisecond, MayRefuse: true, MayBreak: true})
	for deadline := time.Now().Add(duration); time.Now().Before(deadline); {
		wait(randomDuration(s.rand, 2*time.Second))
		fault := soakFaults[s.rand.IntN(len(soakFaults))]
		fault.strike(s, t)
		s.faults[fault.name]++
		awaitAcknowledged(t, load, 1)
	}
	load.Stop()
	s.collector.Stop(t)

	tally := load.Ledger.Check(t, s.readers...)
	sent, acknowledged := load.Ledger.Batches()
	t.Logf("soak of %v: %d of %d batches acknowledged, %d entries, all stored once; %d entries stored unacknowledged; faults: %v; restarts: %d",
		duration, acknowledged, sent, tally.Acknowledged, tally.Unacknowledged, s.faults, s.restarts)
	require.NotEmpty(t, s.faults)
	require.GreaterOrEqual(t, tally.Acknowledged, acknowledged)
}

// soak is a collector and what the faults change.
type soak struct {
	rand      *rand.Rand
	collector *harness.Collector
	clock     clock
	disk      string // the file system that the day files are on
	readers   []*harness.Reader
	// compresses tells whether the collector compresses closed days.
	compresses bool

	faults   map[string]int
	restarts int
}

// soakConfig keeps all days: retention would delete them after a clock jump.
const soakConfig = "exporters: {daily_jsonl: {retention: {days: 0}, compression: %s}}"

func newSoak(t *testing.T) *soak {
	t.Helper()
	s := &soak{rand: newRand(t), disk: mountTmpfs(t, "size=2g"), faults: map[string]int{}}
	var options harness.Options
	s.clock, options = newClock(t)
	options.Directory = filepath.Join(s.disk, "data")
	options.Config = fmt.Sprintf(soakConfig, "none")
	s.collector = harness.Start(t, options)
	s.readers = []*harness.Reader{stored(options.Directory)}
	return s
}

var soakFaults = []struct {
	name   string
	strike func(*soak, *testing.T)
}{
	{"kill", (*soak).kill},
	{"terminate", (*soak).terminate},
	{"reload", (*soak).reload},
	{"full disk", (*soak).fillUp},
	{"files deleted", (*soak).deleteFiles},
	{"files renamed", (*soak).renameFiles},
	{"clock jump", (*soak).jump},
}

func (s *soak) kill(t *testing.T) {
	t.Helper()
	s.collector.Kill(t)
	s.restart(t)
}

func (s *soak) terminate(t *testing.T) {
	t.Helper()
	s.collector.Stop(t)
	s.restart(t)
}

func (s *soak) restart(t *testing.T) {
	t.Helper()
	s.collector.Restart(t)
	s.restarts++
}

func (s *soak) reload(t *testing.T) {
	t.Helper()
	compression := []string{"none", "gzip", "zstd"}[s.rand.IntN(3)]
	s.compresses = compression != "none"
	s.collector.Reload(t, fmt.Sprintf(soakConfig, compression))
}

// fillUp fills the disk for a while. Every second time it kills the collector
// meanwhile.
func (s *soak) fillUp(t *testing.T) {
	t.Helper()
	ballast := filepath.Join(s.disk, "ballast")
	fillDisk(t, s.disk, ballast, 0)
	wait(randomDuration(s.rand, time.Second))
	if s.rand.IntN(2) == 0 {
		s.kill(t)
	}
	require.NoError(t, os.Remove(ballast))
}

func (s *soak) deleteFiles(t *testing.T) {
	t.Helper()
	s.takeFiles(t, linkAndRemove)
}

func (s *soak) renameFiles(t *testing.T) {
	t.Helper()
	s.takeFiles(t, os.Rename)
}

// takeFiles moves all day files out of the collector's directory. It does nothing
// while the collector compresses: a file and its compressed version would both
// be read.
func (s *soak) takeFiles(t *testing.T, take func(from, to string) error) {
	t.Helper()
	if s.compresses {
		return
	}
	s.readers = append(s.readers, takeAway(t, s.collector.Directory, s.disk, take))
}

// jump moves the clock by up to a year, or back to the machine's time.
func (s *soak) jump(t *testing.T) {
	t.Helper()
	const day = 24 * time.Hour
	scales := []time.Duration{0, time.Minute, time.Hour, day, 30 * day, 365 * day}
	scale := scales[s.rand.IntN(len(scales))]
	s.clock.set(t, time.Duration((2*s.rand.Float64()-1)*float64(scale)))
}
