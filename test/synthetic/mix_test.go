// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package synthetic

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/demodata"
)

func TestMixIsRepeatable(t *testing.T) {
	t.Parallel()
	for n := range 100 {
		first, again := Mix{Seed: 1}.Batch(n), Mix{Seed: 1}.Batch(n)
		require.Equal(t, first, again)
	}
	require.NotEqual(t, Mix{Seed: 1}.Batch(0).Body, Mix{Seed: 2}.Batch(0).Body)
}

// The body has exactly the entries that the batch lists, each with a sequence of
// its own.
func TestMixBatch(t *testing.T) {
	t.Parallel()
	seen := map[int]bool{}
	signals := map[demodata.Signal]int{}
	for n := range 500 {
		batch := Mix{Seed: 7}.Batch(n)
		var sent map[demodata.Signal]json.RawMessage
		require.NoError(t, json.Unmarshal(batch.Body, &sent), "%s", batch.Body)
		next := map[demodata.Signal]int{}
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
	for _, signal := range demodata.Signals {
		require.Greater(t, signals[signal], 100, signal)
	}
}

// A bent entry is still a JSON object.
func TestBend(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		for _, e := range demodata.NewSession(r, 0, time.UnixMilli(1766397600000)).Play() {
			Bend(r, &e)
			var object map[string]any
			dec := json.Unmarshal(e.JSON(), &object)
			require.NoError(t, dec, "%s", e.JSON())
		}
	}
}

func BenchmarkMix(b *testing.B) {
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		b.SetBytes(int64(len(Mix{Seed: 1}.Batch(n).Body)))
	}
}
