// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package synthetic

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMixIsRepeatable(t *testing.T) {
	t.Parallel()
	for n := range 100 {
		first, again := Mix{Seed: 1}.Batch(n), Mix{Seed: 1}.Batch(n)
		require.Equal(t, first, again)
	}
	require.NotEqual(t, Mix{Seed: 1}.Batch(0).Body, Mix{Seed: 2}.Batch(0).Body)
}

// The body is JSON and has just the entries that the batch says it has, each
// known by a sequence of its own.
func TestMixBatch(t *testing.T) {
	t.Parallel()
	seen := map[int]bool{}
	signals := map[Signal]int{}
	for n := range 500 {
		batch := Mix{Seed: 7}.Batch(n)
		var sent map[Signal]json.RawMessage
		require.NoError(t, json.Unmarshal(batch.Body, &sent), "%s", batch.Body)
		next := map[Signal]int{}
		for _, e := range batch.Entries {
			var entries []json.RawMessage
			require.NoError(t, json.Unmarshal(sent[e.Signal], &entries))
			require.Equal(t, json.RawMessage(e.JSON), entries[next[e.Signal]])
			next[e.Signal]++

			var entry struct{ Seq int }
			require.NoError(t, json.Unmarshal(e.JSON, &entry))
			require.Equal(t, e.Sequence, entry.Seq)
			require.Equal(t, n, SequenceBatch(e.Sequence))
			require.False(t, seen[e.Sequence])
			seen[e.Sequence] = true
			signals[e.Signal]++
		}
		require.NotEmpty(t, batch.Entries)
	}
	for _, signal := range Signals {
		require.Greater(t, signals[signal], 100, signal)
	}
}

// A bent entry is still a JSON object: what is odd about it is nothing that
// the collector refuses.
func TestBend(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		for _, e := range NewSession(r, time.UnixMilli(1766397600000)).Play() {
			Bend(r, &e)
			var object map[string]any
			dec := json.Unmarshal(e.AppendJSON(nil), &object)
			require.NoError(t, dec, "%s", e.AppendJSON(nil))
		}
	}
}

func TestSessionKeepsTime(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := NewSession(rand.New(rand.NewPCG(5, 6)), start)
	last := start
	for _, e := range s.Play() {
		require.False(t, e.At.Before(last))
		last = e.At
	}
	require.Greater(t, last, start)
}

func BenchmarkMix(b *testing.B) {
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		b.SetBytes(int64(len(Mix{Seed: 1}.Batch(n).Body)))
	}
}
