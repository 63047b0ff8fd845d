// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dedup

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

// snapshotVersion is the first byte of a snapshot. The secret follows, and then
// the batches, the oldest first: key, time, stored signals, counts, errors. All
// numbers are varints, and strings have their length before them.
const snapshotVersion = 1

var errMalformed = errors.New("malformed snapshot")

// Snapshot returns the secret and what is remembered. Batches that are claimed
// are not in it.
func (t *Table) Snapshot() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	data := append([]byte{snapshotVersion}, t.hasher.secret[:]...)
	for b := t.oldest; b != nil; b = b.newer {
		data = append(data, b.key[:]...)
		data = binary.AppendVarint(data, b.at)
		data = append(data, b.outcome.Stored.bits())
		for _, n := range b.outcome.numbers() {
			data = binary.AppendUvarint(data, uint64(*n))
		}
		data = binary.AppendUvarint(data, uint64(len(b.outcome.Errors)))
		for _, e := range b.outcome.Errors {
			data = appendString(data, e)
		}
	}
	return data
}

// Restore continues a snapshot. It is called before the table is used. If it
// fails, the table stays as it was.
func (t *Table) Restore(data []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := snapshotReader{data: data}
	if version := r.bytes(1); r.failed || version[0] != snapshotVersion {
		return fmt.Errorf("%w: not of version %d", errMalformed, snapshotVersion)
	}
	secret := r.bytes(len(t.hasher.secret))
	if r.failed {
		return errMalformed
	}
	h, err := newHasher([16]byte(secret))
	if err != nil {
		return err
	}
	now := t.cfg.Now().UnixMilli()
	var batches []*batch
	for len(r.data) > 0 {
		b := &batch{}
		copy(b.key[:], r.bytes(len(b.key)))
		// A clock that was ahead does not prolong the window.
		b.at = min(r.varint(), now)
		b.outcome = r.outcome()
		if r.failed || b.at <= 0 || b.outcome.Stored == (Signals{}) {
			return errMalformed
		}
		batches = append(batches, b)
	}
	t.hasher = h
	for _, b := range batches {
		if t.batches[b.key] == nil {
			t.batches[b.key] = b
			t.end(b)
		}
	}
	return nil
}

func (s Signals) bits() (bits byte) {
	for i, stored := range []bool{s.Logs, s.Traces, s.Metrics} {
		if stored {
			bits |= 1 << i
		}
	}
	return bits
}

func (o *Outcome) numbers() [6]*int {
	return [6]*int{
		&o.Received.Logs, &o.Received.Traces, &o.Received.Metrics,
		&o.Rejected.Logs, &o.Rejected.Traces, &o.Rejected.Metrics,
	}
}

// snapshotReader takes a snapshot apart. Once it has failed it returns zeros.
type snapshotReader struct {
	data   []byte
	failed bool
}

func (r *snapshotReader) bytes(n int) []byte {
	if len(r.data) < n {
		r.data, r.failed = nil, true
		return nil
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}

func (r *snapshotReader) varint() int64 {
	v, n := binary.Varint(r.data)
	r.bytes(max(n, 0))
	r.failed = r.failed || n <= 0
	return v
}

// number reads one that is at most limit.
func (r *snapshotReader) number(limit uint64) int {
	v, n := binary.Uvarint(r.data)
	r.bytes(max(n, 0))
	if r.failed = r.failed || n <= 0 || v > limit; r.failed {
		return 0
	}
	return int(v)
}

func (r *snapshotReader) outcome() (o Outcome) {
	if bits := r.bytes(1); !r.failed {
		o.Stored = Signals{Logs: bits[0]&1 != 0, Traces: bits[0]&2 != 0, Metrics: bits[0]&4 != 0}
	}
	for _, n := range o.numbers() {
		*n = r.number(1<<31 - 1)
	}
	for range r.number(entry.MaxErrors) {
		o.Errors = append(o.Errors, string(r.bytes(r.number(uint64(len(r.data))))))
	}
	return o
}
