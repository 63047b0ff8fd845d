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

// asLogs hands on logs in place of the spans and metrics that it is given. It
// holds nothing back: what next refuses, its own caller is told.
type asLogs struct {
	component.StartFunc
	component.ShutdownFunc

	next consumer.Logs
}

// Capabilities says that what is consumed stays as it is.
func (*asLogs) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

// ConsumeTraces hands on a record for every span.
func (c *asLogs) ConsumeTraces(ctx context.Context, td ptrace.Traces) error {
	if td.SpanCount() == 0 {
		return nil
	}
	return c.next.ConsumeLogs(ctx, spanLogs(td))
}

// ConsumeMetrics hands on a record for every data point.
func (c *asLogs) ConsumeMetrics(ctx context.Context, md pmetric.Metrics) error {
	if md.DataPointCount() == 0 {
		return nil
	}
	return c.next.ConsumeLogs(ctx, pointLogs(md))
}
