// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"bytes"
	"encoding/json"
	"iter"
	"math/big"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// receivedAt is the time at which the batches of the tests are received.
var receivedAt = time.Date(2025, 12, 22, 10, 0, 5, 0, time.UTC)

// now is the time at which the lines of the tests are written.
var now = receivedAt.Add(time.Second)

var testDecoder = &BatchDecoder{ServiceName: DefaultServiceName}

// batchLines returns the lines of a batch by signal.
func batchLines(b *Batch) map[string][][]byte {
	return map[string][][]byte{
		"logs":    collect(LogLines(b.Logs, now)),
		"traces":  collect(SpanLines(b.Traces, now)),
		"metrics": collect(MetricLines(b.Metrics, now)),
	}
}

func collect(lines iter.Seq2[time.Time, []byte]) [][]byte {
	var all [][]byte
	for _, line := range lines {
		all = append(all, bytes.Clone(line))
	}
	return all
}

// withoutReceipt removes received_at from the end of a line.
func withoutReceipt(tb rapid.TB, line []byte) []byte {
	tb.Helper()
	const receipt = `"received_at":"2025-12-22T10:00:05Z"}` + "\n"
	require.Truef(tb, bytes.HasSuffix(line, []byte(receipt)), "received_at is not at the end of %s", line)
	rest := bytes.TrimSuffix(bytes.TrimSuffix(line, []byte(receipt)), []byte(","))
	return append(rest, '}')
}

// assertSameJSON compares two JSON texts by value. Numbers must be exactly
// equal. The order of members does not matter.
func assertSameJSON(tb rapid.TB, want, got []byte) {
	tb.Helper()
	require.Equalf(tb, canonical(tb, want), canonical(tb, got), "want %s\ngot  %s", want, got)
}

func canonical(tb rapid.TB, text []byte) any {
	tb.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var v any
	require.NoErrorf(tb, decoder.Decode(&v), "%s", text)
	return exactNumbers(v)
}

// integer is the decimal value of an integer.
type integer string

func exactNumbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			v[key] = exactNumbers(v[key])
		}
		return v
	case []any:
		for i := range v {
			v[i] = exactNumbers(v[i])
		}
		return v
	case json.Number:
		if r, ok := new(big.Rat).SetString(v.String()); ok && r.IsInt() {
			return integer(r.RatString())
		}
		f, _ := v.Float64()
		return f
	default:
		return v
	}
}
