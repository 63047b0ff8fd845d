// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package ratelimit limits the requests and bytes of each client and of all
// clients together, with token buckets in bounded memory.
//
// A request is admitted if its client has a request token and is not in debt
// for bytes, and the same holds for the receiver as a whole. The size of a body
// is known only after it was read and decompressed, so bytes are charged
// afterwards: a bucket may go into debt by the bodies that were admitted before,
// and its client is then refused until the debt is paid. Over any period the
// bytes admitted are at most burst + rate × period + those bodies.
//
// # Many busy clients
//
// A client's first requests and bytes of each second (Config.Light, LightBytes)
// are light. When many clients together ask for more than the receiver's rate,
// the ones that send much are refused first, and a browser that sends a batch now
// and then is still served, as long as the light requests alone do not exceed
// what is kept for them:
//
//   - Requests that are not light may use only the upper half of the receiver's
//     bucket of requests.
//   - Light requests do not have to wait until the receiver's debt for bytes is
//     paid. They have a bucket of their own, of half the rate and burst. A body that
//     turns out to be larger than what the client has of light bytes is refused
//     while there is a debt. What is admitted is also charged to the receiver's
//     bucket, so that all bytes together are at most 1.5 times the burst, and the
//     rate in the long run.
//
// # A full table
//
// The buckets of at most Config.MaxClients clients are kept; each takes about
// 600 bytes. A new client takes the place of the one that was quiet for longest.
// If the buckets of that one were full again, nothing is lost by forgetting
// them. If they were not, somebody uses more addresses than the table has places
// to get a fresh burst with each: then a new client starts with one request and
// no burst. The limits of the whole receiver hold in any case.
package ratelimit

import (
	"math"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"
)

// Rate describes a token bucket. A PerSecond of zero means no limit.
type Rate struct {
	// PerSecond is the number of tokens that are added each second.
	PerSecond float64
	// Burst is the most tokens that the bucket holds, at least 1.
	Burst int
}

func (r Rate) bucket() *bucket {
	if r.PerSecond <= 0 {
		return nil
	}
	return (*bucket)(rate.NewLimiter(rate.Limit(r.PerSecond), r.Burst))
}

// Limits are those of one client, or of all.
type Limits struct {
	Requests, Bytes Rate
}

// Limited reports whether there is a limit.
func (l Limits) Limited() bool { return l.Requests.PerSecond > 0 || l.Bytes.PerSecond > 0 }

// Config says what is allowed.
type Config struct {
	// Client limits each client, Total all of them together.
	Client, Total Limits
	// Light and LightBytes say what is light. If Light is zero, nothing is kept
	// for light requests.
	Light, LightBytes Rate
	// MaxClients is the number of clients whose buckets are kept, at least 1.
	MaxClients int
}

// Verdict says why a request is refused.
type Verdict int

// The verdicts. ByClient and InTotal say whose limit was reached.
const (
	Admitted Verdict = iota
	ByClient
	InTotal
)

// Limiter admits requests of clients that are told apart by a K. It may be used
// by many goroutines at once.
type Limiter[K comparable] struct {
	cfg   Config
	total buckets
	// kept are the bytes that light requests have; nil where nothing is kept.
	kept *bucket

	mu      sync.Mutex
	clients *simplelru.LRU[K, *client]
}

// client has the buckets of one client.
type client struct {
	buckets
	light, lightBytes *bucket
}

type buckets struct {
	requests, bytes *bucket
}

func (l Limits) buckets() buckets {
	return buckets{requests: l.Requests.bucket(), bytes: l.Bytes.bucket()}
}

// New returns a Limiter of which all buckets are full.
func New[K comparable](cfg Config) *Limiter[K] {
	clients, err := simplelru.NewLRU[K, *client](max(1, cfg.MaxClients), nil)
	if err != nil {
		panic(err) // the size is positive
	}
	l := &Limiter[K]{cfg: cfg, total: cfg.Total.buckets(), clients: clients}
	if cfg.Light.PerSecond > 0 {
		l.kept = Rate{PerSecond: cfg.Total.Bytes.PerSecond / 2, Burst: max(1, cfg.Total.Bytes.Burst/2)}.bucket()
	}
	return l
}

