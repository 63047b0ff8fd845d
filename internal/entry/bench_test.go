// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"bytes"
	"testing"
)

// typicalBatch holds one log with 5 context keys, 400 bytes of entry.
var typicalBatch = []byte(`{"logs":[{"timestamp":"2025-12-22T10:00:00.123Z","level":"info","message":"Quiz started",` +
	`"context":{"topic":"Mathematics","difficulty":"hard","questions":10,"cached":true,"took":123.4},` +
	`"sessionId":"1766397600000-k3j5h2l1m","url":"https://saberloop.com/app/#/quiz?id=1",` +
	`"userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"}]}`)

func BenchmarkDecodeEncodeLog(b *testing.B) {
	b.SetBytes(int64(len(typicalBatch)))
	b.ReportAllocs()
	for b.Loop() {
		batch, err := testDecoder.Decode(typicalBatch, receivedAt)
		if err != nil {
			b.Fatal(err)
		}
		for _, line := range LogLines(batch.Logs, now) {
			_ = line
		}
	}
}

func BenchmarkDecodeBatch(b *testing.B) {
	b.SetBytes(int64(len(typicalBatch)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := testDecoder.Decode(typicalBatch, receivedAt); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeLog(b *testing.B) {
	batch, err := testDecoder.Decode(typicalBatch, receivedAt)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, line := range LogLines(batch.Logs, now) {
			_ = line
		}
	}
}

func BenchmarkReadLogLine(b *testing.B) {
	batch, err := testDecoder.Decode(typicalBatch, receivedAt)
	if err != nil {
		b.Fatal(err)
	}
	line := collect(LogLines(batch.Logs, now))[0]
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	var r LogReader
	for i := 0; b.Loop(); i++ {
		if err := r.Add(bytes.Clone(line)); err != nil {
			b.Fatal(err)
		}
		if i%1000 == 999 {
			r.Take()
		}
	}
}

// BenchmarkEstimateDecodedSize must take a small fraction of BenchmarkDecodeBatch.
func BenchmarkEstimateDecodedSize(b *testing.B) {
	b.SetBytes(int64(len(typicalBatch)))
	for b.Loop() {
		testDecoder.EstimateDecodedSize(typicalBatch)
	}
}
