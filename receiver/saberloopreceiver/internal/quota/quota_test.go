// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package quota

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type clock struct{ now time.Time }

// newClock begins an hour before midnight.
func newClock() *clock { return &clock{time.Date(2026, 1, 2, 23, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time { return c.now }

func take(q *Quota, client byte, bytes, entries int64) Verdict {
	_, verdict, _ := q.Take([16]byte{client}, Budget{Bytes: bytes, Entries: entries})
	return verdict
}

func TestClient(t *testing.T) {
	t.Parallel()
	c := newClock()
	q := New(Config{Client: Budget{Bytes: 1000, Entries: 10}, MaxClients: 10, Now: c.Now})
	assert.Equal(t, Granted, take(q, 1, 900, 2))
	assert.Equal(t, ByClient, take(q, 1, 101, 2))
	assert.Equal(t, Granted, take(q, 1, 100, 2))
	_, verdict, wait := q.Take([16]byte{1}, Budget{Bytes: 1, Entries: 1})
	assert.Equal(t, ByClient, verdict)
	assert.Equal(t, time.Hour, wait)
	verdict, wait = q.Check([16]byte{1})
	assert.Equal(t, ByClient, verdict)
	assert.Equal(t, time.Hour, wait)

	assert.Equal(t, Granted, take(q, 2, 1, 10))
	assert.Equal(t, ByClient, take(q, 2, 1, 1), "its entries are used up")
	verdict, _ = q.Check([16]byte{3})
	assert.Equal(t, Granted, verdict)

	c.now = c.now.Add(time.Hour - time.Nanosecond)
	assert.Equal(t, ByClient, take(q, 1, 1, 1))
	c.now = c.now.Add(time.Nanosecond)
	assert.Equal(t, Granted, take(q, 1, 1000, 10), "the next day")
	c.now = c.now.Add(-time.Hour)
	assert.Equal(t, ByClient, take(q, 1, 1, 1), "the clock was set back")
	c.now = c.now.Add(-48 * time.Hour)
	assert.Equal(t, Granted, take(q, 1, 1, 1), "the clock was days ahead")
}

func TestTotal(t *testing.T) {
	t.Parallel()
	q := New(Config{Client: Budget{Bytes: 1000}, Total: Budget{Bytes: 2000}, MaxClients: 100, Now: newClock().Now})
	assert.Equal(t, Granted, take(q, 1, 1000, 1))
	assert.Equal(t, InTotal, take(q, 2, 501, 1), "a quarter is kept")
	assert.Equal(t, Granted, take(q, 2, 500, 1))
	for i := range byte(33) {
		assert.Equal(t, Granted, take(q, 10+i, 15, 1), "for those that take little")
	}
	assert.Equal(t, InTotal, take(q, 99, 15, 1))
	verdict, _ := q.Check([16]byte{99})
	assert.Equal(t, Granted, verdict, "there are 5 bytes left")
}

func TestNoLimits(t *testing.T) {
	t.Parallel()
	q := New(Config{Now: newClock().Now})
	assert.Equal(t, Granted, take(q, 1, 1<<40, 1<<40))
	verdict, _ := q.Check([16]byte{1})
	assert.Equal(t, Granted, verdict)
}

func TestGiveBack(t *testing.T) {
	t.Parallel()
	c := newClock()
	q := New(Config{Client: Budget{Bytes: 100}, Total: Budget{Bytes: 1000}, MaxClients: 10, Now: c.Now})
	grant, _, _ := q.Take([16]byte{1}, Budget{Bytes: 100, Entries: 5})
	q.GiveBack(grant, Budget{Bytes: 60, Entries: 9})
	assert.Equal(t, Budget{Bytes: 40}, q.total)
	assert.Equal(t, Granted, take(q, 1, 60, 1))
	q.GiveBack(Grant{}, Budget{Bytes: 60})
	assert.Equal(t, ByClient, take(q, 1, 1, 1))
	c.now = c.now.Add(time.Hour)
	assert.Equal(t, Granted, take(q, 1, 100, 1))
	q.GiveBack(grant, Budget{Bytes: 40})
	assert.Equal(t, ByClient, take(q, 1, 1, 1), "it was another day's")
}

func TestRestart(t *testing.T) {
	t.Parallel()
	c := newClock()
	cfg := Config{Client: Budget{Bytes: 1000}, Total: Budget{Bytes: 4000}, MaxClients: 10, Now: c.Now}
	q := New(cfg)
	take(q, 1, 900, 5)
	take(q, 2, 9, 5) // less than a hundredth
	data := q.Snapshot()
	require.NotNil(t, data)
	assert.Nil(t, q.Snapshot(), "nothing has changed")
	q.Changed()
	assert.Len(t, q.Snapshot(), len(data))

	again := New(cfg)
	require.NoError(t, again.Restore(data))
	assert.Equal(t, q.total, again.total)
	assert.Equal(t, ByClient, take(again, 1, 101, 1))
	assert.Equal(t, Granted, take(again, 1, 100, 1))
	assert.Equal(t, Granted, take(again, 2, 1000, 1))

	c.now = c.now.Add(2 * time.Hour)
	tomorrow := New(cfg)
	require.NoError(t, tomorrow.Restore(data))
	assert.Zero(t, tomorrow.total)
	assert.NotEqual(t, q.client([16]byte{1}), tomorrow.client([16]byte{1}), "nobody is known from one day to the next")
}

func TestSnapshotHasNoAddress(t *testing.T) {
	t.Parallel()
	q := New(Config{Client: Budget{Bytes: 100}, MaxClients: 10, Now: newClock().Now})
	key := [16]byte{10: 0xff, 11: 0xff, 12: 203, 13: 0, 14: 113, 15: 7}
	_, _, _ = q.Take(key, Budget{Bytes: 100})
	assert.NotContains(t, string(q.Snapshot()), string(key[12:]))
}

func TestRestoreRefusesWhatIsMalformed(t *testing.T) {
	t.Parallel()
	cfg := Config{Client: Budget{Bytes: 1000}, MaxClients: 10, Now: newClock().Now}
	q := New(cfg)
	take(q, 1, 900, 5)
	data := q.Snapshot()
	fresh := New(cfg)
	client := 8 + 2 + 1
	for n := range data {
		if n == len(data)-client {
			continue // a snapshot without clients
		}
		require.ErrorIs(t, fresh.Restore(data[:n]), errMalformed, n)
	}
	assert.Zero(t, fresh.total)
	assert.Empty(t, fresh.clients)
}

// TestLaws takes and gives back at random, with restarts in between.
func TestLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := newClock()
		cfg := Config{
			Client:     Budget{Bytes: rapid.Int64Range(0, 500).Draw(t, "bytes"), Entries: rapid.Int64Range(0, 50).Draw(t, "entries")},
			Total:      Budget{Bytes: rapid.Int64Range(0, 1000).Draw(t, "total bytes"), Entries: rapid.Int64Range(0, 100).Draw(t, "total entries")},
			MaxClients: rapid.IntRange(1, 6).Draw(t, "max clients"),
			Now:        c.Now,
		}
		q := New(cfg)
		var stored Budget // today
		perClient := map[byte]Budget{}
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				assert.True(t, stored.within(cfg.Total))
				assert.LessOrEqual(t, len(q.clients), cfg.MaxClients)
				if q.day == q.today() {
					assert.Equal(t, stored, q.total)
				}
			},
			"store": func(t *rapid.T) {
				client := rapid.Byte().Draw(t, "client") % 5
				amount := Budget{Bytes: rapid.Int64Range(1, 200).Draw(t, "bytes"), Entries: rapid.Int64Range(0, 20).Draw(t, "entries")}
				grant, verdict, wait := q.Take([16]byte{client}, amount)
				if verdict != Granted {
					assert.Positive(t, wait)
					return
				}
				if rapid.Bool().Draw(t, "fails") {
					q.GiveBack(grant, amount)
					return
				}
				stored = stored.plus(amount)
				perClient[client] = perClient[client].plus(amount)
				if cfg.MaxClients >= 5 {
					assert.True(t, perClient[client].within(cfg.Client))
				}
			},
			"restart": func(t *rapid.T) {
				q.Changed()
				next := New(cfg)
				require.NoError(t, next.Restore(q.Snapshot()))
				q = next
				if cfg.Client.Bytes == 0 || cfg.Client.Entries == 0 {
					perClient = map[byte]Budget{} // not all are worth saving
				}
			},
			"next day": func(*rapid.T) {
				c.now = c.now.Add(24 * time.Hour)
				stored, perClient = Budget{}, map[byte]Budget{}
			},
		})
	})
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	q := New(Config{Client: Budget{Bytes: 1000}, Total: Budget{Bytes: 3000}, MaxClients: 3, Now: newClock().Now})
	var stored atomic.Int64
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 500 {
				grant, verdict, _ := q.Take([16]byte{byte(i)}, Budget{Bytes: 7, Entries: 1})
				switch {
				case verdict != Granted:
				case i%2 == 0:
					q.GiveBack(grant, Budget{Bytes: 7, Entries: 1})
				default:
					stored.Add(7)
				}
				q.Snapshot()
			}
		})
	}
	all.Wait()
	assert.Equal(t, stored.Load(), q.total.Bytes)
	assert.LessOrEqual(t, stored.Load(), int64(3000))
}

