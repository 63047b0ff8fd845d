// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlexporter

import (
	"iter"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/exporter/exportertest"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
)

func linesAt(received ...string) iter.Seq2[time.Time, []byte] {
	return func(yield func(time.Time, []byte) bool) {
		for _, at := range received {
			t, err := time.Parse(time.RFC3339, at)
			if err != nil {
				panic(err)
			}
			if !yield(t, []byte(`{"received_at":"`+at+`"}`+"\n")) {
				return
			}
		}
	}
}

func newTestConfig(t *testing.T) *Config {
	cfg := createDefaultConfig().(*Config)
	cfg.Directory = filepath.Join(t.TempDir(), "telemetry")
	return cfg
}

func TestPushSortsLinesByDay(t *testing.T) {
	t.Parallel()
	cfg := newTestConfig(t)
	cfg.Timezone = "Europe/Lisbon"
	cfg.Retention.Days = 0
	e, err := newExporter(exportertest.NewNopSettings(component.MustNewType("daily_jsonl")), cfg, dayfile.Logs)
	require.NoError(t, err)
	require.NoError(t, e.start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, e.push(t.Context(), linesAt("2025-07-01T22:59:59Z", "2025-07-01T23:00:00Z", "2025-07-01T12:00:00Z")))
	require.NoError(t, e.shutdown(t.Context()))

	first, err := os.ReadFile(filepath.Join(cfg.Directory, "logs", "2025-07-01.jsonl"))
	require.NoError(t, err)
	require.Equal(t, "{\"received_at\":\"2025-07-01T22:59:59Z\"}\n{\"received_at\":\"2025-07-01T12:00:00Z\"}\n", string(first))
	second, err := os.ReadFile(filepath.Join(cfg.Directory, "logs", "2025-07-02.jsonl"))
	require.NoError(t, err)
	require.Equal(t, "{\"received_at\":\"2025-07-01T23:00:00Z\"}\n", string(second))
}
