// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlexporter

import (
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/zap"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/store"
	"github.com/saberloop/otelcol-saberloop/internal/entry"
	"github.com/saberloop/otelcol-saberloop/internal/sharedcomponent"
)

// signalExporter exports one signal.
type signalExporter struct {
	cfg    *Config
	signal dayfile.Signal
	shared *sharedcomponent.Component[*dayStore]
	store  *dayStore

	host component.Host
	// ailing is whether the last append failed; reporting is held while it
	// changes.
	ailing    atomic.Bool
	reporting sync.Mutex
}

func newExporter(set exporter.Settings, cfg *Config, signal dayfile.Signal) (*signalExporter, error) {
	shared, err := stores.LoadOrStore(cfg, func() (*dayStore, error) {
		return newStore(set, cfg)
	})
	if err != nil {
		return nil, err
	}
	return &signalExporter{cfg: cfg, signal: signal, shared: shared, store: shared.Unwrap()}, nil
}

func (e *signalExporter) start(ctx context.Context, host component.Host) error {
	e.host = host
	return e.shared.Start(ctx, host)
}

func (e *signalExporter) shutdown(ctx context.Context) error { return e.shared.Shutdown(ctx) }

func (e *signalExporter) pushLogs(ctx context.Context, ld plog.Logs) error {
	return e.push(ctx, entry.LogLines(ld, time.Now()))
}

func (e *signalExporter) pushTraces(ctx context.Context, td ptrace.Traces) error {
	return e.push(ctx, entry.SpanLines(td, time.Now()))
}

func (e *signalExporter) pushMetrics(ctx context.Context, md pmetric.Metrics) error {
	return e.push(ctx, entry.MetricLines(md, time.Now()))
}

// push appends the lines to the files of the days on which they were received.
func (e *signalExporter) push(ctx context.Context, lines iter.Seq2[time.Time, []byte]) error {
	b := takeBatch()
	defer b.giveBack()
	for received, line := range lines {
		b.add(dayfile.DayOf(received, e.store.options.Location), line)
	}
	if b.lines == 0 {
		return nil
	}
	err := e.store.files.Append(e.signal, b.byDay()...)
	e.report(err)
	if err != nil {
		e.store.telemetry.refused(ctx, err)
		return classify(err)
	}
	e.store.telemetry.appended(ctx, e.signal, b.lines)
	return nil
}

// classify decides whether the same data may be taken at another time. All
// that a disk does to us may pass; a mistake of ours does not.
func classify(err error) error {
	if errors.Is(err, store.ErrInvalid) {
		return consumererror.NewPermanent(err)
	}
	return err
}

// report tells the Collector, and the log, when appending begins to fail and
// when it succeeds again.
func (e *signalExporter) report(err error) {
	ailing := err != nil
	if e.ailing.Load() == ailing {
		return
	}
	// Changes are told in the order in which they are made: of two that cross,
	// the wrong one would stay for good.
	e.reporting.Lock()
	defer e.reporting.Unlock()
	if e.ailing.Swap(ailing) == ailing {
		return
	}
	if ailing {
		componentstatus.ReportStatus(e.host, componentstatus.NewRecoverableErrorEvent(err))
		e.store.telemetry.logger.Error("Day files can't be written, data is refused",
			zap.String("signal", string(e.signal)), zap.Error(err))
		return
	}
	componentstatus.ReportStatus(e.host, componentstatus.NewEvent(componentstatus.StatusOK))
	e.store.telemetry.logger.Info("Day files are written again", zap.String("signal", string(e.signal)))
}
