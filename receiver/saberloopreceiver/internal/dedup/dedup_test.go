// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dedup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const window = 10 * time.Minute

// clock is one that tests set.
type clock struct{ now time.Time }

func newClock() *clock { return &clock{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func newTable(tb testing.TB, c *clock, maxBatches int) *Table {
	tb.Helper()
	table, err := New(Config{Window: window, MaxBatches: maxBatches, MaxWaiting: 100, Now: func() time.Time { return c.now }})
	require.NoError(tb, err)
	return table
}

var (
	whole  = Signals{Logs: true, Traces: true, Metrics: true}
	stored = Outcome{Stored: whole, Received: entry.Counts{Logs: 2, Traces: 1}, Rejected: entry.Counts{Metrics: 1}, Errors: []string{"metrics[0]: not an object"}}
	inPart = Outcome{Stored: Signals{Logs: true, Metrics: true}, Received: entry.Counts{Logs: 2}}
)

func begin(tb testing.TB, table *Table, key Key) *Claim {
	tb.Helper()
	claim, err := table.Begin(tb.Context(), key)
	require.NoError(tb, err)
	return &claim
}

func TestStoredBatchIsDuplicate(t *testing.T) {
	t.Parallel()
	c := newClock()
	table := newTable(t, c, 10)
	claim := begin(t, table, Key{1})
	require.False(t, claim.Duplicate())
	require.Zero(t, claim.Previous())
	claim.Done(stored)
	claim.Abort() // does nothing

	again := begin(t, table, Key{1})
	require.True(t, again.Duplicate())
	assert.Equal(t, stored, again.Previous())
	again.Abort()
	again.Done(Outcome{})
	assert.False(t, begin(t, table, Key{2}).Duplicate(), "another batch")

	c.now = c.now.Add(window - time.Millisecond)
	assert.True(t, begin(t, table, Key{1}).Duplicate())
	c.now = c.now.Add(time.Millisecond)
	assert.False(t, begin(t, table, Key{1}).Duplicate(), "the window is over")
}

func TestFailedBatchIsNotRemembered(t *testing.T) {
	t.Parallel()
	table := newTable(t, newClock(), 10)
	begin(t, table, Key{1}).Abort()
	begin(t, table, Key{1}).Done(Outcome{Received: entry.Counts{Logs: 1}})
	assert.Zero(t, table.Len())
	claim := begin(t, table, Key{1})
	assert.False(t, claim.Duplicate())
	assert.Zero(t, claim.Previous())
}

func TestBatchStoredInPart(t *testing.T) {
	t.Parallel()
	table := newTable(t, newClock(), 10)
	begin(t, table, Key{1}).Done(inPart)
	for range 2 {
		claim := begin(t, table, Key{1})
		require.False(t, claim.Duplicate())
		require.Equal(t, inPart, claim.Previous())
		claim.Abort() // what was missing is refused again
	}
	begin(t, table, Key{1}).Done(stored)
	assert.True(t, begin(t, table, Key{1}).Duplicate())
	assert.Equal(t, stored.size(), table.size)
}

func TestOldestGoFirst(t *testing.T) {
	t.Parallel()
	table := newTable(t, newClock(), 3)
	simple := Outcome{Stored: whole}
	for i := range byte(5) {
		begin(t, table, Key{i}).Done(simple)
	}
	assert.Equal(t, 3, table.Len())
	for i := range byte(5) {
		claim := begin(t, table, Key{i})
		assert.Equal(t, i >= 2, claim.Duplicate(), i)
		claim.Abort()
	}
	long := Outcome{Stored: whole, Errors: []string{strings.Repeat("x", 2*batchSize-16)}}
	begin(t, table, Key{9}).Done(long)
	assert.Equal(t, 1, table.Len(), "it takes three places")
}

func TestSecondWaitsForFirst(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]struct {
		end       func(*Claim)
		duplicate bool
	}{
		"stored": {func(c *Claim) { c.Done(stored) }, true},
		"failed": {func(c *Claim) { c.Abort() }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				table := newTable(t, newClock(), 10)
				first := begin(t, table, Key{1})
				claims := make(chan *Claim, 3)
				for range 3 {
					go func() {
						claim, err := table.Begin(t.Context(), Key{1})
						assert.NoError(t, err)
						claim.Abort()
						claims <- &claim
					}()
				}
				synctest.Wait()
				assert.Empty(t, claims)
				end.end(first)
				synctest.Wait()
				require.Len(t, claims, 3)
				for range 3 {
					assert.Equal(t, end.duplicate, (<-claims).Previous().complete())
				}
				assert.Zero(t, table.waiting)
			})
		})
	}
}

func TestWaitingIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := newTable(t, newClock(), 10)
		table.cfg.MaxWaiting = 1
		first := begin(t, table, Key{1})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var waiting sync.WaitGroup
		waiting.Go(func() {
			_, err := table.Begin(ctx, Key{1})
			assert.ErrorIs(t, err, context.DeadlineExceeded)
		})
		synctest.Wait()
		_, err := table.Begin(ctx, Key{1})
		require.ErrorIs(t, err, ErrTooManyWaiting)
		waiting.Wait()
		first.Done(stored)
		assert.True(t, begin(t, table, Key{1}).Duplicate())
	})
}

func TestKeys(t *testing.T) {
	t.Parallel()
	table := newTable(t, newClock(), 10)
	keys := []Key{
		table.BatchID("a", "bc"),
		table.BatchID("ab", "c"),
		table.BatchID("", "abc"),
		table.Body("a", [16]byte{}, []byte("bc")),
		table.Body("a", [16]byte{1}, []byte("bc")),
		table.Body("b", [16]byte{}, []byte("bc")),
		table.Body("a", [16]byte{}, []byte("bcd")),
		table.Body("a", [16]byte{}, []byte("bc\x00")),
		newTable(t, newClock(), 10).BatchID("a", "bc"),
	}
	for i, key := range keys {
		assert.NotContains(t, keys[:i], key, i)
	}
	assert.Equal(t, keys[0], table.BatchID("a", "bc"))
	assert.Equal(t, keys[3], table.Body("a", [16]byte{}, []byte("bc")))
}

// TestOneChangedByteChangesTheKey tries all kinds of bodies.
func TestOneChangedByteChangesTheKey(t *testing.T) {
	t.Parallel()
	table := newTable(t, newClock(), 10)
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(t, "body")
		key := table.Body("", [16]byte{}, body)
		changed := bytes.Clone(body)
		changed[rapid.IntRange(0, len(body)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		assert.NotEqual(t, key, table.Body("", [16]byte{}, changed))
		assert.NotEqual(t, key, table.Body("", [16]byte{}, body[:len(body)-1]))
	})
}

// TestModel compares the table with a list of everything that happened.
func TestModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		c := newClock()
		places := rapid.IntRange(1, 4).Draw(rt, "places")
		table := newTable(t, c, places)
		type known struct {
			key     Key
			at      time.Time
			outcome Outcome
		}
		var model []known // the oldest first
		find := func(key Key) int {
			for i, k := range model {
				if k.key == key {
					return i
				}
			}
			return -1
		}
		rt.Repeat(map[string]func(*rapid.T){
			"": func(*rapid.T) {
				live := 0
				for _, k := range model {
					if c.now.Sub(k.at) < window {
						live++
					}
				}
				assert.GreaterOrEqual(rt, table.Len(), live)
				assert.LessOrEqual(rt, table.Len(), places)
			},
			"wait": func(rt *rapid.T) {
				c.now = c.now.Add(time.Duration(rapid.IntRange(1, 9*60_000).Draw(rt, "ms")) * time.Millisecond)
			},
			"restart": func(rt *rapid.T) {
				next := newTable(t, c, places)
				require.NoError(rt, next.Restore(table.Snapshot()))
				assert.Equal(rt, table.BatchID("a", "b"), next.BatchID("a", "b"))
				table = next
			},
			"send": func(rt *rapid.T) {
				key := Key{rapid.Byte().Draw(rt, "key") % 8}
				i := find(key)
				if i >= 0 && c.now.Sub(model[i].at) >= window {
					model = append(model[:i:i], model[i+1:]...)
					i = -1
				}
				claim, err := table.Begin(t.Context(), key)
				require.NoError(rt, err)
				var previous Outcome
				if i >= 0 {
					previous = model[i].outcome
				}
				require.Equal(rt, previous, claim.Previous())
				require.Equal(rt, previous.complete(), claim.Duplicate())
				if claim.Duplicate() {
					return
				}
				outcome := previous
				switch rapid.SampledFrom([]string{"stored", "in part", "failed"}).Draw(rt, "outcome") {
				case "stored":
					outcome = Outcome{Stored: whole, Received: entry.Counts{Logs: rapid.IntRange(0, 9).Draw(rt, "logs")}}
				case "in part":
					outcome.Stored.Traces = true
				}
				claim.Done(outcome)
				if outcome.Stored == (Signals{}) {
					return
				}
				if i >= 0 {
					model = append(model[:i:i], model[i+1:]...)
				}
				model = append(model, known{key, c.now, outcome})
				model = model[max(0, len(model)-places):]
			},
		})
	})
}

