// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.uber.org/zap"

	"github.com/saberloop/otelcol-saberloop/internal/entry"
	"github.com/saberloop/otelcol-saberloop/receiver/saberloopreceiver/internal/dedup"
)

// dataFormat is the name of the format in the Collector's own telemetry.
const dataFormat = "saberloop"

// signal is one kind of entries and its pipelines.
type signal struct {
	// name is the member of a batch with the entries.
	name string
	// count returns the signal's field.
	count func(*entry.Counts) *int
	// consume passes the entries of a batch on; nil without a pipeline.
	consume func(context.Context, *entry.Batch) error
}

// pipelines passes batches to the pipelines of their signals.
type pipelines struct {
	logs, traces, metrics signal

	obsrep  *receiverhelper.ObsReport
	logger  *zap.Logger
	workers *workers
}

func newPipelines(obsrep *receiverhelper.ObsReport, logger *zap.Logger) *pipelines {
	return &pipelines{
		logs:    signal{name: "logs", count: func(c *entry.Counts) *int { return &c.Logs }},
		traces:  signal{name: "traces", count: func(c *entry.Counts) *int { return &c.Traces }},
		metrics: signal{name: "metrics", count: func(c *entry.Counts) *int { return &c.Metrics }},
		obsrep:  obsrep,
		logger:  logger,
		workers: newWorkers(),
	}
}

// signals returns all signals in the order of the answers.
func (p *pipelines) signals() [3]*signal {
	return [...]*signal{&p.logs, &p.traces, &p.metrics}
}

func (p *pipelines) registerLogsConsumer(next consumer.Logs) {
	p.logs.consume = func(ctx context.Context, b *entry.Batch) error {
		ctx = p.obsrep.StartLogsOp(ctx)
		err := guard(p.logger, func() error { return next.ConsumeLogs(ctx, b.Logs) })
		p.obsrep.EndLogsOp(ctx, dataFormat, b.Received.Logs, err)
		return err
	}
}

func (p *pipelines) registerTracesConsumer(next consumer.Traces) {
	p.traces.consume = func(ctx context.Context, b *entry.Batch) error {
		ctx = p.obsrep.StartTracesOp(ctx)
		err := guard(p.logger, func() error { return next.ConsumeTraces(ctx, b.Traces) })
		p.obsrep.EndTracesOp(ctx, dataFormat, b.Received.Traces, err)
		return err
	}
}

func (p *pipelines) registerMetricsConsumer(next consumer.Metrics) {
	p.metrics.consume = func(ctx context.Context, b *entry.Batch) error {
		ctx = p.obsrep.StartMetricsOp(ctx)
		err := guard(p.logger, func() error { return next.ConsumeMetrics(ctx, b.Metrics) })
		p.obsrep.EndMetricsOp(ctx, dataFormat, b.Received.Metrics, err)
		return err
	}
}

// rejectUnrouted counts the entries of signals without a pipeline as rejected.
func (p *pipelines) rejectUnrouted(b *entry.Batch) {
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

// due returns the numbers of received entries that are still to be stored.
func (p *pipelines) due(b *entry.Batch, stored dedup.Signals) entry.Counts {
	due := b.Received
	if stored.Logs {
		due.Logs = 0
	}
	if stored.Traces {
		due.Traces = 0
	}
	if stored.Metrics {
		due.Metrics = 0
	}
	return due
}

// consume passes the due entries to their pipelines and returns which of them
// were not accepted. The error is permanent if all errors are: a retry is useful
// if one pipeline may accept its entries later.
func (p *pipelines) consume(ctx context.Context, b *entry.Batch, due entry.Counts) (lost entry.Counts, failed error) {
	signals := make([]*signal, 0, 3)
	for _, s := range p.signals() {
		if *s.count(&due) > 0 {
			signals = append(signals, s)
		}
	}
	if len(signals) == 0 {
		return lost, nil
	}

	// All at the same time, because each may wait for the disk to sync.
	errs := make([]error, len(signals))
	var others sync.WaitGroup
	for i, s := range signals[1:] {
		p.workers.run(&others, func() { errs[i+1] = s.consume(ctx, b) })
	}
	errs[0] = signals[0].consume(ctx, b)
	others.Wait()

	for i, s := range signals {
		if errs[i] == nil {
			continue
		}
		*s.count(&lost) = *s.count(&due)
		if failed == nil || consumererror.IsPermanent(failed) {
			failed = errs[i]
		}
	}
	return lost, failed
}

var errPanicked = errors.New("panicked")

// guard calls f and turns a panic into a permanent error. net/http would log the
// value of the panic; in another goroutine the process would end.
func guard(logger *zap.Logger, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			logger.Error("Recovered from a panic", zap.String("panic", describePanic(v)), zap.StackSkip("stack", 1))
			err = consumererror.NewPermanent(errPanicked)
		}
	}()
	return f()
}

// describePanic returns the message of a runtime error, and otherwise only the
// type: the value may contain a payload.
func describePanic(v any) string {
	if err, ok := v.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("%T", v)
}
