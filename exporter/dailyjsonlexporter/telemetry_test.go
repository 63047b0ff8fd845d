// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlexporter

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/saberloop/otelcol-saberloop/internal/configtest"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/store"
)

// measured starts an exporter of logs whose own telemetry can be read.
func measured(tb testing.TB, cfg *Config) (*signalExporter, *componenttest.Telemetry, *observer.ObservedLogs) {
	tb.Helper()
	telemetry := componenttest.NewTelemetry()
	tb.Cleanup(func() { assert.NoError(tb, telemetry.Shutdown(context.Background())) })
	core, logs := observer.New(zapcore.DebugLevel)
	set := exporter.Settings{
		ID:                component.NewIDWithName(componentType, "test"),
		TelemetrySettings: telemetry.NewTelemetrySettings(),
	}
	set.Logger = zap.New(core)
	return started(tb, cfg, set, componenttest.NewNopHost(), dayfile.Logs), telemetry, logs
}

// ownMetrics are those of the exporter's own meter, by name.
func ownMetrics(tb testing.TB, telemetry *componenttest.Telemetry) map[string]metricdata.Aggregation {
	tb.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(tb, telemetry.Reader.Collect(tb.Context(), &all))
	own := map[string]metricdata.Aggregation{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if scope.Scope.Name == meterName {
				own[m.Name] = m.Data
			}
		}
	}
	return own
}

// sums are a counter's values, by the values of its attributes.
func sums(tb testing.TB, data metricdata.Aggregation) map[string]int64 {
	tb.Helper()
	values := map[string]int64{}
	for _, point := range data.(metricdata.Sum[int64]).DataPoints {
		assert.Equal(tb, "daily_jsonl/test", attributeOf(point.Attributes, "exporter"))
		key := attributeOf(point.Attributes, "signal") + attributeOf(point.Attributes, "kind") + attributeOf(point.Attributes, "reason")
		values[key] += point.Value
	}
	return values
}

func attributeOf(set attribute.Set, key attribute.Key) string {
	value, _ := set.Value(key)
	return value.AsString()
}

// happen makes everything happen that is measured.
func happen(tb testing.TB, e *signalExporter) {
	tb.Helper()
	require.NoError(tb, e.push(tb.Context(), linesAt(noon, noon, noon)))
	var o store.Observer = e.store.telemetry
	o.Deleted("logs/2025-01-01.jsonl", 3, store.TooOld)
	o.Deleted("logs/2025-01-02.jsonl", 4, store.TooMuch)
	o.Compressed("logs/2025-12-21.jsonl.gz", 100, 10, time.Second)
	o.SetAside("logs/2025-12-21.jsonl", "logs/2025-12-21.jsonl.torn-1", 7)
	o.Changed("logs/2025-12-22.jsonl", "removed")
	o.ClockJumped(48 * time.Hour)
	o.ClockJumped(-48 * time.Hour)
	o.Failed(store.OpSync, "logs/2025-12-22.jsonl", errors.New("input/output error"))
}

func TestWhatHappensIsMeasured(t *testing.T) {
	t.Parallel()
	e, telemetry, _ := measured(t, testConfig(t))
	happen(t, e)
	e.store.telemetry.refused(t.Context(), store.ErrDiskFull)
	e.store.telemetry.refused(t.Context(), store.ErrClosed)
	e.store.telemetry.refused(t.Context(), errors.New("told of by the files"))
	own := ownMetrics(t, telemetry)
	for name, want := range map[string]map[string]int64{
		"lines":            {"logs": 3},
		"written":          {"logs": int64(3 * len(lineOf(noon)))},
		"deleted_files":    {"days": 1, "max_bytes": 1},
		"compressed_files": {"": 1},
		"torn_ends":        {"": 1},
		"changed_files":    {"": 1},
		"errors":           {"sync": 1, "disk_full": 1, "closed": 1},
	} {
		require.Equal(t, want, sums(t, own[metricPrefix+name]), name)
	}
	for _, name := range []string{"write_duration", "sync_duration"} {
		points := own[metricPrefix+name].(metricdata.Histogram[float64]).DataPoints
		require.Len(t, points, 1)
		require.Equal(t, uint64(1), points[0].Count)
		require.Equal(t, "logs", attributeOf(points[0].Attributes, "signal"))
	}
	appends := own[metricPrefix+"sync_appends"].(metricdata.Histogram[int64]).DataPoints
	require.Equal(t, int64(1), appends[0].Sum)
	free := own[metricPrefix+"free"].(metricdata.Gauge[int64]).DataPoints
	require.Positive(t, free[0].Value)
}

// What an operator must know is in the log; of what lines hold, nothing is.
func TestWhatHappensIsLogged(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	e, _, logs := measured(t, cfg)
	happen(t, e)
	var got []string
	for _, entry := range logs.All() {
		got = append(got, entry.Level.String()+": "+entry.Message)
		for _, field := range entry.ContextMap() {
			require.NotContains(t, fmt.Sprint(field), "received_at")
		}
	}
	require.Equal(t, []string{
		"info: Deleted day file",
		"info: Deleted day file",
		"info: Compressed day file",
		"warn: Set aside the torn end of a day file",
		"warn: Somebody else changed a day file that is being written; going on",
		"warn: The clock jumped ahead: nothing is deleted for a day, unless it goes back",
		"warn: The clock went back",
		"error: Day file failed",
	}, got)
}

// A disk that stays full is logged when it gets full, not at each batch.
func TestFullDiskIsLoggedOnce(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.MinFreeBytes = 1 << 62
	e, telemetry, logs := measured(t, cfg)
	for range 20 {
		require.ErrorIs(t, e.push(t.Context(), linesAt(noon)), store.ErrDiskFull)
	}
	require.Equal(t, 1, logs.Len())
	require.Equal(t, map[string]int64{"disk_full": 20}, sums(t, ownMetrics(t, telemetry)[metricPrefix+"errors"]))
}

// After the shutdown nothing is observed any more.
func TestShutdownEndsTheGauge(t *testing.T) {
	t.Parallel()
	telemetry := componenttest.NewTelemetry()
	set := exporter.Settings{ID: component.NewID(componentType), TelemetrySettings: telemetry.NewTelemetrySettings()}
	e, err := newExporter(set, testConfig(t), dayfile.Logs)
	require.NoError(t, err)
	require.NoError(t, e.start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, e.shutdown(t.Context()))
	require.NotContains(t, ownMetrics(t, telemetry), metricPrefix+"free")
	require.NoError(t, telemetry.Shutdown(t.Context()))
}

func TestReadmeHasTheMetrics(t *testing.T) {
	t.Parallel()
	e, telemetry, _ := measured(t, testConfig(t))
	happen(t, e)
	var want []string
	for name := range ownMetrics(t, telemetry) {
		want = append(want, name)
	}
	assert.ElementsMatch(t, want, configtest.ReadmeKeys(t, "Metrics"))
}
