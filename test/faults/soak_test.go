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

// defaultSoak is how long the soak lasts where the environment's SOAK does not
// say.
const defaultSoak = 10 * time.Minute

// The soak: one fault after the other, at random, under load. At the end not
// one acknowledged entry is missing, and none is there twice.
func TestSoak(t *testing.T) {
	t.Parallel()
	duration := defaultSoak
	if said := os.Getenv("SOAK"); said != "" {
		var err error
		duration, err = time.ParseDuration(said)
		require.NoError(t, err, "SOAK")
	}
	s := newSoak(t)
	load := harness.StartLoad(t, s.collector, harness.LoadOptions{Connections: 16, Pause: 100 * time.Millisecond})
	for deadline := time.Now().Add(duration); time.Now().Before(deadline); {
		pass(time.Duration(rand.IntN(2000)) * time.Millisecond)
		fault := soakFaults[rand.IntN(len(soakFaults))]
		fault.strike(s, t)
		s.faults[fault.name]++
		awaitAcknowledged(t, load, 1) // whatever it was, it goes on
	}
	load.Stop()
	s.collector.Stop(t)

	tally := load.Ledger.Check(t, s.readers...)
	sent, acknowledged := load.Ledger.Batches()
	t.Logf("soak of %v: %d of %d batches acknowledged, %d entries; %d more entries stored; faults: %v; restarts: %d; none missing, none doubled",
		duration, acknowledged, sent, tally.Acknowledged, tally.Unacknowledged, s.faults, s.restarts)
}

// soak is a collector that has much to bear.
type soak struct {
	collector *harness.Collector
	clock     clock
	disk      string // the file system that the day files are on
	readers   []*harness.Reader
	// compresses is whether closed days are compressed at the moment.
	compresses bool

	faults   map[string]int
	restarts int
}

// soakConfig keeps all days: after a jump of the clock they would be too old.
const soakConfig = "exporters: {daily_jsonl: {retention: {days: 0}, compression: %s}}"

func newSoak(t *testing.T) *soak {
	t.Helper()
	s := &soak{disk: mountTmpfs(t, "size=2g"), faults: map[string]int{}}
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
	compression := []string{"none", "gzip", "zstd"}[rand.IntN(3)]
	s.compresses = compression != "none"
	s.collector.Reload(t, fmt.Sprintf(soakConfig, compression))
}

// fillUp leaves no byte of the disk, for a while in which the collector may be
// killed on top of that.
func (s *soak) fillUp(t *testing.T) {
	t.Helper()
	ballast := filepath.Join(s.disk, "ballast")
	fillDisk(t, s.disk, ballast, 0)
	pass(time.Duration(rand.IntN(1000)) * time.Millisecond)
	if rand.IntN(2) == 0 {
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

// takeFiles takes all day files to where only the test finds them again. Files
// that are just being compressed would be found twice, so it leaves them alone.
func (s *soak) takeFiles(t *testing.T, take func(from, to string) error) {
	t.Helper()
	if s.compresses {
		return
	}
	s.readers = append(s.readers, takeAway(t, s.collector.Directory, s.disk, take))
}

// jump sets the clock: back to the machine's, by seconds, hours, days, a year.
func (s *soak) jump(t *testing.T) {
	t.Helper()
	const day = 24 * time.Hour
	scales := []time.Duration{0, time.Minute, time.Hour, day, 30 * day, 365 * day}
	scale := scales[rand.IntN(len(scales))]
	s.clock.set(t, time.Duration((2*rand.Float64()-1)*float64(scale)))
}
