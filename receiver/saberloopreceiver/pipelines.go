// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"context"
	"fmt"
	"sync"

	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.uber.org/zap"

	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

// dataFormat is what the Collector's own telemetry calls what is received.
const dataFormat = "saberloop"

// signal is one kind of entries and the pipelines that take it.
type signal struct {
	// name is the batch's member that holds the entries.
	name string
	// count picks the signal's number.
	count func(*entry.Counts) *int
	// consume hands over a batch's entries; nil where no pipeline takes them.
	consume func(context.Context, *entry.Batch) error
}

// pipelines are where the entries of a batch go.
type pipelines struct {
	logs, traces, metrics signal

	obsrep *receiverhelper.ObsReport
	logger *zap.Logger
}

func newPipelines(obsrep *receiverhelper.ObsReport, logger *zap.Logger) *pipelines {
	return &pipelines{
		logs:    signal{name: "logs", count: func(c *entry.Counts) *int { return &c.Logs }},
		traces:  signal{name: "traces", count: func(c *entry.Counts) *int { return &c.Traces }},
		metrics: signal{name: "metrics", count: func(c *entry.Counts) *int { return &c.Metrics }},
		obsrep:  obsrep,
		logger:  logger,
	}
}

// signals is all of them, in the order in which answers name them.
func (p *pipelines) signals() [3]*signal {
	return [...]*signal{&p.logs, &p.traces, &p.metrics}
}

func (p *pipelines) takeLogs(next consumer.Logs) {
	p.logs.consume = func(ctx context.Context, b *entry.Batch) error {
		ctx = p.obsrep.StartLogsOp(ctx)
		err := guard(p.logger, func() error { return next.ConsumeLogs(ctx, b.Logs) })
		p.obsrep.EndLogsOp(ctx, dataFormat, b.Received.Logs, err)
		return err
	}
}

func (p *pipelines) takeTraces(next consumer.Traces) {
	p.traces.consume = func(ctx context.Context, b *entry.Batch) error {
		ctx = p.obsrep.StartTracesOp(ctx)
		err := guard(p.logger, func() error { return next.ConsumeTraces(ctx, b.Traces) })
		p.obsrep.EndTracesOp(ctx, dataFormat, b.Received.Traces, err)
		return err
	}
}

func (p *pipelines) takeMetrics(next consumer.Metrics) {
	p.metrics.consume = func(ctx context.Context, b *entry.Batch) error {
		ctx = p.obsrep.StartMetricsOp(ctx)
		err := guard(p.logger, func() error { return next.ConsumeMetrics(ctx, b.Metrics) })
		p.obsrep.EndMetricsOp(ctx, dataFormat, b.Received.Metrics, err)
		return err
	}
}

// rejectUntaken counts the entries that no pipeline takes as rejected.
func (p *pipelines) rejectUntaken(b *entry.Batch) {
	for _, s := range p.signals() {
		received, rejected := s.count(&b.Received), s.count(&b.Rejected)
		if s.consume != nil || *received == 0 {
			continue
		}
		*rejected += *received
		*received = 0
		if len(b.Errors) < entry.MaxErrors {
			b.Errors = append(b.Errors, fmt.Sprintf("%s: no pipeline takes %[1]s", s.name))
		}
	}
}

// consume hands the received entries to their pipelines and returns how many
// were taken. If some were not, the error is permanent only if none of them
// will be taken at another time either.
func (p *pipelines) consume(ctx context.Context, b *entry.Batch) (entry.Counts, error) {
	stored := b.Received
	var due []*signal
	for _, s := range p.signals() {
		if *s.count(&stored) > 0 {
			due = append(due, s)
		}
	}
	if len(due) == 0 {
		return stored, nil
	}

	// All at once, for each may wait until a disk has synced. Most batches
	// have one signal only, and need no goroutine.
	errs := make([]error, len(due))
	var others sync.WaitGroup
	for i, s := range due[1:] {
		others.Go(func() { errs[i+1] = s.consume(ctx, b) })
	}
	errs[0] = due[0].consume(ctx, b)
	others.Wait()

	var failed error
	for i, s := range due {
		if errs[i] == nil {
			continue
		}
		*s.count(&stored) = 0
		if failed == nil || consumererror.IsPermanent(failed) {
			failed = errs[i]
		}
	}
	return stored, failed
}
