// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzDecodeBatch decodes bodies. An accepted body must be valid JSON for the
// standard library, its entries must be counted, and writing and reading lines
// must not change them.
func FuzzDecodeBatch(f *testing.F) {
	for _, c := range contractCases(f) {
		f.Add(c.Body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		batch, err := testDecoder.Decode(body, receivedAt)
		if err != nil {
			var syntax *SyntaxError
			var shape *ShapeError
			var limit *LimitError
			require.True(t, errors.As(err, &syntax) || errors.As(err, &shape) || errors.As(err, &limit), "%T", err)
			return
		}
		require.True(t, json.Valid(body))
		require.LessOrEqual(t, len(batch.Errors), min(batch.Rejected.Total(), MaxErrors))
		decoded := Counts{Logs: batch.Logs.LogRecordCount(), Traces: batch.Traces.SpanCount(), Metrics: batch.Metrics.DataPointCount()}
		require.Equal(t, decoded, batch.Received)
		fuzzLines(t, &logSignal, batch.Logs)
		fuzzLines(t, &spanSignal, batch.Traces)
		fuzzLines(t, &metricSignal, batch.Metrics)
		requireFewBytesWritten(t, body, batch)
	})
}

func fuzzLines[D any, R resourceGroup, S scopeGroup, E record[E]](t *testing.T, g *signal[D, R, S, E], data D) {
	t.Helper()
	var reader lineReader[D, R, S, E]
	written := collect(lines(g, data, now))
	for _, line := range written {
		require.Truef(t, json.Valid(line), "%q", line)
		require.NoErrorf(t, reader.add(g, line), "%q", line)
	}
	for i, line := range collect(lines(g, reader.take(g), now)) {
		require.Equal(t, string(written[i]), string(line))
	}
}

// FuzzReadLine decodes lines. Writing and reading the records of an accepted
// line must not change them.
func FuzzReadLine(f *testing.F) {
	for _, c := range contractCases(f) {
		for _, entries := range c.Lines {
			for _, entry := range entries {
				f.Add([]byte(string(entry[:len(entry)-1]) + `,"received_at":"2025-12-22T10:00:05+00:00"}`))
			}
		}
	}
	f.Add([]byte(`{"received_at":"2025-12-22T10:00:05Z","resourceLogs":[{"resource":{},"scopeLogs":[{"scope":{},"logRecords":[{"flags":1}]}]}]}`))
	f.Add([]byte(`{"received_at":"2025-12-22T10:00:05Z","resourceSpans":[{"resource":{},"scopeSpans":[{"scope":{},"spans":[{"kind":2}]}]}]}`))
	f.Add([]byte(`{"received_at":"2025-12-22T10:00:05Z","resourceMetrics":[{"resource":{},"scopeMetrics":[{"scope":{},"metrics":[{"unit":"ms"}]}]}]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		fuzzLine(t, &logSignal, line)
		fuzzLine(t, &spanSignal, line)
		fuzzLine(t, &metricSignal, line)
	})
}

func fuzzLine[D any, R resourceGroup, S scopeGroup, E record[E]](t *testing.T, g *signal[D, R, S, E], line []byte) {
	t.Helper()
	var reader lineReader[D, R, S, E]
	if reader.add(g, line) != nil {
		require.Zero(t, g.resources.len(reader.take(g)))
		return
	}
	once := collect(lines(g, reader.take(g), now))
	require.Len(t, once, 1)
	require.Truef(t, json.Valid(once[0]), "%q", once[0])
	require.NoErrorf(t, reader.add(g, once[0]), "%q", once[0])
	require.Equal(t, [][]byte{once[0]}, collect(lines(g, reader.take(g), now)))
}
