// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlexporter

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
)

// pipeline is an exporter that the factory created.
type pipeline struct {
	component.Component
	folder string
	export func(context.Context) error
}

// pipelines creates the exporters of all signals.
func pipelines(tb testing.TB, cfg *Config) []pipeline {
	tb.Helper()
	return pipelinesWith(tb, cfg, testSettings())
}

func pipelinesWith(tb testing.TB, cfg *Config, set exporter.Settings) []pipeline {
	tb.Helper()
	factory := NewFactory()
	logs, err := factory.CreateLogs(tb.Context(), set, cfg)
	require.NoError(tb, err)
	traces, err := factory.CreateTraces(tb.Context(), set, cfg)
	require.NoError(tb, err)
	metrics, err := factory.CreateMetrics(tb.Context(), set, cfg)
	require.NoError(tb, err)
	assert.False(tb, logs.Capabilities().MutatesData)
	return []pipeline{
		{logs, "logs", func(ctx context.Context) error { return logs.ConsumeLogs(ctx, oneLog()) }},
		{traces, "traces", func(ctx context.Context) error { return traces.ConsumeTraces(ctx, oneSpan()) }},
		{metrics, "metrics", func(ctx context.Context) error { return metrics.ConsumeMetrics(ctx, onePoint()) }},
	}
}

func TestSignalsShareTheDirectory(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	all := pipelines(t, cfg)
	for _, p := range all {
		require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
	}
	for _, p := range all {
		require.NoError(t, p.export(t.Context()))
		files, err := os.ReadDir(filepath.Join(cfg.Directory, p.folder))
		require.NoError(t, err)
		require.Len(t, files, 1, "the line is in its file when the call returns")
		text := readFile(t, cfg, filepath.Join(p.folder, files[0].Name()))
		require.Equal(t, 1, strings.Count(text, "\n"))
		require.Contains(t, text, strings.TrimSuffix(files[0].Name(), ".jsonl"), "the day is that of received_at")
	}
	for _, p := range all {
		require.NoError(t, p.Shutdown(t.Context()))
	}
}

// Shutdown writes the queues of all signals, although they stop one by one.
func TestShutdownWritesTheQueues(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.QueueConfig = configoptional.Some(exporterhelper.NewDefaultQueueConfig())
	all := pipelines(t, cfg)
	for _, p := range all {
		require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
	}
	const batches = 100
	for range batches {
		for _, p := range all {
			require.NoError(t, p.export(t.Context()))
		}
	}
	for _, p := range all {
		require.NoError(t, p.Shutdown(t.Context()))
	}
	for _, p := range all {
		lines := 0
		files, err := os.ReadDir(filepath.Join(cfg.Directory, p.folder))
		require.NoError(t, err)
		for _, f := range files { // two if the test runs at midnight
			lines += strings.Count(readFile(t, cfg, filepath.Join(p.folder, f.Name())), "\n")
		}
		require.Equal(t, batches, lines, p.folder)
	}
}

func TestLifecycle(t *testing.T) {
	t.Parallel()
	for i, name := range []string{"logs", "traces", "metrics"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Run("shutdown without start", func(t *testing.T) {
				t.Parallel()
				cfg := testConfig(t)
				require.NoError(t, pipelines(t, cfg)[i].Shutdown(t.Context()))
				require.NoDirExists(t, cfg.Directory)
			})
			t.Run("start and shutdown twice", func(t *testing.T) {
				t.Parallel()
				cfg := testConfig(t)
				for range 2 {
					p := pipelines(t, cfg)[i]
					require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
					require.NoError(t, p.export(t.Context()))
					require.NoError(t, p.Shutdown(t.Context()))
					require.NoError(t, p.Shutdown(t.Context()))
				}
			})
		})
	}
}

// The error of Start names the key and the path at fault.
func TestStartFails(t *testing.T) {
	t.Parallel()
	t.Run("no directory", func(t *testing.T) {
		t.Parallel()
		cfg := testConfig(t)
		require.NoError(t, os.WriteFile(cfg.Directory, nil, 0o600))
		requireStartFails(t, cfg, cfg.Directory)
	})
	t.Run("in use", func(t *testing.T) {
		t.Parallel()
		cfg, other := testConfig(t), testConfig(t)
		first := pipelines(t, cfg)[0]
		require.NoError(t, first.Start(t.Context(), componenttest.NewNopHost()))
		other.Directory = cfg.Directory
		requireStartFails(t, other, "directory is in use")
		require.NoError(t, first.Shutdown(t.Context()))
	})
}

func requireStartFails(t *testing.T, cfg *Config, why string) {
	t.Helper()
	p := pipelines(t, cfg)[0]
	err := p.Start(t.Context(), componenttest.NewNopHost())
	require.ErrorContains(t, err, "directory: ")
	require.ErrorContains(t, err, cfg.Directory)
	require.ErrorContains(t, err, why)
	require.NoError(t, p.Shutdown(t.Context()))
}
