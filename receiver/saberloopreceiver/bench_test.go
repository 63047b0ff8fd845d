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
	handler := handlerOf(b, testConfig(), nop)
	batch := typicalBatch()
	for _, bb := range []struct {
		name, encoding string
		body           []byte
	}{
		{"one log", "", []byte(oneLog)},
		{"typical", "", []byte(batch)},
		{"typical, gzip", "gzip", gzipped(b, batch)},
		{"typical, zstd", "zstd", zstded(b, batch)},
		{"no token", "", nil},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(bb.body)))
			body := bytes.NewReader(bb.body)
			for b.Loop() {
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
				handler.ServeHTTP(w, r)
				require.Equal(b, want, w.Code)
			}
		})
	}
}

func BenchmarkSocket(b *testing.B) {
	nop := consumers{logs: consumertest.NewNop(), traces: consumertest.NewNop(), metrics: consumertest.NewNop()}
	e := serve(b, testConfig(), nop)
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
