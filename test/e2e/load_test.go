// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// Ten thousand mixed batches from 64 connections: all are acknowledged, and
// every entry is in the files exactly once, equal to what was sent.
func TestManyConnections(t *testing.T) {
	t.Parallel()
	const batches = 10_000
	c := harness.Start(t, harness.Options{})
	load := harness.StartLoad(t, c, harness.LoadOptions{Connections: 64, Batches: batches})
	load.Wait()
	c.Stop(t)

	sent, acknowledged := load.Ledger.Batches()
	require.Equal(t, batches, sent)
	require.Equal(t, batches, acknowledged)
	tally := load.Ledger.Check(t, &harness.Reader{Directory: c.Directory})
	t.Logf("%d batches, %d entries", acknowledged, tally.Acknowledged)
}
