// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlexporter

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/store"
	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

// tenLogs returns a batch of a browser.
func tenLogs(tb testing.TB) plog.Logs {
	tb.Helper()
	var reader entry.LogReader
	for range 10 {
		require.NoError(tb, reader.Add([]byte(`{"timestamp":"2025-12-22T10:00:00.123Z","level":"info","message":"Quiz started",`+
			`"context":{"topic":"Math","questions":10,"grade":"5th","online":true,"model":"claude"},`+
			`"sessionId":"1766397600000-k3j5h2l1m","url":"https://saberloop.com/app/#/quiz",`+
			`"userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36",`+
			`"received_at":"2025-12-22T10:00:05Z"}`)))
	}
	return reader.Take()
}

// BenchmarkPush writes batches of ten logs to the file from 64 goroutines.
func BenchmarkPush(b *testing.B) {
	for _, mode := range []store.SyncMode{store.SyncCommit, store.SyncNone} {
		b.Run(string(mode), func(b *testing.B) {
			cfg := testConfig(b)
			cfg.Sync = mode
			e := started(b, cfg, testSettings(), componenttest.NewNopHost(), dayfile.Logs)
			ld := tenLogs(b)
			b.ReportAllocs()
			b.SetParallelism(64 / runtime.GOMAXPROCS(0))
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := e.pushLogs(b.Context(), ld); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
