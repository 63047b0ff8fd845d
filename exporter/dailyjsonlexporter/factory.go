// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlexporter

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/store"
	"github.com/saberloop/otelcol-saberloop/internal/sharedcomponent"
)

// componentType is the type of this exporter in a configuration.
var componentType = component.MustNewType("daily_jsonl")

// NewFactory returns the factory of the daily_jsonl exporter.
func NewFactory() exporter.Factory {
	f := &factory{}
	return exporter.NewFactory(
		componentType,
		createDefaultConfig,
		exporter.WithLogs(f.createLogs, component.StabilityLevelBeta),
		exporter.WithTraces(f.createTraces, component.StabilityLevelBeta),
		exporter.WithMetrics(f.createMetrics, component.StabilityLevelBeta),
	)
}

func createDefaultConfig() component.Config {
	retry := configretry.NewDefaultBackOffConfig()
	retry.Enabled = false
	return &Config{
		Timezone:      "UTC",
		Retention:     RetentionConfig{Days: 30},
		Sync:          store.SyncCommit,
		SyncInterval:  time.Second,
		Compression:   compressionNone,
		MinFreeBytes:  1 << 20,
		FileMode:      0o640,
		DirectoryMode: 0o750,
		QueueConfig:   configoptional.Default(exporterhelper.NewDefaultQueueConfig()),
		RetryConfig:   retry,
	}
}

// factory creates one store per configuration for the exporters of all signals,
// because a directory can be locked only once.
type factory struct {
	stores sharedcomponent.Map[*Config, *dayStore]
}

func (f *factory) exporter(set exporter.Settings, cfg component.Config, signal dayfile.Signal) (*signalExporter, error) {
	c := cfg.(*Config)
	shared, err := f.stores.LoadOrStore(c, func() (*dayStore, error) {
		return newStore(set, c)
	})
	if err != nil {
		return nil, err
	}
	return newExporter(set, c, signal, shared), nil
}

func (f *factory) createLogs(ctx context.Context, set exporter.Settings, cfg component.Config) (exporter.Logs, error) {
	e, err := f.exporter(set, cfg, dayfile.Logs)
	if err != nil {
		return nil, err
	}
	return exporterhelper.NewLogs(ctx, helperSettings(set), cfg, e.pushLogs, e.options()...)
}

func (f *factory) createTraces(ctx context.Context, set exporter.Settings, cfg component.Config) (exporter.Traces, error) {
	e, err := f.exporter(set, cfg, dayfile.Traces)
	if err != nil {
		return nil, err
	}
	return exporterhelper.NewTraces(ctx, helperSettings(set), cfg, e.pushTraces, e.options()...)
}

func (f *factory) createMetrics(ctx context.Context, set exporter.Settings, cfg component.Config) (exporter.Metrics, error) {
	e, err := f.exporter(set, cfg, dayfile.Metrics)
	if err != nil {
		return nil, err
	}
	return exporterhelper.NewMetrics(ctx, helperSettings(set), cfg, e.pushMetrics, e.options()...)
}
