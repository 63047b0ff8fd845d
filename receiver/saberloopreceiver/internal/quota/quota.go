// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package quota keeps daily budgets, in bytes and in entries, for each client and
// for all of them together. A day is one of UTC.
//
// What a batch takes is taken before it is stored, and given back if it is not:
// so the budgets are never exceeded. If clients have budgets, a quarter of the
// budget of all is kept for those that have taken less than a 64th of their own:
// a few strangers that use up the rest do not silence everybody until midnight.
//
// # Memory
//
// Config.MaxClients clients are counted, with about 50 bytes each. When there are
// more, one that has taken little is forgotten, and begins again. Somebody with
// that many addresses has no bound per client in any case; the budget of all
// holds.
//
// # Restarts
//
// Snapshot and Restore carry the counts over a restart. A snapshot has the total
// and the clients that took at least a hundredth of a budget. After a crash the
// counts are those of the last snapshot, so that as much is taken again as was
// taken since then: with one each few seconds, what the rate limits let through
// in that time.
//
// Addresses are not stored: a client is known by 64 bits of a hash with a salt
// that is made anew each day. Whoever reads a snapshot, which has the salt, can
// test whether an address is in it. The next day's takes its place.
package quota

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Budget is an amount of data. As a limit, a zero field is no limit.
type Budget struct {
	Bytes, Entries int64
}

// Config says how much may be taken each day.
type Config struct {
	// Client limits each client, Total all of them together.
	Client, Total Budget
	// MaxClients is the number of clients that are counted, at least 1.
	MaxClients int
	// Now is the clock.
	Now func() time.Time
}

// Verdict says whose budget is used up.
type Verdict int

// The verdicts.
const (
	Granted Verdict = iota
	ByClient
	InTotal
)

const (
	// reserve is the part of the total that is kept for clients that took less
	// than their budget divided by light.
	reserve = 4
	light   = 64
	// noteworthy is the part of a budget from which on a client is saved.
	noteworthy = 100
)

// Quota counts what clients take. It may be used by many goroutines at once.
type Quota struct {
	cfg Config

	mu      sync.Mutex
	day     int64 // since 1970
	salt    [16]byte
	total   Budget
	clients map[client]Budget
	changed bool
}

// client is the hash of an address.
type client uint64

// New returns a Quota of which nothing is taken.
func New(cfg Config) *Quota {
	q := &Quota{cfg: cfg}
	q.begin(q.today())
	return q
}

func (q *Quota) today() int64 { return q.cfg.Now().Unix() / (24 * 60 * 60) }

func (q *Quota) begin(day int64) {
	q.day = day
	_, _ = rand.Read(q.salt[:]) // never fails
	q.total = Budget{}
	q.clients = map[client]Budget{}
	q.changed = true
}

// turn begins a new day if there is one. A clock that is set back over midnight
// does not begin the old one again; one that was far ahead begins anew.
func (q *Quota) turn() {
	if day := q.today(); day > q.day || day < q.day-1 {
		q.begin(day)
	}
}

func (q *Quota) client(key [16]byte) client {
	var salted [32]byte
	copy(salted[:], q.salt[:])
	copy(salted[16:], key[:])
	sum := sha256.Sum256(salted[:])
	return client(binary.LittleEndian.Uint64(sum[:]))
}

// Check reports whether a client has anything left, before its request is read.
// If not, the duration says when the next day begins.
func (q *Quota) Check(key [16]byte) (Verdict, time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turn()
	return q.judge(q.client(key), Budget{Bytes: 1, Entries: 1})
}

// Grant is what was taken of the budgets.
type Grant struct {
	day    int64
	client client
	amount Budget
}

// Take takes an amount for a client, if it has so much left. If not, the
// duration says when the next day begins.
func (q *Quota) Take(key [16]byte, amount Budget) (Grant, Verdict, time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turn()
	c := q.client(key)
	if verdict, wait := q.judge(c, amount); verdict != Granted {
		return Grant{}, verdict, wait
	}
	q.add(c, amount)
	return Grant{day: q.day, client: c, amount: amount}, Granted, 0
}

// GiveBack returns a part of what was taken, or all of it, as it was not stored.
func (q *Quota) GiveBack(g Grant, amount Budget) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if g.day != q.day || g.amount == (Budget{}) {
		return
	}
	q.add(g.client, Budget{Bytes: -min(amount.Bytes, g.amount.Bytes), Entries: -min(amount.Entries, g.amount.Entries)})
}

func (q *Quota) judge(c client, amount Budget) (Verdict, time.Duration) {
	taken := q.clients[c].plus(amount)
	total := q.cfg.Total
	if !taken.within(q.cfg.Client.divided(light)) {
		total = total.less(total.divided(reserve))
	}
	switch {
	case !taken.within(q.cfg.Client):
		return ByClient, q.untilTomorrow()
	case !q.total.plus(amount).within(total):
		return InTotal, q.untilTomorrow()
	}
	return Granted, 0
}

