// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"context"

	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver/receiverhelper"

	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

// dataFormat is the name of the format in the Collector's own telemetry.
const dataFormat = "daily_jsonl"

// pipeline decodes the lines of one signal and sends them to its consumer.
type pipeline interface {
	// add decodes a line. If it returns an error, what was added before stays.
	add(line []byte) error
	// send marks what was added and sends it. The data belongs to the consumer
	// from then on, even if that returns an error.
	send(ctx context.Context, m *marker) error
	// discard marks what was added and drops it.
	discard(m *marker)
}

// sender sends the batches of one signal.
type sender struct {
	pipeline pipeline
	marker   *marker
	memory   *memoryBudget
}

// send tries once to send a batch. It waits for memory until ctx ends; consuming
// is the context of the consumer. A permanent error means that the consumer will
// never accept the batch.
func (s *sender) send(ctx, consuming context.Context, b *batch) error {
	release, err := s.prepare(ctx, b)
	if err != nil {
		return err
	}
	defer release()
	if len(b.lines) == 0 {
		return nil
	}
	return s.pipeline.send(consuming, s.marker)
}

// count makes the marker count a batch that is not sent.
func (s *sender) count(ctx context.Context, b *batch) error {
	release, err := s.prepare(ctx, b)
	if err != nil {
		return err
	}
	defer release()
	s.pipeline.discard(s.marker)
	return nil
}

// prepare decodes a batch into the pipeline. It does so at every try, because
// the consumer of an earlier one may have changed the data.
func (s *sender) prepare(ctx context.Context, b *batch) (release func(), err error) {
	release, err = s.memory.acquire(ctx, b.weight)
	if err != nil {
		return nil, err
	}
	b.decode(s.pipeline.add)
	s.marker.begin(b)
	return release, nil
}

// memoryBudget bounds the memory of the batches that are being sent. The signals
// share it, and each sends one batch at a time.
//
// Batches below the limit pass freely. Heavier ones pass one at a time: no more
// than the last line of a batch can make it that heavy.
type memoryBudget struct {
	limit int64
	heavy chan struct{}
}

func newMemoryBudget(cfg *Config) *memoryBudget {
	return &memoryBudget{limit: 2 * int64(cfg.MaxBatchBytes), heavy: make(chan struct{}, 1)}
}

// acquire waits until a batch may be decoded. It fails only when ctx ends.
func (m *memoryBudget) acquire(ctx context.Context, weight int64) (release func(), err error) {
	if weight < m.limit {
		return func() {}, nil
	}
	select {
	case m.heavy <- struct{}{}:
		return func() { <-m.heavy }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type logsPipeline struct {
	reader entry.LogReader
	next   consumer.Logs
	obsrep *receiverhelper.ObsReport
}

func (p *logsPipeline) add(line []byte) error { return p.reader.Add(line) }

func (p *logsPipeline) discard(m *marker) { m.markLogs(p.reader.Take()) }

func (p *logsPipeline) send(ctx context.Context, m *marker) error {
	ld := p.reader.Take()
	m.markLogs(ld)
	count := ld.LogRecordCount()
	ctx = p.obsrep.StartLogsOp(ctx)
	err := p.next.ConsumeLogs(ctx, ld)
	p.obsrep.EndLogsOp(ctx, dataFormat, count, err)
	return err
}

type tracesPipeline struct {
	reader entry.SpanReader
	next   consumer.Traces
	obsrep *receiverhelper.ObsReport
}

func (p *tracesPipeline) add(line []byte) error { return p.reader.Add(line) }

func (p *tracesPipeline) discard(m *marker) { m.markTraces(p.reader.Take()) }

func (p *tracesPipeline) send(ctx context.Context, m *marker) error {
	td := p.reader.Take()
	m.markTraces(td)
	count := td.SpanCount()
	ctx = p.obsrep.StartTracesOp(ctx)
	err := p.next.ConsumeTraces(ctx, td)
	p.obsrep.EndTracesOp(ctx, dataFormat, count, err)
	return err
}

type metricsPipeline struct {
	reader entry.MetricReader
	next   consumer.Metrics
	obsrep *receiverhelper.ObsReport
}

func (p *metricsPipeline) add(line []byte) error { return p.reader.Add(line) }

func (p *metricsPipeline) discard(m *marker) { m.markMetrics(p.reader.Take()) }

func (p *metricsPipeline) send(ctx context.Context, m *marker) error {
	md := p.reader.Take()
	m.markMetrics(md)
	count := md.DataPointCount()
	ctx = p.obsrep.StartMetricsOp(ctx)
	err := p.next.ConsumeMetrics(ctx, md)
	p.obsrep.EndMetricsOp(ctx, dataFormat, count, err)
	return err
}
