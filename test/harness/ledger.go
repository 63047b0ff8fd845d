// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"fmt"
	"hash/maphash"
	"maps"
	"regexp"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/demodata"
	"github.com/saberloop/otelcol-saberloop/test/synthetic"
)

// Ledger hands out the batches of a Mix and records which of them the collector
// acknowledged. It is safe for concurrent use.
type Ledger struct {
	mix synthetic.Mix

	mu           sync.Mutex
	sent         int // number of batches handed out
	acknowledged map[int]bool
}

// NewLedger returns a ledger for the batches of mix.
func NewLedger(mix synthetic.Mix) *Ledger {
	return &Ledger{mix: mix, acknowledged: map[int]bool{}}
}

// Next returns the next batch to send and its number.
func (l *Ledger) Next() (int, synthetic.Batch) {
	l.mu.Lock()
	n := l.sent
	l.sent++
	l.mu.Unlock()
	return n, l.mix.Batch(n)
}

// Acknowledge records that the n-th batch was answered with 200.
func (l *Ledger) Acknowledge(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acknowledged[n] = true
}

// Acknowledged reports whether the n-th batch was answered with 200.
func (l *Ledger) Acknowledged(n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acknowledged[n]
}

// Snapshot returns a copy of the ledger.
func (l *Ledger) Snapshot() *Ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &Ledger{mix: l.mix, sent: l.sent, acknowledged: maps.Clone(l.acknowledged)}
}

// Batches returns the numbers of batches sent and acknowledged.
func (l *Ledger) Batches() (sent, acknowledged int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sent, len(l.acknowledged)
}

// Tally has the numbers of stored entries.
type Tally struct {
	// Acknowledged entries were answered with 200, Unacknowledged ones were not.
	Acknowledged, Unacknowledged int
}

// Check compares the ledger with what was stored in one or more directories. Every
// acknowledged entry is stored exactly once, every other entry at most once, each
// as it was sent and in a file of its signal. Nothing else is stored.
func (l *Ledger) Check(tb testing.TB, stored ...*Reader) Tally {
	tb.Helper()
	return l.check(tb, stored, true)
}

// CheckKnown is Check for a Snapshot that is older than the stored files. It
// ignores entries that were sent later.
func (l *Ledger) CheckKnown(tb testing.TB, stored ...*Reader) Tally {
	tb.Helper()
	return l.check(tb, stored, false)
}

// maxProblems limits the list of problems in a failure.
const maxProblems = 10

var sequenceMember = regexp.MustCompile(`"` + synthetic.SequenceKey + `":(\d+)`)

func (l *Ledger) check(tb testing.TB, stored []*Reader, strict bool) Tally {
	tb.Helper()
	l = l.Snapshot()
	var problems []string
	problem := func(format string, args ...any) {
		if len(problems) < maxProblems {
			problems = append(problems, fmt.Sprintf(format, args...))
		}
	}

	expected := l.expectations(tb)
	compare := func(line Line) {
		member := sequenceMember.FindStringSubmatch(line.Entry)
		if member == nil {
			problem("%s: entry without a sequence: %s", line.Path, line.Entry)
			return
		}
		sequence, err := strconv.Atoi(member[1])
		require.NoError(tb, err)
		want := expected[sequence]
		switch {
		case want == nil && strict:
			problem("%s: entry %d was never sent: %s", line.Path, sequence, line.Entry)
			return
		case want == nil:
			return
		case want.signal != line.Signal:
			problem("%s: entry %d belongs to %s", line.Path, sequence, want.signal)
		case want.hash != maphash.String(hashSeed, line.Entry):
			problem("entry %d is stored differently: %s", sequence, line.Entry)
		}
		want.stored++
	}
	for _, reader := range stored {
		reader.Each(tb, compare)
	}

	var tally Tally
	for sequence, want := range expected {
		switch n := synthetic.SequenceBatch(sequence); {
		case want.stored > 1:
			problem("entry %d is stored %d times", sequence, want.stored)
		case !l.acknowledged[n]:
			tally.Unacknowledged += want.stored
		case want.stored == 0:
			problem("entry %d (of %s, batch %d) was acknowledged and is not stored", sequence, want.signal, n)
		default:
			tally.Acknowledged++
		}
	}
	require.Empty(tb, problems)
	return tally
}

// expectation is an entry as it has to be stored, and how often it is.
type expectation struct {
	signal demodata.Signal
	hash   uint64 // of the canonical entry
	stored int
}

var hashSeed = maphash.MakeSeed()

// expectations returns all entries that were sent, by sequence.
func (l *Ledger) expectations(tb testing.TB) map[int]*expectation {
	tb.Helper()
	expected := map[int]*expectation{}
	for n := range l.sent {
		for _, e := range l.mix.Batch(n).Entries {
			entry, err := CanonicalEntry(e.Signal, e.JSON)
			require.NoError(tb, err)
			expected[e.Sequence] = &expectation{signal: e.Signal, hash: maphash.String(hashSeed, entry)}
		}
	}
	return expected
}
