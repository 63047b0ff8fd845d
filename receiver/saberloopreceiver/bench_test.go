// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
)

// typicalBatch is what a page sends every 30 seconds: ten entries.
func typicalBatch() string {
	const (
		session = `"sessionId":"1766397600000-k3j5h2l1m"`
		page    = `"url":"https://saberloop.com/app/#/quiz","userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"`
		log     = `{"timestamp":"2025-12-22T10:00:00.123Z","level":"info","message":"Quiz started",` +
			`"context":{"topic":"Math","questions":10,"difficulty":"hard","offline":false,"score":0.5},` + session + "," + page + `}`
		span = `{"timestamp":"2025-12-22T10:00:02.450Z","traceId":"4fzyo82m1k","spanId":"k2j4h5g6f7",` +
			`"name":"api.generateQuestions","duration":2450.3,"attributes":{"model":"claude"},` + session + `}`
		vital = `{"timestamp":"2025-12-22T10:00:03.000Z","name":"web_vital_lcp","value":1250,"labels":{"rating":"good"},` + session + `}`
	)
	return fmt.Sprintf(`{"logs":[%s],"traces":[%s],"metrics":[%s]}`,
		strings.Repeat(log+",", 5)+log, span+","+span, vital+","+vital)
}

// BenchmarkHandler measures a request without socket and pipelines.
func BenchmarkHandler(b *testing.B) {
	nop := consumers{logs: consumertest.NewNop(), traces: consumertest.NewNop(), metrics: consumertest.NewNop()}
	cfg := testConfig()
	cfg.Duplicates.Window = 0
	handler := handlerOf(b, cfg, nop)
	// Limits that are never reached.
	limited := testConfig()
	enough := RateConfig{RequestsPerSecond: 1e12, BytesPerSecond: 1e15, BytesPerDay: 1e18, EntriesPerDay: 1e15}
	limited.Limits.PerAddress, limited.Limits.Total = enough, enough
	limitedHandler := handlerOf(b, limited, nop)
	batch := typicalBatch()
	// Each has a batchId, or bytes, of its own.
	sent := 0
	const number = "0000000000000000"
	withID := `{"batchId":"` + number + `",` + batch[1:]
	withoutID := `{"x":"` + number + `",` + batch[1:]
	for _, bb := range []struct {
		name, encoding string
		body           []byte
		handler        http.Handler
	}{
		{"one log", "", []byte(oneLog), handler},
		{"typical", "", []byte(batch), handler},
		{"typical, gzip", "gzip", gzipped(b, batch), handler},
		{"typical, zstd", "zstd", zstded(b, batch), handler},
		{"typical, limits and batchId", "", []byte(withID), limitedHandler},
		{"typical, limits and no batchId", "", []byte(withoutID), limitedHandler},
		{"no token", "", nil, handler},
	} {
		at := bytes.Index(bb.body, []byte(number))
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(bb.body)))
			body := bytes.NewReader(bb.body)
			for b.Loop() {
				if at >= 0 {
					sent++
					copy(bb.body[at:], fmt.Sprintf("%016d", sent))
				}
				body.Reset(bb.body)
				r := httptest.NewRequest(http.MethodPost, testPath, body)
				r.Header.Set("Origin", testOrigin)
				want := http.StatusUnauthorized
				if bb.body != nil {
					r.Header.Set(tokenHeader, testToken)
					want = http.StatusOK
				}
				if bb.encoding != "" {
					r.Header.Set("Content-Encoding", bb.encoding)
				}
				w := httptest.NewRecorder()
				bb.handler.ServeHTTP(w, r)
				require.Equal(b, want, w.Code)
			}
		})
	}
}

func BenchmarkSocket(b *testing.B) {
	nop := consumers{logs: consumertest.NewNop(), traces: consumertest.NewNop(), metrics: consumertest.NewNop()}
	cfg := testConfig()
	cfg.Duplicates.Window = 0
	e := serve(b, cfg, nop)
	batch := typicalBatch()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if got := e.post(b, batch); got.status != http.StatusOK {
				b.Error(got.status)
			}
		}
	})
}
