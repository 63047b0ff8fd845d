// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlexporter

import (
	"context"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
)

func testConfig(tb testing.TB) *Config {
	tb.Helper()
	cfg := createDefaultConfig().(*Config)
	cfg.Directory = filepath.Join(tb.TempDir(), "telemetry")
	// The lines of the tests are old.
	cfg.Retention.Days = 0
	return cfg
}

func testSettings() exporter.Settings { return exportertest.NewNopSettings(componentType) }

// started returns an exporter of one signal that runs until the test ends.
func started(tb testing.TB, cfg *Config, set exporter.Settings, host component.Host, signal dayfile.Signal) *signalExporter {
	tb.Helper()
	e, err := new(factory).exporter(set, cfg, signal)
	require.NoError(tb, err)
	require.NoError(tb, e.start(tb.Context(), host))
	tb.Cleanup(func() { assert.NoError(tb, e.shutdown(context.Background())) })
	return e
}

// lineOf returns the line that linesAt yields for a time.
func lineOf(at string) string { return `{"received_at":"` + at + `"}` + "\n" }

// linesAt yields lines received at these times.
func linesAt(times ...string) iter.Seq2[time.Time, []byte] {
	return func(yield func(time.Time, []byte) bool) {
		var line []byte // only valid until the next iteration, like those of entry
		for _, at := range times {
			received, err := time.Parse(time.RFC3339, at)
			if err != nil {
				panic(err)
			}
			line = append(line[:0], lineOf(at)...)
			if !yield(received, line) {
				return
			}
		}
	}
}

const noon = "2025-12-22T12:00:00Z"

func readFile(tb testing.TB, cfg *Config, name string) string {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(cfg.Directory, name))
	require.NoError(tb, err)
	return string(text)
}

func oneLog() plog.Logs {
	ld := plog.NewLogs()
	record := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	record.Body().SetStr("Quiz started")
	return ld
}

func oneSpan() ptrace.Traces {
	td := ptrace.NewTraces()
	td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty().SetName("api.generateQuestions")
	return td
}

func onePoint() pmetric.Metrics {
	md := pmetric.NewMetrics()
	m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName("web_vital_lcp")
	m.SetEmptyGauge().DataPoints().AppendEmpty().SetDoubleValue(1250)
	return md
}

// statusHost is a host that records status events.
type statusHost struct {
	component.Host
	mu     sync.Mutex
	events []componentstatus.Status
}

func newStatusHost() *statusHost { return &statusHost{Host: componenttest.NewNopHost()} }

func (h *statusHost) Report(event *componentstatus.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, event.Status())
}