func (q *Quota) untilTomorrow() time.Duration {
	return time.Unix((q.day+1)*24*60*60, 0).Sub(q.cfg.Now())
}

func (q *Quota) add(c client, amount Budget) {
	q.changed = true
	q.total = q.total.plus(amount)
	taken, known := q.clients[c]
	if !known && len(q.clients) >= max(1, q.cfg.MaxClients) {
		q.forgetOne()
	}
	taken = taken.plus(amount)
	// What is given back may be of a client that was forgotten.
	q.clients[c] = Budget{Bytes: max(0, taken.Bytes), Entries: max(0, taken.Entries)}
}

// forgetOne forgets the client that took least, of some.
func (q *Quota) forgetOne() {
	const some = 8
	var least client
	n := 0
	for c, taken := range q.clients { // begins anywhere
		if n == 0 || taken.Bytes < q.clients[least].Bytes {
			least = c
		}
		if n++; n == some {
			break
		}
	}
	delete(q.clients, least)
}

func (b Budget) plus(c Budget) Budget {
	return Budget{Bytes: b.Bytes + c.Bytes, Entries: b.Entries + c.Entries}
}

func (b Budget) less(c Budget) Budget {
	return Budget{Bytes: b.Bytes - c.Bytes, Entries: b.Entries - c.Entries}
}

func (b Budget) divided(n int64) Budget { return Budget{Bytes: b.Bytes / n, Entries: b.Entries / n} }

func (b Budget) within(limit Budget) bool {
	return (limit.Bytes <= 0 || b.Bytes <= limit.Bytes) && (limit.Entries <= 0 || b.Entries <= limit.Entries)
}

// snapshotVersion is the first byte of a snapshot. The salt follows, then as
// varints the day and the total's bytes and entries, and then for each client
// its hash, in 8 bytes, and its bytes and entries.
const snapshotVersion = 1

var errMalformed = errors.New("malformed snapshot")

// Snapshot returns the counts to Restore, or nil if they have not changed since
// the last one.
func (q *Quota) Snapshot() []byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turn()
	if !q.changed {
		return nil
	}
	q.changed = false
	data := append([]byte{snapshotVersion}, q.salt[:]...)
	data = binary.AppendUvarint(data, uint64(q.day))
	data = appendBudget(data, q.total)
	limit := q.cfg.Client
	for c, taken := range q.clients {
		if limit.Bytes > 0 && taken.Bytes >= limit.Bytes/noteworthy || limit.Entries > 0 && taken.Entries >= limit.Entries/noteworthy {
			data = binary.LittleEndian.AppendUint64(data, uint64(c))
			data = appendBudget(data, taken)
		}
	}
	return data
}

// Changed makes the next Snapshot return the counts: the last one was not saved.
func (q *Quota) Changed() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.changed = true
}

func appendBudget(data []byte, b Budget) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(data, uint64(b.Bytes)), uint64(b.Entries))
}

// Restore continues the counts of a snapshot, if it is of today. It is called
// before anything is taken. If it fails, nothing has changed.
func (q *Quota) Restore(data []byte) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(data) < 1+len(q.salt) || data[0] != snapshotVersion {
		return fmt.Errorf("%w: not of version %d", errMalformed, snapshotVersion)
	}
	salt := [16]byte(data[1:])
	r := reader{data: data[1+len(salt):]}
	day, total := r.number(), r.budget()
	clients := map[client]Budget{}
	for len(r.data) > 0 {
		c := r.hash()
		clients[c] = r.budget()
	}
	if r.failed {
		return errMalformed
	}
	if day != q.today() {
		return nil
	}
	q.day, q.salt, q.total, q.clients = day, salt, total, clients
	for len(q.clients) > max(1, q.cfg.MaxClients) {
		q.forgetOne()
	}
	return nil
}

// reader takes a snapshot apart. Once it has failed it returns zeros.
type reader struct {
	data   []byte
	failed bool
}

func (r *reader) hash() client {
	if len(r.data) < 8 {
		r.data, r.failed = nil, true
		return 0
	}
	c := client(binary.LittleEndian.Uint64(r.data))
	r.data = r.data[8:]
	return c
}

func (r *reader) budget() Budget { return Budget{Bytes: r.number(), Entries: r.number()} }

func (r *reader) number() int64 {
	v, n := binary.Uvarint(r.data)
	if n <= 0 || v > 1<<60 {
		r.data, r.failed = nil, true
		return 0
	}
	r.data = r.data[n:]
	return int64(v)
}
