// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"

	"github.com/saberloop/otelcol-saberloop/internal/sharedcomponent"
)

// componentType is the type of this receiver in a configuration.
var componentType = component.MustNewType("saberloop")

// NewFactory returns the factory of the saberloop receiver.
func NewFactory() receiver.Factory {
	f := &factory{}
	f.receivers.StopWithFirst = true
	return receiver.NewFactory(
		componentType,
		createDefaultConfig,
		receiver.WithLogs(f.createLogs, component.StabilityLevelBeta),
		receiver.WithTraces(f.createTraces, component.StabilityLevelBeta),
		receiver.WithMetrics(f.createMetrics, component.StabilityLevelBeta),
	)
}

func createDefaultConfig() component.Config {
	cors := confighttp.NewDefaultCORSConfig()
	cors.AllowedHeaders = []string{"Content-Type", tokenHeader, "Content-Encoding"}
	// A script can read only the exposed headers of another origin.
	cors.ExposedHeaders = []string{"Retry-After"}
	// The longest time that Chromium caches a preflight. It saves a preflight per
	// batch.
	cors.MaxAge = 7200

	server := confighttp.NewDefaultServerConfig()
	server.NetAddr.Endpoint = "localhost:4328"
	server.CORS = configoptional.Default(cors)
	server.MaxRequestBodySize = 1 << 20
	server.CompressionAlgorithms = []string{"", "gzip", "zstd", "deflate"}
	// Clients on the internet must not hold a connection by sending slowly. The
	// write timeout starts with the read timeout and includes the pipelines.
	server.ReadHeaderTimeout = 10 * time.Second
	server.ReadTimeout = 30 * time.Second
	server.WriteTimeout = 60 * time.Second

	return &Config{
		ServerConfig: server,
		Paths:        []string{"/telemetry/ingest", "/telemetry/ingest.php"},
		ServiceName:  "saberloop",
		MaxDepth:     512,
		Limits:       defaultLimits(),
		Duplicates:   defaultDuplicates(),
	}
}

// factory creates one receiver per configuration for all signals.
type factory struct {
	receivers sharedcomponent.Map[*Config, *saberloopReceiver]
}

type sharedReceiver = sharedcomponent.Component[*saberloopReceiver]

func (f *factory) receiver(set receiver.Settings, cfg component.Config) (*sharedReceiver, error) {
	c := cfg.(*Config)
	return f.receivers.LoadOrStore(c, func() (*saberloopReceiver, error) {
		return newReceiver(c, set)
	})
}

func (f *factory) createLogs(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Logs) (receiver.Logs, error) {
	r, err := f.receiver(set, cfg)
	if err != nil {
		return nil, err
	}
	r.Unwrap().pipelines.registerLogsConsumer(next)
	return r, nil
}

func (f *factory) createTraces(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Traces) (receiver.Traces, error) {
	r, err := f.receiver(set, cfg)
	if err != nil {
		return nil, err
	}
	r.Unwrap().pipelines.registerTracesConsumer(next)
	return r, nil
}

func (f *factory) createMetrics(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Metrics) (receiver.Metrics, error) {
	r, err := f.receiver(set, cfg)
	if err != nil {
		return nil, err
	}
	r.Unwrap().pipelines.registerMetricsConsumer(next)
	return r, nil
}
