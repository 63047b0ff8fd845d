// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlexporter

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
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
	"go.yaml.in/yaml/v3"

	"github.com/saberloop/otelcol-saberloop/internal/configtest"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/store"
)

// measured starts an exporter of logs with metrics and logs that can be read.
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

// ownMetrics returns the metrics of the exporter's meter by name.
func ownMetrics(tb testing.TB, telemetry *componenttest.Telemetry) map[string]metricdata.Aggregation {
	tb.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(tb, telemetry.Reader.Collect(tb.Context(), &all))
	own := map[string]metricdata.Aggregation{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if scope.Scope.Name == scopeName {
				own[m.Name] = m.Data
			}
		}
	}
	return own
}

// sums returns the values of a counter by the values of its attributes.
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

// happen causes all events that are measured.
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

func TestMetrics(t *testing.T) {
	t.Parallel()
	e, telemetry, _ := measured(t, testConfig(t))
	happen(t, e)
	e.store.telemetry.refused(t.Context(), store.ErrDiskFull)
	e.store.telemetry.refused(t.Context(), store.ErrClosed)
	e.store.telemetry.refused(t.Context(), errors.New("reported to the Observer"))
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

// The log has what an operator must know, and no data.
func TestLogs(t *testing.T) {
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
		"warn: Moved an incomplete line from the end of a day file",
		"warn: Another process changed an open day file",
		"warn: System clock moved ahead, deleting no day files for 24 hours unless it moves back",
		"warn: System clock moved back",
		"error: Cannot sync day file",
	}, got)
}

// While a disk is full, the log has the change of the state and one refusal a
// minute, and no stack traces. exporterhelper logs an error per request.
func TestFullDiskIsLoggedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.DebugLevel)
		set := testSettings()
		set.Logger = zap.New(core, zap.AddStacktrace(zapcore.ErrorLevel))
		cfg := testConfig(t)
		cfg.MinFreeBytes = 1 << 62
		all := pipelinesWith(t, cfg, set)
		for _, p := range all {
			require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
		}
		refuse := func() {
			for range 100 {
				for _, p := range all {
					require.ErrorIs(t, p.export(t.Context()), store.ErrDiskFull)
				}
			}
		}
		messages := func() map[string]int {
			messages := map[string]int{}
			for _, entry := range logs.TakeAll() {
				require.Empty(t, entry.Stack)
				messages[entry.Message]++
			}
			return messages
		}
		const stateChanged, refused = "Cannot append to day files, refusing data until it succeeds", "Exporting failed. Rejecting data."
		refuse()
		require.Equal(t, map[string]int{stateChanged: len(all), refused: len(all)}, messages())
		time.Sleep(time.Minute) //nolint:forbidigo // synctest advances a fake clock, no real time passes
		refuse()
		require.Equal(t, map[string]int{refused: len(all)}, messages())
		for _, p := range all {
			require.NoError(t, p.Shutdown(t.Context()))
		}
	})
}

// On an almost full disk, small batches succeed between large ones that fail. The
// log has one failure and its end a minute.
func TestChangingStateIsLoggedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, _, logs := measured(t, testConfig(t))
		for range 2 {
			for range 100 {
				e.reportHealth(store.ErrDiskFull)
				e.reportHealth(nil)
			}
			var messages []string
			for _, entry := range logs.TakeAll() {
				messages = append(messages, entry.Message)
			}
			require.Equal(t, []string{"Cannot append to day files, refusing data until it succeeds", "Appending to day files again"}, messages)
			time.Sleep(time.Minute) //nolint:forbidigo // synctest advances a fake clock, no real time passes
		}
	})
}

// A failing disk fails every append. Each kind of failure is logged once a minute.
func TestFailuresAreLoggedOnce(t *testing.T) {
	t.Parallel()
	e, telemetry, logs := measured(t, testConfig(t))
	var o store.Observer = e.store.telemetry
	for range 100 {
		for _, op := range []store.Op{store.OpOpen, store.OpWrite, store.OpSync, store.OpRepair, store.OpSpace} {
			o.Failed(op, "logs/2025-12-22.jsonl", errors.New("input/output error"))
		}
	}
	for range 3 {
		o.Failed(store.OpDelete, "logs/2025-12-22.jsonl", errors.New("permission denied"))
		o.Failed(store.OpCompress, "logs/2025-12-22.jsonl", errors.New("permission denied"))
	}
	messages := map[string]int{}
	for _, entry := range logs.All() {
		messages[entry.Message]++
	}
	require.Equal(t, map[string]int{
		"Cannot open day file": 1, "Cannot write to day file": 1, "Cannot sync day file": 1, "Cannot repair day file": 1,
		"Cannot read the free disk space": 1, "Cannot delete day file": 3, "Cannot compress day file": 3,
	}, messages)
	require.Equal(t, int64(100), sums(t, ownMetrics(t, telemetry)[metricPrefix+"errors"])["write"])
}

// The free space is not observed after the shutdown.
func TestShutdownEndsTheGauge(t *testing.T) {
	t.Parallel()
	telemetry := componenttest.NewTelemetry()
	set := exporter.Settings{ID: component.NewID(componentType), TelemetrySettings: telemetry.NewTelemetrySettings()}
	e, err := new(factory).exporter(set, testConfig(t), dayfile.Logs)
	require.NoError(t, err)
	require.NoError(t, e.start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, e.shutdown(t.Context()))
	require.NotContains(t, ownMetrics(t, telemetry), metricPrefix+"free")
	require.NoError(t, telemetry.Shutdown(t.Context()))
}

func TestMetricsAreDocumented(t *testing.T) {
	t.Parallel()
	e, telemetry, _ := measured(t, testConfig(t))
	happen(t, e)
	text, err := os.ReadFile("metadata.yaml")
	require.NoError(t, err)
	var metadata struct {
		Telemetry struct{ Metrics map[string]any }
	}
	require.NoError(t, yaml.Unmarshal(text, &metadata))
	var want, inMetadata []string
	for name := range ownMetrics(t, telemetry) {
		want = append(want, name)
	}
	for name := range metadata.Telemetry.Metrics {
		inMetadata = append(inMetadata, "otelcol_"+name)
	}
	assert.ElementsMatch(t, want, configtest.ReadmeKeys(t, "Metrics"), "README.md")
	assert.ElementsMatch(t, want, inMetadata, "metadata.yaml")
}
