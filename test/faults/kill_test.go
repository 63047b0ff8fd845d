// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package faults

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/synthetic"
	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// kill -9 at random moments under load, again and again, sometimes while the
// collector is still starting: every acknowledged entry is stored exactly
// once, every other at most once, every line is whole. That the machine goes
// on saves also what was not synced.
func TestKill(t *testing.T) {
	t.Parallel()
	for mode, rounds := range map[string]int{"commit": 50, "interval": 10, "none": 10} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			c := harness.Start(t, harness.Options{Config: "exporters: {daily_jsonl: {sync: " + mode + "}}"})
			load := harness.StartLoad(t, c, harness.LoadOptions{Connections: 32})
			for range rounds {
				killSometime(t, c)
				c.Restart(t)
			}
			load.Stop()
			c.Stop(t)

			tally := load.Ledger.Check(t, stored(c.Directory))
			sent, acknowledged := load.Ledger.Batches()
			t.Logf("%d kills; %d of %d batches acknowledged; %d entries acknowledged and stored, %d stored unacknowledged",
				rounds, acknowledged, sent, tally.Acknowledged, tally.Unacknowledged)
		})
	}
}

// kill -9 while closed days are compressed: after a restart there is exactly
// one good version of each, in the end the compressed one, with all its lines.
func TestKillWhileCompressing(t *testing.T) {
	t.Parallel()
	const (
		days = 5
		size = 16 << 20 // of a day, in bytes
	)
	for _, compression := range []string{"gzip", "zstd"} {
		t.Run(compression, func(t *testing.T) {
			t.Parallel()
			directory := t.TempDir()
			contents := map[string][sha256.Size]byte{}
			for n := range days {
				day := time.Now().UTC().AddDate(0, 0, -2-n).Format(time.DateOnly)
				contents[day] = writeDay(t, directory, day, size)
			}
			c := harness.Start(t, harness.Options{
				Directory: directory,
				Config:    "exporters: {daily_jsonl: {compression: " + compression + "}}",
			})
			kills := 0
			for ; len(dayFiles(t, directory)) > 0; kills++ {
				killSometime(t, c)
				c.Restart(t)
				checkDays(t, directory, contents)
			}
			c.Stop(t)
			checkDays(t, directory, contents)
			t.Logf("%d kills until all was compressed", kills)
		})
	}
}

// killSometime kills the collector at a moment that nobody can foresee, now
// and then while it is still starting after another kill.
func killSometime(t *testing.T, c *harness.Collector) {
	t.Helper()
	if rand.IntN(5) == 0 {
		c.Kill(t)
		c.Launch(t)
	}
	pass(time.Duration(rand.IntN(400)) * time.Millisecond)
	c.Kill(t)
}

// writeDay writes a day file of logs of about that size and returns the sum of
// its contents.
func writeDay(t *testing.T, directory, day string, size int) [sha256.Size]byte {
	t.Helper()
	var content []byte
	for mix := (synthetic.Mix{Seed: 1}); len(content) < size; {
		// Lines that do not compress away to nothing.
		for _, e := range mix.Batch(rand.IntN(1_000_000)).Entries {
			content = append(content, bytes.TrimSuffix(e.JSON, []byte("}"))...)
			content = fmt.Appendf(content, `,"received_at":"%sT12:00:00Z"}`+"\n", day)
		}
	}
	path := filepath.Join(directory, "logs", day+".jsonl")
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return sha256.Sum256(content)
}

// checkDays checks that there is a whole version of each day's file of logs.
// While one takes the place of the other there may be both for a moment.
func checkDays(t *testing.T, directory string, contents map[string][sha256.Size]byte) {
	t.Helper()
	for day, want := range contents {
		var found int
		for _, suffix := range []string{"", ".gz", ".zst"} {
			content, err := harness.ReadFile(filepath.Join(directory, "logs", day+".jsonl"+suffix))
			if errors.Is(err, os.ErrNotExist) {
				continue
			}
			require.NoError(t, err)
			require.Equal(t, want, sha256.Sum256(content), "%s%s", day, suffix)
			found++
		}
		require.NotZero(t, found, "no version of %s", day)
	}
}

// pass lets time pass: what goes on meanwhile is the point.
func pass(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
}
