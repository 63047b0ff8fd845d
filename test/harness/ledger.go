// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"fmt"
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

	count := map[int]int{}
	expected := expectations{mix: l.mix}
	compare := func(line Line) {
		member := sequenceMember.FindStringSubmatch(line.Entry)
		if member == nil {
			problem("%s: entry without a sequence: %s", line.Path, line.Entry)
			return
		}
		sequence, err := strconv.Atoi(member[1])
		require.NoError(tb, err)
		if n := synthetic.SequenceBatch(sequence); n >= l.sent {
			if strict {
				problem("%s: batch %d was never sent: %s", line.Path, n, line.Entry)
			}
			return
		}
		count[sequence]++
		switch want := expected.of(tb, sequence); {
		case want.signal != line.Signal:
			problem("%s: entry %d belongs to %s", line.Path, sequence, want.signal)
		case want.entry != line.Entry:
			problem("entry %d is stored differently:\nsent   %s\nstored %s", sequence, want.entry, line.Entry)
		}
	}
	for _, reader := range stored {
		reader.Each(tb, compare)
	}

	var tally Tally
	for n := range l.sent {
		for _, e := range l.mix.Batch(n).Entries {
			switch {
			case count[e.Sequence] > 1:
				problem("entry %d is stored %d times", e.Sequence, count[e.Sequence])
			case !l.acknowledged[n]:
				tally.Unacknowledged += count[e.Sequence]
			case count[e.Sequence] == 0:
				problem("entry %d (of %s, batch %d) was acknowledged and is not stored", e.Sequence, e.Signal, n)
			default:
				tally.Acknowledged++
			}
		}
	}
	require.Empty(tb, problems)
	return tally
}

// expectations returns entries of a Mix as they have to be stored. It caches those
// of the last batch.
type expectations struct {
	mix     synthetic.Mix
	batch   int
	entries map[int]expectation
}

type expectation struct {
	signal demodata.Signal
	entry  string
}

func (x *expectations) of(tb testing.TB, sequence int) expectation {
	tb.Helper()
	if n := synthetic.SequenceBatch(sequence); x.entries == nil || n != x.batch {
		x.batch, x.entries = n, map[int]expectation{}
		for _, e := range x.mix.Batch(n).Entries {
			entry, err := CanonicalEntry(e.Signal, e.JSON)
			require.NoError(tb, err)
			x.entries[e.Sequence] = expectation{e.Signal, entry}
		}
	}
	return x.entries[sequence]
}
