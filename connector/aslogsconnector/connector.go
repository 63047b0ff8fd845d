// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package aslogsconnector

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Config is the configuration of the as_logs connector. It has no settings.
type Config struct{}

// asLogs converts spans and metrics to logs. It is synchronous: it returns the
// error of the next consumer.
type asLogs struct {
	component.StartFunc
	component.ShutdownFunc

	next consumer.Logs
}

// Capabilities reports that the connector does not mutate its input.
func (*asLogs) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

// ConsumeTraces sends a log record for every span.
func (c *asLogs) ConsumeTraces(ctx context.Context, td ptrace.Traces) error {
	if td.SpanCount() == 0 {
		return nil
	}
	return c.next.ConsumeLogs(ctx, spanLogs(td))
}

// ConsumeMetrics sends a log record for every data point.
func (c *asLogs) ConsumeMetrics(ctx context.Context, md pmetric.Metrics) error {
	if md.DataPointCount() == 0 {
		return nil
	}
	return c.next.ConsumeLogs(ctx, pointLogs(md))
}
