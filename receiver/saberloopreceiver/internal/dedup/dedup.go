// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package dedup recognizes batches that were sent before.
//
// A batch is claimed by its Key before it is stored, and the claim ends with what
// became of it:
//
//   - Stored whole: the same batch is a duplicate until Config.Window is over,
//     and is answered with the outcome of the first.
//   - Stored in part, since a pipeline refused its signal: the outcome is kept,
//     and the batch can be claimed again to store what is missing.
//   - Failed: nothing is remembered.
//
// While a batch is claimed, another sending of it waits for the outcome. If the
// first fails, one of those that wait gets the claim.
//
// The table keeps the outcomes of Config.MaxBatches batches, the oldest go first.
// Each takes about 200 bytes, and those with errors in their answer take the
// places of as many as their texts need. Claims that are held come on top; there
// are no more of them than requests in flight.
//
// # Keys
//
// A batch is known by its batchId, which the client chooses, or where it has
// none by its body. Keys are made with a secret: nobody can make two bodies that
// have the same key, or a body that has the key of another one. What remains for
// a client that wants to suppress a batch is to send its batchId first, so those
// have to be hard to guess. Apps that have tokens of their own do not share
// batchIds.
//
// The secret and the outcomes survive a restart by Snapshot and Restore. A
// snapshot is taken when the receiver is shut down: after a crash, batches that
// are sent again are stored again.
package dedup

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

// ErrTooManyWaiting means that Config.MaxWaiting requests wait for outcomes.
var ErrTooManyWaiting = errors.New("too many requests wait for the outcome of the same batches")

// Config says what is remembered.
type Config struct {
	// Window is how long a batch that was stored is remembered.
	Window time.Duration
	// MaxBatches is the number of batches that are remembered, at least 1.
	MaxBatches int
	// MaxWaiting is the number of requests that may wait for outcomes.
	MaxWaiting int
	// Now is the clock.
	Now func() time.Time
}

// batchSize is what a batch counts for in memory, in bytes: its entry and its
// place in the map.
const batchSize = 200

// Signals is a set of signals.
type Signals struct {
	Logs, Traces, Metrics bool
}

// Outcome is what became of a batch.
type Outcome struct {
	// Stored has the signals whose entries are stored, or that had none.
	Stored Signals
	// Received, Rejected and Errors are those of the answer.
	Received, Rejected entry.Counts
	Errors             []string
}

func (o Outcome) complete() bool { return o.Stored.Logs && o.Stored.Traces && o.Stored.Metrics }

func (o Outcome) size() int64 {
	size := int64(batchSize)
	for _, e := range o.Errors {
		size += int64(len(e)) + 16 // and the string's header
	}
	return size
}

// Table remembers batches. It may be used by many goroutines at once.
type Table struct {
	cfg    Config
	hasher *hasher

	mu      sync.Mutex
	batches map[Key]*batch
	waiting int
	// oldest and newest are the ends of the list of those that are not claimed,
	// in the order in which they were stored.
	oldest, newest *batch
	size           int64
}

// batch is one that is claimed or remembered.
type batch struct {
	key     Key
	claimed bool
	// at is when it was stored, in milliseconds since 1970; 0 where it was not.
	at      int64
	outcome Outcome
	// done is closed when the claim ends, nil while nobody waits.
	done         chan struct{}
	older, newer *batch
}

// New returns an empty table with a new secret.
func New(cfg Config) (*Table, error) {
	h, err := newHasher(newSecret())
	if err != nil {
		return nil, err
	}
	return &Table{cfg: cfg, hasher: h, batches: map[Key]*batch{}}, nil
}

// Claim is the right to store a batch, or the outcome of the one that was stored
// before. One goroutine uses it, and ends it with Done or Abort.
type Claim struct {
	table   *Table
	batch   *batch // nil where the batch is a duplicate, and once the claim has ended
	outcome Outcome
}

// Begin claims the batch. If it is claimed already, Begin waits until that claim
// has ended. The error is that of the context, or ErrTooManyWaiting.
func (t *Table) Begin(ctx context.Context, key Key) (Claim, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		b := t.batches[key]
		switch {
		case b == nil:
			b = &batch{key: key, claimed: true}
			t.batches[key] = b
			return Claim{table: t, batch: b}, nil
		case b.claimed:
			if err := t.await(ctx, b); err != nil {
				return Claim{}, err
			}
		case t.expired(b):
			t.forget(b)
		case b.outcome.complete():
			return Claim{table: t, outcome: b.outcome}, nil
		default:
			t.unlink(b)
			b.claimed = true
			return Claim{table: t, batch: b, outcome: b.outcome}, nil
		}
	}
}

// await waits, without the lock, until the claim of b has ended.
func (t *Table) await(ctx context.Context, b *batch) error {
	if t.waiting >= t.cfg.MaxWaiting {
		return ErrTooManyWaiting
	}
	if b.done == nil {
		b.done = make(chan struct{})
	}
	done := b.done
	t.waiting++
	t.mu.Unlock()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	t.mu.Lock()
	t.waiting--
	return err
}

// Duplicate reports whether the batch was stored whole before. Then there is
// nothing to store, and nothing to end.
func (c *Claim) Duplicate() bool { return c.batch == nil && c.table != nil }

// Previous is the outcome of the earlier sendings: all of it for a duplicate,
// what was stored in part, or else the zero Outcome.
func (c *Claim) Previous() Outcome { return c.outcome }

// Done ends the claim with what became of the batch. Signals that the previous
// outcome has as stored have to be in this one, too.
func (c *Claim) Done(o Outcome) {
	b := c.batch
	if b == nil {
		return
	}
	t := c.table
	c.batch = nil
	t.mu.Lock()
	defer t.mu.Unlock()
	if o.Stored == (Signals{}) {
		t.end(b)
		return
	}
	b.outcome, b.at = o, t.cfg.Now().UnixMilli()
	t.end(b)
}

// Abort ends the claim of a batch of which nothing was stored now. It does
// nothing if the claim has ended.
func (c *Claim) Abort() {
	if c.batch == nil {
		return
	}
	c.table.mu.Lock()
	defer c.table.mu.Unlock()
	c.table.end(c.batch)
	c.batch = nil
}

// end lets others claim b, and remembers it if it was ever stored.
func (t *Table) end(b *batch) {
	b.claimed = false
	if b.done != nil {
		close(b.done)
		b.done = nil
	}
	if b.at == 0 {
		delete(t.batches, b.key)
		return
	}
	t.push(b)
	for t.size > int64(max(1, t.cfg.MaxBatches))*batchSize && t.oldest != t.newest || t.oldest != nil && t.expired(t.oldest) {
		t.forget(t.oldest)
	}
}

func (t *Table) expired(b *batch) bool {
	return t.cfg.Now().UnixMilli()-b.at >= t.cfg.Window.Milliseconds()
}

func (t *Table) forget(b *batch) {
	t.unlink(b)
	delete(t.batches, b.key)
}

func (t *Table) push(b *batch) {
	b.older, b.newer = t.newest, nil
	if t.newest != nil {
		t.newest.newer = b
	} else {
		t.oldest = b
	}
	t.newest = b
	t.size += b.outcome.size()
}

func (t *Table) unlink(b *batch) {
	if b.older != nil {
		b.older.newer = b.newer
	} else {
		t.oldest = b.newer
	}
	if b.newer != nil {
		b.newer.older = b.older
	} else {
		t.newest = b.older
	}
	b.older, b.newer = nil, nil
	t.size -= b.outcome.size()
}

// Len is the number of batches that are claimed or remembered.
func (t *Table) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.batches)
}
