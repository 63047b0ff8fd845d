// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"fmt"
	"math/rand/v2"
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

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestClientRequests(t *testing.T) {
	t.Parallel()
	l := New[string](Config{Client: Limits{Requests: Rate{PerSecond: 2, Burst: 3}}, MaxClients: 10})
	for range 3 {
		verdict, wait := l.Admit(start, "a")
		require.Equal(t, Admitted, verdict)
		require.Zero(t, wait)
	}
	verdict, wait := l.Admit(start, "a")
	assert.Equal(t, ByClient, verdict)
	assert.InDelta(t, 500*time.Millisecond, wait, float64(2*time.Microsecond))
	verdict, _ = l.Admit(start, "b")
	assert.Equal(t, Admitted, verdict, "another client")
	verdict, _ = l.Admit(start.Add(wait), "a")
	assert.Equal(t, Admitted, verdict, "after the time that was told")
}

func TestBytesAreChargedAfterwards(t *testing.T) {
	t.Parallel()
	l := New[string](Config{Client: Limits{Bytes: Rate{PerSecond: 100, Burst: 1000}}, MaxClients: 10})
	verdict, _ := l.Admit(start, "a")
	require.Equal(t, Admitted, verdict)
	l.Charge(start, "a", 3500) // 2500 in debt
	verdict, wait := l.Admit(start, "a")
	assert.Equal(t, ByClient, verdict)
	assert.InDelta(t, 25*time.Second, wait, float64(50*time.Millisecond))
	verdict, _ = l.Admit(start.Add(wait), "a")
	assert.Equal(t, Admitted, verdict)
}

func TestTotal(t *testing.T) {
	t.Parallel()
	l := New[int](Config{Total: Limits{Requests: Rate{PerSecond: 10, Burst: 20}}, MaxClients: 100})
	for i := range 20 {
		verdict, _ := l.Admit(start, i)
		require.Equal(t, Admitted, verdict)
	}
	verdict, wait := l.Admit(start, 99)
	assert.Equal(t, InTotal, verdict)
	assert.InDelta(t, 100*time.Millisecond, wait, float64(2*time.Microsecond))

	l = New[int](Config{Total: Limits{Bytes: Rate{PerSecond: 10, Burst: 20}}, MaxClients: 100})
	l.Charge(start, 1, 40)
	verdict, wait = l.Admit(start, 2)
	assert.Equal(t, InTotal, verdict)
	assert.InDelta(t, 2100*time.Millisecond, wait, float64(2*time.Microsecond))
}

func TestNoLimits(t *testing.T) {
	t.Parallel()
	l := New[int](Config{})
	for range 1000 {
		verdict, _ := l.Admit(start, 1)
		require.Equal(t, Admitted, verdict)
		l.Charge(start, 1, 1<<30)
	}
}

// TestLightClientsAreServed has 200 clients send all that they may, ten times
// of what the receiver takes, and one that sends a batch every three seconds.
func TestLightClientsAreServed(t *testing.T) {
	t.Parallel()
	l := New[int](Config{
		Client:     Limits{Requests: Rate{PerSecond: 20, Burst: 200}},
		Total:      Limits{Requests: Rate{PerSecond: 400, Burst: 800}},
		Light:      Rate{PerSecond: 1, Burst: 5},
		MaxClients: 1000,
	})
	const step = 20 * time.Millisecond
	admitted := 0
	for i := range 1000 { // 20 seconds
		now := start.Add(time.Duration(i) * step)
		for client := range 200 {
			if verdict, _ := l.Admit(now, client); verdict == Admitted {
				admitted++
			}
		}
		if i%150 == 75 {
			verdict, _ := l.Admit(now, 999)
			require.Equal(t, Admitted, verdict, "after %v", now.Sub(start))
		}
	}
	assert.LessOrEqual(t, admitted, 800+20*400)
	assert.GreaterOrEqual(t, admitted, 19*400, "the rate is used")
}

// TestLargeBodiesAreNotLight has many clients each send one body that is as large
// as can be, and then a browser.
func TestLargeBodiesAreNotLight(t *testing.T) {
	t.Parallel()
	l := New[int](Config{
		Total:      Limits{Bytes: Rate{PerSecond: 4 << 20, Burst: 64 << 20}},
		Light:      Rate{PerSecond: 1, Burst: 10},
		LightBytes: Rate{PerSecond: 32 << 10, Burst: 64 << 10},
		MaxClients: 1000,
	})
	const clients = 256
	for client := range clients {
		verdict, _ := l.Admit(start, client)
		require.Equal(t, Admitted, verdict)
	}
	charged := 0
	for client := range clients {
		if verdict, _ := l.Charge(start, client, 1<<20); verdict == Admitted {
			charged++
		}
	}
	assert.Equal(t, 64, charged, "the burst")
	verdict, _ := l.Charge(start, 998, 1<<20)
	assert.Equal(t, InTotal, verdict)
	now := start
	for i := range 60 {
		now = now.Add(time.Second)
		verdict, _ := l.Admit(now, 999)
		require.Equal(t, Admitted, verdict, i)
		verdict, _ = l.Charge(now, 999, 3000)
		require.Equal(t, Admitted, verdict, i)
	}
}

