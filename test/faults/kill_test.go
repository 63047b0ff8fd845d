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

	"github.com/saberloop/otelcol-saberloop/test/harness"
	"github.com/saberloop/otelcol-saberloop/test/synthetic"
)

// Kills at random moments under load, some while the collector is still
// starting. Every acknowledged entry is stored exactly once, every other entry
// at most once, every line is whole. That holds for every sync mode, because the
// kernel keeps what was written.
func TestKill(t *testing.T) {
	t.Parallel()
	for mode, kills := range map[string]int{"commit": 50, "interval": 10, "none": 10} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			r := newRand(t)
			c := harness.Start(t, harness.Options{Config: "exporters: {daily_jsonl: {sync: " + mode + "}}"})
			load := harness.StartLoad(t, c, harness.LoadOptions{Connections: 32, MayBreak: true})
			for range kills {
				awaitAcknowledged(t, load, 1)
				killSometime(t, c, r)
				c.Restart(t)
			}
			awaitAcknowledged(t, load, 1)
			load.Stop()
			c.Stop(t)

			tally := load.Ledger.Check(t, stored(c.Directory))
			sent, acknowledged := load.Ledger.Batches()
			t.Logf("%d kills; %d of %d batches acknowledged; %d entries acknowledged and stored, %d stored unacknowledged",
				kills, acknowledged, sent, tally.Acknowledged, tally.Unacknowledged)
			require.Greater(t, acknowledged, kills)
			require.Greater(t, sent, acknowledged, "no kill hit a request")
			require.GreaterOrEqual(t, tally.Acknowledged, acknowledged)
		})
	}
}

// Kills while closed days are compressed. After each restart there is a whole
// version of every day, and the collector appends to the current day. In the end
// every day is compressed and has all its lines.
func TestKillWhileCompressing(t *testing.T) {
	t.Parallel()
	const (
		days     = 5
		size     = 16 << 20 // of a day, in bytes
		maxKills = 20
	)
	for _, compression := range []string{"gzip", "zstd"} {
		t.Run(compression, func(t *testing.T) {
			t.Parallel()
			r := newRand(t)
			directory := t.TempDir()
			contents := map[string][sha256.Size]byte{}
			for n := range days {
				day := time.Now().UTC().AddDate(0, 0, -2-n).Format(time.DateOnly)
				contents[day] = writeDay(t, r, directory, day, size)
			}
			uncompressed := func() (n int) {
				for day := range contents {
					if _, err := os.Stat(filepath.Join(directory, "logs", day+".jsonl")); err == nil {
						n++
					}
				}
				return n
			}
			c := harness.Start(t, harness.Options{
				Directory: directory,
				Config:    "exporters: {daily_jsonl: {compression: " + compression + "}}",
			})
			kills, interruptions := 0, 0
			for ; uncompressed() > 0 && kills < maxKills; kills++ {
				killSometime(t, c, r)
				if uncompressed() > 0 {
					interruptions++
				}
				c.Restart(t)
				checkDays(t, directory, contents)
				require.Equal(t, 200, c.MustPost(t, oneLog).Status)
			}
			require.Eventually(t, func() bool { return uncompressed() == 0 }, time.Minute, 50*time.Millisecond,
				"the days are never compressed")
			c.Stop(t)
			checkDays(t, directory, contents)
			t.Logf("%d kills, %d of them before all days were compressed", kills, interruptions)
			require.NotZero(t, interruptions)

			posted := 0
			for _, path := range dayFiles(t, directory) { // two, where the test runs at midnight
				content, err := os.ReadFile(filepath.Join(directory, path))
				require.NoError(t, err)
				posted += bytes.Count(content, []byte("\n"))
			}
			require.Equal(t, kills, posted, "acknowledged lines in the current day")
		})
	}
}

// killSometime kills the collector at a random moment. Every fifth time it also
// does so while the collector is starting after another kill.
func killSometime(t *testing.T, c *harness.Collector, r *rand.Rand) {
	t.Helper()
	if r.IntN(5) == 0 {
		c.Kill(t)
		c.Launch(t)
	}
	wait(randomDuration(r, 400*time.Millisecond))
	c.Kill(t)
}

// writeDay writes a day file of logs of about that size. It returns the checksum
// of the content.
func writeDay(t *testing.T, r *rand.Rand, directory, day string, size int) [sha256.Size]byte {
	t.Helper()
	var content []byte
	for mix := (synthetic.Mix{Seed: 1}); len(content) < size; {
		// Repeated lines would compress in no time.
		for _, e := range mix.Batch(r.IntN(1_000_000)).Entries {
			content = append(content, bytes.TrimSuffix(e.JSON, []byte("}"))...)
			content = fmt.Appendf(content, `,"received_at":"%sT12:00:00Z"}`+"\n", day)
		}
	}
	path := filepath.Join(directory, "logs", day+".jsonl")
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return sha256.Sum256(content)
}

// checkDays checks that there is a whole version of each day, plain or
// compressed. A kill between the two steps of a swap leaves both.
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
