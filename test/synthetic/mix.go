// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package synthetic generates batches for tests: entries of the demo data's
// sessions, many of them bent into the odd shapes that real browsers send. The
// same seed gives the same bytes on every machine.
package synthetic

import (
	"math/rand/v2"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/saberloop/otelcol-saberloop/internal/demodata"
)

// SequenceKey is the member that identifies an entry of a Mix. Its value is an
// integer.
const SequenceKey = "seq"

// maxEntries is the largest number of entries in a batch.
const maxEntries = 10

// Mix generates any number of batches, with entries of all signals, languages,
// browsers and client generations. Every third entry has an odd shape.
type Mix struct {
	// Seed initializes the random numbers.
	Seed uint64
}

// Batch is the body of one POST.
type Batch struct {
	Body []byte
	// Entries are the batch's entries, in order within each signal.
	Entries []BatchEntry
}

// BatchEntry is one entry of a Batch.
type BatchEntry struct {
	Signal demodata.Signal
	// Sequence is the value of SequenceKey.
	Sequence int
	// JSON is the entry as it is in the body.
	JSON jsontext.Value
}

// Batch returns the n-th batch. It has at least one entry, and the collector
// accepts all of them.
func (m Mix) Batch(n int) Batch {
	r := rand.New(rand.NewPCG(m.Seed, uint64(n)))
	session := demodata.NewSession(r, r.IntN(30), time.UnixMilli(1766397600000+int64(n)*37))
	entries := session.Play()
	r.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
	entries = entries[:between(r, 1, maxEntries)] // a session has more

	var batch Batch
	for i := range entries {
		e := &entries[i]
		if chance(r, 33) {
			Bend(r, e)
		}
		sequence := n*maxEntries + i
		e.Set(SequenceKey, demodata.Integer(sequence))
		batch.Entries = append(batch.Entries, BatchEntry{e.Signal, sequence, e.JSON()})
	}
	fields := session.Envelope(entries[0].At)
	if len(fields) > 0 && chance(r, 5) {
		fields = append(fields, demodata.Field{Key: "dropped", Value: raw(`[{"signal":"logs","reason":"queue_full","count":3}]`)})
	}
	batch.Body = demodata.Object(append(fields, members(r, batch.Entries)...)...)
	return batch
}

// SequenceBatch returns the number of the batch that has an entry.
func SequenceBatch(sequence int) int { return sequence / maxEntries }

// members returns the batch's logs, traces and metrics. For a signal without
// entries, clients send an empty array or nothing.
func members(r *rand.Rand, entries []BatchEntry) []demodata.Field {
	var fields []demodata.Field
	for _, signal := range demodata.Signals {
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
		fields = append(fields, demodata.Field{Key: string(signal), Value: append(array, ']')})
	}
	return fields
}