// TestEachIsStoredOnce sends each of many batches often and at once, to a store
// that fails now and then and in part.
func TestEachIsStoredOnce(t *testing.T) {
	t.Parallel()
	const batches, sendings, clients = 100, 40, 32
	table := newTable(t, newClock(), batches)
	var logs, traces [batches]atomic.Int64
	var duplicates atomic.Int64
	queue := make(chan int)
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for i := range queue {
				claim, err := table.Begin(t.Context(), table.BatchID("", strconv.Itoa(i)))
				if err != nil {
					t.Error(err)
					continue
				}
				if claim.Duplicate() {
					duplicates.Add(1)
					continue
				}
				outcome := claim.Previous()
				outcome.Stored.Metrics = true
				if !outcome.Stored.Logs && rand.IntN(3) > 0 {
					logs[i].Add(1)
					outcome.Stored.Logs = true
				}
				if !outcome.Stored.Traces && rand.IntN(3) > 0 {
					traces[i].Add(1)
					outcome.Stored.Traces = true
				}
				claim.Done(outcome)
			}
		})
	}
	for _, n := range rand.Perm(batches * sendings) {
		queue <- n % batches
	}
	close(queue)
	all.Wait()
	for i := range batches {
		assert.EqualValues(t, 1, logs[i].Load(), i)
		assert.EqualValues(t, 1, traces[i].Load(), i)
	}
	assert.Positive(t, duplicates.Load())
	assert.Equal(t, batches, table.Len())
}

func TestRestoreRefusesWhatIsMalformed(t *testing.T) {
	t.Parallel()
	c := newClock()
	table := newTable(t, c, 10)
	begin(t, table, Key{1}).Done(stored)
	data := table.Snapshot()
	fresh := newTable(t, c, 10)
	key := fresh.BatchID("", "x")
	for n := range data {
		if n == 1+len(table.hasher.secret) {
			continue // a snapshot of nothing
		}
		require.ErrorIs(t, fresh.Restore(data[:n]), errMalformed, n)
	}
	require.ErrorIs(t, fresh.Restore(append([]byte{2}, data[1:]...)), errMalformed)
	assert.Equal(t, key, fresh.BatchID("", "x"))
	assert.Zero(t, fresh.Len())

	c.now = c.now.Add(-time.Hour)
	require.NoError(t, fresh.Restore(data))
	assert.True(t, begin(t, fresh, Key{1}).Duplicate())
	c.now = c.now.Add(window)
	assert.False(t, begin(t, fresh, Key{1}).Duplicate(), "the clock was ahead")
}

func FuzzRestore(f *testing.F) {
	c := newClock()
	table := newTable(f, c, 10)
	f.Add(table.Snapshot())
	begin(f, table, Key{1}).Done(stored)
	begin(f, table, Key{2}).Done(inPart)
	f.Add(table.Snapshot())
	f.Fuzz(func(t *testing.T, data []byte) {
		table := newTable(t, c, 100)
		if err := table.Restore(data); err != nil {
			require.ErrorIs(t, err, errMalformed)
			return
		}
		again := newTable(t, c, 100)
		require.NoError(t, again.Restore(table.Snapshot()))
		assert.Equal(t, table.Snapshot(), again.Snapshot())
	})
}

// BenchmarkKey compares the key of a body with what else could make it.
func BenchmarkKey(b *testing.B) {
	table := newTable(b, newClock(), 10)
	for _, size := range []int{3_000, 60_000} {
		body := bytes.Repeat([]byte("x"), size)
		seed := maphash.MakeSeed()
		for name, f := range map[string]func(){
			"GMAC":          func() { table.Body("", [16]byte{}, body) },
			"SHA-256":       func() { sha256.Sum256(body) },
			"maphash twice": func() { maphash.Bytes(seed, body); maphash.Bytes(seed, body) },
		} {
			b.Run(fmt.Sprintf("%s, %d B", name, size), func(b *testing.B) {
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					f()
				}
			})
		}
	}
	b.Run("batchId", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			table.BatchID("saberloop", "0198c8a0-6e1c-7b5e-9a53-1d0c5d3c1f6e")
		}
	})
}

func BenchmarkBegin(b *testing.B) {
	c := newClock()
	table := newTable(b, c, 32_768)
	b.Run("new", func(b *testing.B) {
		b.ReportAllocs()
		var key Key
		for i := 0; b.Loop(); i++ {
			key[0], key[1], key[2], key[3] = byte(i), byte(i>>8), byte(i>>16), byte(i>>24)
			claim, err := table.Begin(b.Context(), key)
			if err != nil {
				b.Fatal(err)
			}
			claim.Done(Outcome{Stored: whole})
		}
	})
	b.Run("duplicate", func(b *testing.B) {
		claim, err := table.Begin(b.Context(), Key{15: 1})
		require.NoError(b, err)
		claim.Done(stored)
		b.ReportAllocs()
		for b.Loop() {
			if claim, err := table.Begin(b.Context(), Key{15: 1}); err != nil || !claim.Duplicate() {
				b.Fatal(errors.New("not a duplicate"))
			}
		}
	})
}
