// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package privacyprocessor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

// benchBatch is what a page sends every 30 seconds: six logs, two spans and two
// vitals. Every value that differs between real entries does here, too. With
// secrets, a message, a context and a URL of each log hold some.
func benchBatch(tb testing.TB, secrets bool) *entry.Batch {
	tb.Helper()
	message, email, query := "Quiz started", "Math", ""
	if secrets {
		message, email, query = "Login of jane@example.com failed: token="+aGitHubKey, "jane@example.com", "?token=k3j5h2l1m"
	}
	var logs, spans, vitals []string
	for i := range 6 {
		logs = append(logs, fmt.Sprintf(`{"timestamp":"2025-12-22T10:00:00.12%dZ","level":"info","message":"%s (%d)",`+
			`"context":{"topic":"%s","questions":1%d,"difficulty":"hard","offline":false,"score":0.%d},"sessionId":"1766397600000-k3j5h2l1m",`+
			`"url":"https://saberloop.com/app/%s#/quiz","userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"}`, i, message, i, email, i, i, query))
	}
	for i := range 2 {
		spans = append(spans, fmt.Sprintf(`{"timestamp":"2025-12-22T10:00:02.45%dZ","traceId":"4fzyo82m%dk","spanId":"k2j4h5g%df7",`+
			`"name":"api.generateQuestions","duration":2450.3,"attributes":{"model":"claude"},"sessionId":"1766397600000-k3j5h2l1m"}`, i, i, i))
		vitals = append(vitals, fmt.Sprintf(`{"timestamp":"2025-12-22T10:00:03.00%dZ","name":"web_vital_lcp","value":125%d,`+
			`"labels":{"rating":"good"},"sessionId":"1766397600000-k3j5h2l1m"}`, i, i))
	}
	decoder := entry.BatchDecoder{ServiceName: "saberloop"}
	batch, err := decoder.Decode(fmt.Appendf(nil, `{"logs":[%s],"traces":[%s],"metrics":[%s]}`,
		strings.Join(logs, ","), strings.Join(spans, ","), strings.Join(vitals, ",")), time.Unix(1766397605, 0))
	require.NoError(tb, err)
	require.Equal(tb, 10, batch.Received.Total())
	return batch
}

// BenchmarkBatch measures typical entries, and reports what one of them takes.
func BenchmarkBatch(b *testing.B) {
	p := testPrivacy(b, nil)
	for _, secrets := range []bool{false, true} {
		b.Run(fmt.Sprintf("secrets=%t", secrets), func(b *testing.B) {
			batch := benchBatch(b, secrets)
			b.ReportAllocs()
			for b.Loop() {
				logs, spans, metrics := batch.Logs, batch.Traces, batch.Metrics
				if secrets {
					b.StopTimer()
					logs, spans, metrics = plog.NewLogs(), ptrace.NewTraces(), pmetric.NewMetrics()
					batch.Logs.CopyTo(logs)
					batch.Traces.CopyTo(spans)
					batch.Metrics.CopyTo(metrics)
					b.StartTimer()
				}
				_, _ = p.processLogs(b.Context(), logs)
				_, _ = p.processTraces(b.Context(), spans)
				_, _ = p.processMetrics(b.Context(), metrics)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10, "ns/record")
		})
	}
}

func BenchmarkText(b *testing.B) {
	m := testMasker(b, nil)
	for name, text := range map[string]string{
		"user agent":  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
		"session":     "1766397600000-k3j5h2l1m",
		"URL":         "https://saberloop.com/app/#/quiz",
		"stack trace": strings.Repeat("    at generateQuestions (https://saberloop.com/app/assets/index-Dk3j5h2l.js:12:34567)\n", 20),
		"secrets":     "Login of jane@example.com failed: Authorization: Bearer " + aJWT,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				m.text(text, false)
			}
		})
	}
}

// BenchmarkHostile measures texts that repeat the start of a secret. The time
// per byte has to be independent of the length.
func BenchmarkHostile(b *testing.B) {
	m := testMasker(b, nil)
	for _, unit := range []string{
		"eyJ", "eyJa.", "sk-", "ghp_", "AKIA", "SG.", "bearer+", "basic+", "@", "%40", "a@", "a%40", "a@b.cc", "a%40b.cc", "-----BEGIN ",
		"4111111111111111a", "4111 ", "4111-1111-", "a://", "a://b@", "?a=", "&", "?", "#", "token=", "token: ", "token:\"", "\\\"", "cookie:", "1:AA", "=", ":",
	} {
		for _, length := range []int{1 << 12, 1 << 16, 1 << 20} {
			text := "https://" + strings.Repeat(unit, length/len(unit))
			b.Run(fmt.Sprintf("%s/%d", unit, length), func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					m.round(text, false)
				}
			})
		}
	}
}
