// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"context"

	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver/receiverhelper"

	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

// dataFormat is what the Collector's own telemetry calls what is received.
const dataFormat = "daily_jsonl"

// pipeline is where the lines of one signal go.
type pipeline interface {
	// add decodes a line into the batch. A line that is refused leaves the
	// batch as it is.
	add(line []byte) error
	// send marks the batch and hands it over; it is empty from then on. What
	// was handed over is the consumer's, even where it returns an error.
	send(ctx context.Context, m *marker) error
	// pass marks the batch, and hands it to nobody.
	pass(m *marker)
}

type logs struct {
	reader entry.LogReader
	next   consumer.Logs
	obsrep *receiverhelper.ObsReport
}

func (p *logs) add(line []byte) error { return p.reader.Add(line) }

func (p *logs) pass(m *marker) { m.logs(p.reader.Take()) }

func (p *logs) send(ctx context.Context, m *marker) error {
	batch := p.reader.Take()
	m.logs(batch)
	count := batch.LogRecordCount()
	ctx = p.obsrep.StartLogsOp(ctx)
	err := p.next.ConsumeLogs(ctx, batch)
	p.obsrep.EndLogsOp(ctx, dataFormat, count, err)
	return err
}

type traces struct {
	reader entry.SpanReader
	next   consumer.Traces
	obsrep *receiverhelper.ObsReport
}

func (p *traces) add(line []byte) error { return p.reader.Add(line) }

func (p *traces) pass(m *marker) { m.traces(p.reader.Take()) }

func (p *traces) send(ctx context.Context, m *marker) error {
	batch := p.reader.Take()
	m.traces(batch)
	count := batch.SpanCount()
	ctx = p.obsrep.StartTracesOp(ctx)
	err := p.next.ConsumeTraces(ctx, batch)
	p.obsrep.EndTracesOp(ctx, dataFormat, count, err)
	return err
}

type metrics struct {
	reader entry.MetricReader
	next   consumer.Metrics
	obsrep *receiverhelper.ObsReport
}

func (p *metrics) add(line []byte) error { return p.reader.Add(line) }

func (p *metrics) pass(m *marker) { m.metrics(p.reader.Take()) }

func (p *metrics) send(ctx context.Context, m *marker) error {
	batch := p.reader.Take()
	m.metrics(batch)
	count := batch.DataPointCount()
	ctx = p.obsrep.StartMetricsOp(ctx)
	err := p.next.ConsumeMetrics(ctx, batch)
	p.obsrep.EndMetricsOp(ctx, dataFormat, count, err)
	return err
}