// TestChurnGivesNoFreshBursts sends from more addresses than are remembered.
func TestChurnGivesNoFreshBursts(t *testing.T) {
	t.Parallel()
	l := New[int](Config{Client: Limits{Requests: Rate{PerSecond: 1, Burst: 100}, Bytes: Rate{PerSecond: 1, Burst: 100}}, MaxClients: 50})
	admitted := 0
	for client := range 1000 {
		for range 100 {
			if verdict, _ := l.Admit(start, client); verdict == Admitted {
				admitted++
				l.Charge(start, client, 1)
			}
		}
	}
	assert.Equal(t, 50*100+950, admitted)

	later := start.Add(10 * time.Minute)
	verdict, _ := l.Admit(later, -1)
	require.Equal(t, Admitted, verdict)
	verdict, _ = l.Admit(later, -1)
	assert.Equal(t, Admitted, verdict, "takes the place of one whose buckets are full again")
}

// TestLaws holds the limiter to its documentation for any traffic.
func TestLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rates := rapid.Custom(func(t *rapid.T) Rate {
			return Rate{PerSecond: rapid.Float64Range(0.1, 50).Draw(t, "rate"), Burst: rapid.IntRange(1, 60).Draw(t, "burst")}
		})
		cfg := Config{
			Client:     Limits{Requests: rates.Draw(t, "client"), Bytes: rates.Draw(t, "client bytes")},
			Total:      Limits{Requests: rates.Draw(t, "total"), Bytes: rates.Draw(t, "total bytes")},
			MaxClients: rapid.IntRange(1, 5).Draw(t, "max clients"),
		}
		if rapid.Bool().Draw(t, "light") {
			cfg.Light, cfg.LightBytes = rates.Draw(t, "light rate"), rates.Draw(t, "light bytes")
		}
		l := New[int](cfg)
		now, admitted, bytes := start, 0, 0
		perClient, clientBytes := map[int]int{}, map[int]int{}
		largest := 0
		for range rapid.IntRange(1, 60).Draw(t, "requests") {
			now = now.Add(time.Duration(rapid.IntRange(0, int(time.Second)).Draw(t, "pause")))
			client := rapid.IntRange(0, cfg.MaxClients-1).Draw(t, "client")
			verdict, wait := l.Admit(now, client)
			if verdict != Admitted {
				require.Positive(t, wait)
				if rapid.Bool().Draw(t, "waits") {
					now = now.Add(wait)
					before := verdict
					verdict, _ = l.Admit(now, client)
					// Another limit may be reached, but not the same.
					if verdict != Admitted {
						require.True(t, before == ByClient && verdict == InTotal || cfg.Light.PerSecond > 0, verdict)
					}
				}
			}
			if verdict == Admitted {
				admitted++
				perClient[client]++
				n := rapid.IntRange(0, 200).Draw(t, "bytes")
				largest = max(largest, n)
				if verdict, wait := l.Charge(now, client, n); verdict == Admitted {
					bytes += n
					clientBytes[client] += n
				} else {
					require.Equal(t, InTotal, verdict)
					require.Positive(t, wait)
				}
			}
			elapsed := now.Sub(start).Seconds()
			bound := func(r Rate) float64 { return float64(r.Burst) + r.PerSecond*elapsed + 0.001 }
			require.LessOrEqual(t, float64(admitted), bound(cfg.Total.Requests))
			require.LessOrEqual(t, float64(perClient[client]), bound(cfg.Client.Requests))
			kept := 0.0
			if cfg.Light.PerSecond > 0 {
				kept = bound(cfg.Total.Bytes)/2 + float64(largest) + 1 // a half is rounded
			}
			require.LessOrEqual(t, float64(bytes), bound(cfg.Total.Bytes)+kept+float64(largest))
			require.LessOrEqual(t, float64(clientBytes[client]), bound(cfg.Client.Bytes)+float64(largest))
			require.LessOrEqual(t, l.clients.Len(), cfg.MaxClients)
		}
	})
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	l := New[int](Config{
		Client:     Limits{Requests: Rate{PerSecond: 1, Burst: 10}},
		Total:      Limits{Requests: Rate{PerSecond: 1, Burst: 100}},
		MaxClients: 8,
	})
	var admitted atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 500 {
				client := rand.IntN(20)
				if verdict, _ := l.Admit(start, client); verdict == Admitted {
					admitted.Add(1)
					l.Charge(start, client, 10)
				}
			}
		})
	}
	all.Wait()
	assert.EqualValues(t, 100, admitted.Load())
}

func BenchmarkAdmit(b *testing.B) {
	for _, clients := range []int{1, 10_000, 20_000} {
		b.Run(fmt.Sprintf("%d clients", clients), func(b *testing.B) {
			l := New[[16]byte](Config{
				Client:     Limits{Requests: Rate{PerSecond: 1e12, Burst: 1e12}, Bytes: Rate{PerSecond: 1e12, Burst: 1e12}},
				Total:      Limits{Requests: Rate{PerSecond: 1e12, Burst: 1e12}, Bytes: Rate{PerSecond: 1e12, Burst: 1e12}},
				Light:      Rate{PerSecond: 1, Burst: 10},
				MaxClients: 10_000,
			})
			b.ReportAllocs()
			var key [16]byte
			for i := 0; b.Loop(); i++ {
				key[0], key[1] = byte(i%clients), byte(i%clients>>8)
				now := time.Now()
				if verdict, _ := l.Admit(now, key); verdict != Admitted {
					b.Fatal(verdict)
				}
				l.Charge(now, key, 3000)
			}
		})
	}
}