// Admit decides on a request that arrives now, and takes a token of each bucket
// if it is admitted. If it is not, the duration says when the limit that was
// reached would admit it, if nobody else sent anything; it is more than zero.
func (l *Limiter[K]) Admit(now time.Time, key K) (Verdict, time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.client(now, key)
	if wait := c.buckets.wait(now); wait > 0 {
		return ByClient, wait
	}
	floor, bytes := 0.5, l.total.bytes
	if c.light.take(now) && c.lightBytes.wait(now, 0) == 0 {
		floor = 0
		if l.kept != nil {
			bytes = l.kept
		}
	}
	if wait := max(l.total.requests.wait(now, floor), bytes.wait(now, 0)); wait > 0 {
		return InTotal, wait
	}
	c.requests.take(now)
	l.total.requests.take(now)
	return Admitted, 0
}

// Charge takes the bytes of a request that was admitted. It may refuse the
// request after all, because it is larger than a light one may be and the
// receiver is in debt; the bytes then count for the client only. The duration is
// that of Admit.
func (l *Limiter[K]) Charge(now time.Time, key K, bytes int) (Verdict, time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.client(now, key)
	light := c.lightBytes.tokens(now)
	c.bytes.charge(now, bytes)
	// If it is more than what is light, the client's next requests are not light
	// until it has paid.
	c.lightBytes.charge(now, bytes)
	if l.kept != nil && bytes > light {
		if wait := l.total.bytes.wait(now, 0); wait > 0 {
			return InTotal, wait
		}
	}
	l.total.bytes.charge(now, bytes)
	l.kept.charge(now, min(bytes, light))
	return Admitted, 0
}

// client returns the buckets of a client, and makes them where there are none.
func (l *Limiter[K]) client(now time.Time, key K) *client {
	if c, ok := l.clients.Get(key); ok {
		return c
	}
	c := &client{buckets: l.cfg.Client.buckets(), light: l.cfg.Light.bucket(), lightBytes: l.cfg.LightBytes.bucket()}
	if l.clients.Len() == max(1, l.cfg.MaxClients) {
		if _, oldest, _ := l.clients.GetOldest(); !oldest.full(now) {
			c.requests.charge(now, l.cfg.Client.Requests.Burst-1)
			c.bytes.charge(now, l.cfg.Client.Bytes.Burst-1)
			c.light.charge(now, l.cfg.Light.Burst-1)
			c.lightBytes.charge(now, l.cfg.LightBytes.Burst-1)
		}
	}
	l.clients.Add(key, c)
	return c
}

// wait returns how long it takes until there is a token in both buckets.
func (b buckets) wait(now time.Time) time.Duration {
	return max(b.requests.wait(now, 0), b.bytes.wait(now, 0))
}

func (b buckets) full(now time.Time) bool { return b.requests.full(now) && b.bytes.full(now) }

// bucket adds to a limiter what this package needs of it; nil has no limit.
type bucket rate.Limiter

func (b *bucket) limiter() *rate.Limiter { return (*rate.Limiter)(b) }

// wait returns how long it takes until the bucket holds a token above a share of
// its burst.
func (b *bucket) wait(now time.Time, floor float64) time.Duration {
	if b == nil {
		return 0
	}
	l := b.limiter()
	burst := float64(l.Burst())
	missing := min(floor*burst+1, burst) - l.TokensAt(now)
	if missing <= 0 {
		return 0
	}
	// A microsecond more, because the arithmetic here and in the bucket rounds.
	return time.Duration(missing/float64(l.Limit())*float64(time.Second)) + time.Microsecond
}

// tokens returns the number of whole tokens in the bucket.
func (b *bucket) tokens(now time.Time) int {
	if b == nil {
		return math.MaxInt
	}
	return max(0, int(b.limiter().TokensAt(now)))
}

func (b *bucket) full(now time.Time) bool {
	return b == nil || b.limiter().TokensAt(now) >= float64(b.limiter().Burst())
}

// take takes a token, if there is one.
func (b *bucket) take(now time.Time) bool { return b == nil || b.limiter().AllowN(now, 1) }

// charge takes n tokens, whether they are there or not.
func (b *bucket) charge(now time.Time, n int) {
	if b == nil {
		return
	}
	// A reservation can't be larger than the burst.
	for l, burst := b.limiter(), b.limiter().Burst(); n > 0; n -= burst {
		l.ReserveN(now, min(n, burst))
	}
}
