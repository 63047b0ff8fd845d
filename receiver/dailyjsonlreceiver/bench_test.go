// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.uber.org/zap"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
)

// typical has a line per signal as the daily_jsonl exporter writes it for data
// from a browser: a log with 5 context keys, a span, a metric.
var typical = map[dayfile.Signal]string{
	dayfile.Logs: `{"timestamp":"2025-12-22T10:00:00.123Z","level":"info","message":"Quiz started",` +
		`"context":{"topic":"Mathematics","difficulty":"hard","questions":%d,"cached":true,"took":123.4},` +
		`"sessionId":"1766397600000-k3j5h2l1m","url":"https://saberloop.com/app/#/quiz?id=1",` +
		`"userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36",` +
		`"received_at":"2025-12-22T10:00:05Z"}`,
	dayfile.Traces: `{"timestamp":"2025-12-22T10:00:02.450Z","traceId":"4fzyo82m1k","spanId":"k%d","name":"api.generateQuestions",` +
		`"duration":2450.3,"attributes":{"model":"claude","status":200,"tokens":1834},` +
		`"sessionId":"1766397600000-k3j5h2l1m","received_at":"2025-12-22T10:00:05Z"}`,
	dayfile.Metrics: `{"timestamp":"2025-12-22T10:00:03.000Z","name":"web_vital_lcp","value":%d,` +
		`"labels":{"rating":"good","page":"/quiz"},"sessionId":"1766397600000-k3j5h2l1m","received_at":"2025-12-22T10:00:05Z"}`,
}

// BenchmarkReplay replays a day into a pipeline that accepts everything.
func BenchmarkReplay(b *testing.B) {
	const lines = 50_000
	for _, signal := range dayfile.Signals() {
		b.Run(string(signal), func(b *testing.B) {
			var day strings.Builder
			for n := range lines {
				fmt.Fprintf(&day, typical[signal]+"\n", n)
			}
			dir := b.TempDir()
			put(b, dir, string(signal)+"/2025-12-22.jsonl", day.String())
			b.SetBytes(int64(day.Len()))
			b.ReportAllocs()
			for b.Loop() {
				cfg := onceConfig(dir)
				cfg.Storage = nil
				r, err := newReceiver(cfg, settings(zap.NewNop()), newUnfinished(), nil)
				require.NoError(b, err)
				switch signal {
				case dayfile.Logs:
					r.addPipeline(signal, &logsPipeline{next: consumertest.NewNop(), obsrep: r.obsrep})
				case dayfile.Traces:
					r.addPipeline(signal, &tracesPipeline{next: consumertest.NewNop(), obsrep: r.obsrep})
				case dayfile.Metrics:
					r.addPipeline(signal, &metricsPipeline{next: consumertest.NewNop(), obsrep: r.obsrep})
				}
				r.unfinished.finish(r) // It must not end the test.
				require.NoError(b, r.Start(b.Context(), componenttest.NewNopHost()))
				<-r.done
				require.NoError(b, r.Shutdown(b.Context()))
			}
			b.ReportMetric(float64(lines)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}
