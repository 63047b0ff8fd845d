// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/entry"
	"github.com/saberloop/otelcol-saberloop/internal/sharedcomponent"
)

var componentType = component.MustNewType("daily_jsonl")

// NewFactory returns the factory of the daily_jsonl receiver.
func NewFactory() receiver.Factory { return newFactory(endCollector) }

func newFactory(end endFunc) receiver.Factory {
	f := &factory{unfinished: newUnfinished(), end: end}
	f.receivers.StopWithFirst = true
	return receiver.NewFactory(
		componentType,
		createDefaultConfig,
		receiver.WithLogs(f.createLogs, component.StabilityLevelAlpha),
		receiver.WithTraces(f.createTraces, component.StabilityLevelAlpha),
		receiver.WithMetrics(f.createMetrics, component.StabilityLevelAlpha),
	)
}

func createDefaultConfig() component.Config {
	return &Config{
		Mode:             ModeFollow,
		PollInterval:     time.Second,
		ProgressInterval: 10 * time.Second,
		MaxBatchLines:    1000,
		MaxBatchBytes:    4 << 20,
		MaxLineBytes:     entry.MaxLineBytes,
		RetryConfig: configretry.BackOffConfig{
			Enabled:             true,
			InitialInterval:     time.Second,
			RandomizationFactor: 0.5,
			Multiplier:          2,
			MaxInterval:         30 * time.Second,
		},
	}
}

// factory creates one receiver per configuration, shared by the pipelines of all
// signals. The Collector creates a new factory for every configuration it loads.
type factory struct {
	receivers  sharedcomponent.Map[*Config, *dailyReceiver]
	unfinished *unfinished
	end        endFunc
}

type sharedReceiver = sharedcomponent.Component[*dailyReceiver]

func (f *factory) receiver(set receiver.Settings, cfg component.Config) (*sharedReceiver, error) {
	c := cfg.(*Config)
	return f.receivers.LoadOrStore(c, func() (*dailyReceiver, error) {
		return newReceiver(c, set, f.unfinished, f.end)
	})
}

func (f *factory) createLogs(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Logs) (receiver.Logs, error) {
	r, err := f.receiver(set, cfg)
	if err != nil {
		return nil, err
	}
	r.Unwrap().addPipeline(dayfile.Logs, &logsPipeline{next: next, obsrep: r.Unwrap().obsrep})
	return r, nil
}

func (f *factory) createTraces(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Traces) (receiver.Traces, error) {
	r, err := f.receiver(set, cfg)
	if err != nil {
		return nil, err
	}
	r.Unwrap().addPipeline(dayfile.Traces, &tracesPipeline{next: next, obsrep: r.Unwrap().obsrep})
	return r, nil
}

func (f *factory) createMetrics(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Metrics) (receiver.Metrics, error) {
	r, err := f.receiver(set, cfg)
	if err != nil {
		return nil, err
	}
	r.Unwrap().addPipeline(dayfile.Metrics, &metricsPipeline{next: next, obsrep: r.Unwrap().obsrep})
	return r, nil
}
