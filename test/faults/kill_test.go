// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package faults

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// kill -9 at random moments under load, again and again, sometimes while the
// collector is still starting: every acknowledged entry is stored exactly
// once, every other at most once, every line is whole.
func TestKill(t *testing.T) {
	t.Parallel()
	const rounds = 50
	c := harness.Start(t, harness.Options{})
	load := harness.StartLoad(t, c, harness.LoadOptions{Connections: 32})
	for range rounds {
		if rand.IntN(5) == 0 {
			c.Kill(t)
			c.Launch(t)
		}
		pass(time.Duration(rand.IntN(400)) * time.Millisecond)
		c.Kill(t)
		c.Restart(t)
	}
	load.Stop()
	c.Stop(t)

	tally := load.Ledger.Check(t, stored(c.Directory))
	sent, acknowledged := load.Ledger.Batches()
	t.Logf("%d kills; %d of %d batches acknowledged; %d entries acknowledged and stored, %d stored unacknowledged",
		rounds, acknowledged, sent, tally.Acknowledged, tally.Unacknowledged)
}

// pass lets time pass: what goes on meanwhile is the point.
func pass(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
}
