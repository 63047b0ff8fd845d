// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package synthetic

import (
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// SequenceKey is the member by which every entry of a Mix can be told from
// every other. Its value is an integer.
const SequenceKey = "seq"

// maxEntries is the number of entries that a client sends in one batch.
const maxEntries = 10

// Mix is an endless supply of batches: of all signals, languages, browsers
// and both generations of clients, every third entry in an odd shape.
type Mix struct {
	// Seed chooses among all possible supplies.
	Seed uint64
}

// Batch is the body of one POST.
type Batch struct {
	Body []byte
	// Entries are the batch's entries in their order within each signal.
	Entries []BatchEntry
}

// BatchEntry is one entry of a Batch.
type BatchEntry struct {
	Signal Signal
	// Sequence is the value of SequenceKey.
	Sequence int
	// JSON is the entry as it stands in the batch's body.
	JSON jsontext.Value
}

// Batch makes the n-th batch, whatever was made before. It has at least one
// entry, and every entry is one that the collector accepts.
func (m Mix) Batch(n int) Batch {
	r := rand.New(rand.NewPCG(m.Seed, uint64(n)))
	session := NewSession(r, time.UnixMilli(1766397600000+int64(n)*37))
	entries := session.Play()
	r.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
	entries = entries[:min(between(r, 1, maxEntries), len(entries))]

	var batch Batch
	for i := range entries {
		e := &entries[i]
		if chance(r, 33) {
			Bend(r, e)
		}
		sequence := n*maxEntries + i
		e.set(SequenceKey, integer(int64(sequence)))
		batch.Entries = append(batch.Entries, BatchEntry{e.Signal, sequence, e.AppendJSON(nil)})
	}
	batch.Body = appendObject(nil, append(envelope(r, session, n), members(r, batch.Entries)...))
	return batch
}

// SequenceBatch is the n of the Batch that has the entry of that sequence.
func SequenceBatch(sequence int) int { return sequence / maxEntries }

// members are the batch's logs, traces and metrics. Clients send empty
// arrays for what they have none of; some leave the member out.
func members(r *rand.Rand, entries []BatchEntry) []Field {
	var fields []Field
	for _, signal := range Signals {
		array := []byte{'['}
		for _, e := range entries {
			if e.Signal != signal {
				continue
			}
			if len(array) > 1 {
				array = append(array, ',')
			}
			array = append(array, e.JSON...)
		}
		if len(array) == 1 && chance(r, 20) {
			continue
		}
		fields = append(fields, Field{string(signal), append(array, ']')})
	}
	return fields
}

// envelope is what newer clients put before their entries.
func envelope(r *rand.Rand, s *Session, n int) []Field {
	if !s.Modern {
		return nil
	}
	fields := []Field{
		{"batchId", quoted(s.ID + "-" + strconv.Itoa(n))},
		{"sentAt", instant(s.now)},
		{"resource", object(Field{"app", quoted("saberloop")}, Field{"version", quoted(s.Release)})},
	}
	if chance(r, 5) {
		fields = append(fields, Field{"dropped", raw(`[{"signal":"logs","reason":"queue_full","count":3}]`)})
	}
	return fields
}
