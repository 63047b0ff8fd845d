// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

var update = flag.Bool("update", false, "rewrite the golden files, and fail")

// TestGolden replays a small folder from a server: lines of the exporter and of
// the PHP script that it replaced, bad and blank lines, and a compressed day.
func TestGolden(t *testing.T) {
	t.Parallel()
	g := newRig(onceConfig(filepath.Join("testdata", "golden", "days")))
	logs, traces, metrics := new(logSink), new(consumertest.TracesSink), new(consumertest.MetricsSink)
	g.logs, g.traces, g.metrics = logs, traces, metrics
	require.NoError(t, g.replay(t))

	require.Len(t, logs.AllLogs(), 2)
	require.Len(t, traces.AllTraces(), 1)
	require.Len(t, metrics.AllMetrics(), 1)
	var marshalLogs plog.JSONMarshaler
	var marshalTraces ptrace.JSONMarshaler
	var marshalMetrics pmetric.JSONMarshaler
	var got bytes.Buffer
	for _, marshal := range []func() ([]byte, error){
		func() ([]byte, error) { return marshalLogs.MarshalLogs(logs.AllLogs()[0]) },
		func() ([]byte, error) { return marshalLogs.MarshalLogs(logs.AllLogs()[1]) },
		func() ([]byte, error) { return marshalTraces.MarshalTraces(traces.AllTraces()[0]) },
		func() ([]byte, error) { return marshalMetrics.MarshalMetrics(metrics.AllMetrics()[0]) },
	} {
		otlp, err := marshal()
		require.NoError(t, err)
		require.NoError(t, json.Indent(&got, otlp, "", "  "))
		got.WriteByte('\n')
	}
	golden := filepath.Join("testdata", "golden", "replayed.json")
	if *update {
		require.NoError(t, os.WriteFile(golden, got.Bytes(), 0o600))
		t.Fatal("golden file written; run again without -update")
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), got.String())

	bad := "Bad line skipped: " + filepath.Join("testdata", "golden", "days", "logs", "2025-12-20.jsonl")
	assertHas(t, g.messages(), bad+":5: invalid JSON: unexpected EOF at byte 60")
	assertHas(t, g.messages(), bad+":6: received_at is missing")
}
