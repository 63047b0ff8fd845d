// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/demodata"
	"github.com/saberloop/otelcol-saberloop/test/synthetic"
)

// recorder records whether a check failed.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }
func (r *recorder) FailNow()              { r.failed = true; runtime.Goexit() }

// checkFails reports whether Check fails for lines in day files.
func checkFails(t *testing.T, ledger *Ledger, lines map[demodata.Signal][][]byte) bool {
	t.Helper()
	directory := t.TempDir()
	for signal, all := range lines {
		path := filepath.Join(directory, string(signal), "2025-12-22.jsonl")
		require.NoError(t, os.Mkdir(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, bytes.Join(all, nil), 0o600))
	}
	r := &recorder{TB: t}
	var check sync.WaitGroup
	check.Go(func() { ledger.Check(r, &Reader{Directory: directory}) })
	check.Wait()
	return r.failed
}

// Check finds entries that are lost, duplicated, changed, misplaced or unknown.
func TestLedgerCheck(t *testing.T) {
	t.Parallel()
	const batches = 20
	line := func(entry string) []byte {
		return []byte(strings.TrimSuffix(entry, "}") + `,"received_at":"2025-12-22T10:00:05Z"}` + "\n")
	}
	ledger := NewLedger(synthetic.Mix{Seed: 1})
	for range batches {
		n, _ := ledger.Next()
		if n%2 == 0 {
			ledger.Acknowledge(n)
		}
	}
	// stored returns the lines of the acknowledged batches, or of all.
	stored := func(all bool) map[demodata.Signal][][]byte {
		lines := map[demodata.Signal][][]byte{}
		for n := range batches {
			for _, e := range (synthetic.Mix{Seed: 1}).Batch(n).Entries {
				if all || n%2 == 0 {
					entry, err := CanonicalEntry(e.Signal, e.JSON)
					require.NoError(t, err)
					lines[e.Signal] = append(lines[e.Signal], line(entry))
				}
			}
		}
		return lines
	}
	require.False(t, checkFails(t, ledger, stored(false)))
	require.False(t, checkFails(t, ledger, stored(true)), "unacknowledged entries may be stored")

	for name, damage := range map[string]func(map[demodata.Signal][][]byte){
		"lost": func(lines map[demodata.Signal][][]byte) { lines[demodata.Logs] = lines[demodata.Logs][1:] },
		"duplicated": func(lines map[demodata.Signal][][]byte) {
			lines[demodata.Logs] = append(lines[demodata.Logs], lines[demodata.Logs][0])
		},
		"changed": func(lines map[demodata.Signal][][]byte) {
			lines[demodata.Logs][0] = append([]byte(`{"new":1,`), lines[demodata.Logs][0][1:]...)
		},
		"misplaced": func(lines map[demodata.Signal][][]byte) {
			lines[demodata.Metrics] = append(lines[demodata.Metrics], lines[demodata.Logs][0])
			lines[demodata.Logs] = lines[demodata.Logs][1:]
		},
		"unknown": func(lines map[demodata.Signal][][]byte) {
			lines[demodata.Logs] = append(lines[demodata.Logs], line(`{"seq":999999}`))
		},
		"no sequence": func(lines map[demodata.Signal][][]byte) {
			lines[demodata.Logs] = append(lines[demodata.Logs], line(`{"a":1}`))
		},
		"torn": func(lines map[demodata.Signal][][]byte) {
			lines[demodata.Logs] = append(lines[demodata.Logs], []byte(`{"a":`))
		},
	} {
		lines := stored(false)
		damage(lines)
		require.True(t, checkFails(t, ledger, lines), name)
	}
}
