// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/saberloop/otelcol-saberloop/internal/configtest"
)

// ownMetrics are the receiver's metrics after a replay that increments each of
// them.
func ownMetrics(t *testing.T) []metricdata.Metrics {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, "logs/2025-12-22.jsonl", logLines(1, 3)+"{\n"+logLines(4, 5))
	put(t, dir, "logs/2025-12-23.jsonl.gz", "damaged")

	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.WithoutCancel(t.Context()))) })
	g := newRig(onceConfig(dir))
	g.telemetry = tel
	g.cfg.MaxBatchLines = 1
	g.cfg.RetryConfig = retryConfig(1, 1)
	sink := new(logSink)
	failed := false
	sink.respond = func(numbers []int) error {
		switch {
		case numbers[0] == 2 && !failed:
			failed = true
			return errors.New("not now")
		case numbers[0] == 4:
			return consumererror.NewPermanent(errors.New("never"))
		default:
			return nil
		}
	}
	g.logs = sink
	g.start(t)
	<-g.ended
	var all metricdata.ResourceMetrics
	require.NoError(t, tel.Reader.Collect(t.Context(), &all))
	require.Error(t, g.shutdown(t))

	var own []metricdata.Metrics
	for _, scope := range all.ScopeMetrics {
		if scope.Scope.Name == meterName {
			own = append(own, scope.Metrics...)
		}
	}
	return own
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	want := map[string]int64{
		"lines":           5,
		"bad_lines":       1,
		"refused_lines":   1,
		"read":            int64(len(logLines(1, 3) + "{\n" + logLines(4, 5))),
		"days_delivered":  1,
		"retries":         1,
		"unreadable_days": 1,
		"unread":          0,
	}
	got := map[string]int64{}
	attributes := attribute.NewSet(attribute.String("receiver", componentType.String()), attribute.String("signal", "logs"))
	for _, m := range ownMetrics(t) {
		var points []metricdata.DataPoint[int64]
		switch data := m.Data.(type) {
		case metricdata.Sum[int64]:
			points = data.DataPoints
			assert.True(t, data.IsMonotonic)
		case metricdata.Gauge[int64]:
			points = data.DataPoints
		}
		require.Len(t, points, 1, m.Name)
		assert.True(t, points[0].Attributes.Equals(&attributes), m.Name)
		got[strings.TrimPrefix(m.Name, metricPrefix)] = points[0].Value
	}
	assert.Equal(t, want, got)
}

// withTelemetry connects the receiver to an SDK.
func withTelemetry(set receiver.Settings, tel *componenttest.Telemetry) receiver.Settings {
	if tel != nil {
		log := set.Logger
		set.TelemetrySettings = tel.NewTelemetrySettings()
		set.Logger = log
	}
	return set
}

// The Collector's own metrics count the records that were sent.
func TestObsReport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "logs/2025-12-22.jsonl", logLines(1, 10))
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.WithoutCancel(t.Context()))) })
	g := newRig(onceConfig(dir))
	g.telemetry = tel
	g.cfg.MaxBatchLines = 2
	sink := new(logSink)
	sink.respond = func(numbers []int) error {
		if numbers[0] == 5 {
			return consumererror.NewPermanent(errors.New("never"))
		}
		return nil
	}
	g.logs = sink
	require.Error(t, g.replay(t))
	for name, want := range map[string]int64{
		"otelcol_receiver_accepted_log_records": 8,
		"otelcol_receiver_refused_log_records":  2,
	} {
		m, err := tel.GetMetric(name)
		require.NoError(t, err)
		points := m.Data.(metricdata.Sum[int64]).DataPoints
		require.Len(t, points, 1)
		assert.Equal(t, want, points[0].Value, name)
	}
	var ops int
	for _, span := range tel.SpanRecorder.Ended() {
		ops++
		assert.Equal(t, "receiver/daily_jsonl/LogsReceived", span.Name())
	}
	assert.Equal(t, 5, ops)
	assert.Len(t, tel.SpanRecorder.Started(), 5)
}

func TestReadmeHasTheMetrics(t *testing.T) {
	t.Parallel()
	var want []string
	for _, m := range ownMetrics(t) {
		want = append(want, m.Name)
	}
	assert.ElementsMatch(t, want, configtest.ReadmeKeys(t, "Metrics"))
}