func FuzzRestore(f *testing.F) {
	cfg := Config{Client: Budget{Bytes: 1000, Entries: 10}, Total: Budget{Bytes: 4000}, MaxClients: 10, Now: newClock().Now}
	q := New(cfg)
	f.Add(q.Snapshot())
	take(q, 1, 900, 5)
	take(q, 2, 100, 1)
	f.Add(q.Snapshot())
	f.Fuzz(func(t *testing.T, data []byte) {
		q := New(cfg)
		if err := q.Restore(data); err != nil {
			require.ErrorIs(t, err, errMalformed)
			return
		}
		take(q, 1, 1, 1)
		q.Changed()
		require.NoError(t, New(cfg).Restore(q.Snapshot()))
	})
}

func BenchmarkTake(b *testing.B) {
	c := newClock()
	q := New(Config{Client: Budget{Bytes: 1 << 50}, Total: Budget{Bytes: 1 << 55}, MaxClients: 10_000, Now: c.Now})
	for _, clients := range []int{1, 20_000} {
		b.Run(map[int]string{1: "one client", 20_000: "more clients than places"}[clients], func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				key := [16]byte{byte(i % clients), byte(i % clients >> 8)}
				if verdict, _ := q.Check(key); verdict != Granted {
					b.Fatal(verdict)
				}
				if _, verdict, _ := q.Take(key, Budget{Bytes: 3000, Entries: 10}); verdict != Granted {
					b.Fatal(verdict)
				}
			}
		})
	}
}
