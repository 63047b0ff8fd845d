// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package aslogsconnector

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
)

var componentType = component.MustNewType("as_logs")

// NewFactory returns the factory of the as_logs connector.
func NewFactory() connector.Factory {
	return connector.NewFactory(
		componentType,
		createDefaultConfig,
		connector.WithTracesToLogs(createTracesToLogs, component.StabilityLevelAlpha),
		connector.WithMetricsToLogs(createMetricsToLogs, component.StabilityLevelAlpha),
	)
}

func createDefaultConfig() component.Config { return &Config{} }

func createTracesToLogs(_ context.Context, _ connector.Settings, _ component.Config, next consumer.Logs) (connector.Traces, error) {
	return &asLogs{next: next}, nil
}

func createMetricsToLogs(_ context.Context, _ connector.Settings, _ component.Config, next consumer.Logs) (connector.Metrics, error) {
	return &asLogs{next: next}, nil
}
