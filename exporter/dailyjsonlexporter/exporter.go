// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlexporter

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
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
	logger *zap.Logger
	host   component.Host

	// failing is true if the last append failed. Reporting a change holds
	// reporting, so that changes are reported in order.
	failing   atomic.Bool
	reporting sync.Mutex
	// The failure was logged, if logged is true. The next one is not logged
	// before nextLog: on an almost full disk small batches succeed between
	// large ones that fail.
	logged  bool
	nextLog time.Time
}

// logInterval is the minimum time between two logged failures.
const logInterval = time.Minute

func newExporter(set exporter.Settings, cfg *Config, signal dayfile.Signal, shared *sharedcomponent.Component[*dayStore]) *signalExporter {
	return &signalExporter{
		cfg:    cfg,
		signal: signal,
		shared: shared,
		store:  shared.Unwrap(),
		logger: set.Logger.WithOptions(noStacktrace),
	}
}

// options returns the options of exporterhelper.
func (e *signalExporter) options() []exporterhelper.Option {
	options := []exporterhelper.Option{
		exporterhelper.WithStart(e.start),
		exporterhelper.WithShutdown(e.shutdown),
		exporterhelper.WithCapabilities(consumer.Capabilities{MutatesData: false}),
		// A timeout would leave it unknown whether the data is on disk.
		exporterhelper.WithTimeout(exporterhelper.TimeoutConfig{Timeout: 0}),
	}
	// exporterhelper recommends a queue and retries in its errors if it gets
	// options that disable them. Here the sender keeps the data and retries.
	if e.cfg.QueueConfig.HasValue() {
		options = append(options, exporterhelper.WithQueue(e.cfg.QueueConfig))
	}
	if e.cfg.RetryConfig.Enabled {
		options = append(options, exporterhelper.WithRetry(e.cfg.RetryConfig))
	}
	return options
}

// helperSettings returns the settings for exporterhelper, which logs an error
// for every request that fails.
func helperSettings(set exporter.Settings) exporter.Settings {
	set.Logger = limitedLogger(set.Logger)
	return set
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
// It drops lines longer than entry.MaxLineBytes and returns a permanent error
// for them after appending the others.
func (e *signalExporter) push(ctx context.Context, lines iter.Seq2[time.Time, []byte]) error {
	b := newBatch()
	defer b.release()
	tooLong := 0
	// Nearly all records of a batch were received at the same time.
	var at time.Time
	var day dayfile.Day
	for received, line := range lines {
		if len(line) > entry.MaxLineBytes {
			tooLong++
			continue
		}
		if !at.Equal(received) {
			at, day = received, dayfile.DayOf(received, e.store.options.Location)
		}
		b.add(day, line)
	}
	if err := e.append(ctx, b); err != nil {
		return err
	}
	if tooLong > 0 {
		e.store.telemetry.longLines(ctx, tooLong)
		return consumererror.NewPermanent(fmt.Errorf("dropped %d lines longer than %d bytes", tooLong, entry.MaxLineBytes))
	}
	return nil
}

// append appends the batch to the day files.
func (e *signalExporter) append(ctx context.Context, b *batch) error {
	if b.lines == 0 {
		return nil
	}
	err := e.store.files.Append(e.signal, b.byDay()...)
	e.reportHealth(err)
	if err != nil {
		e.store.telemetry.refused(ctx, err)
		return classify(err)
	}
	e.store.telemetry.appended(ctx, e.signal, b.lines)
	return nil
}

// classify makes an error permanent if retrying cannot help. Any failure of the
// disk may pass.
func classify(err error) error {
	if errors.Is(err, store.ErrInvalid) {
		return consumererror.NewPermanent(err)
	}
	return err
}

// reportHealth reports when appending begins to fail and when it succeeds again.
func (e *signalExporter) reportHealth(err error) {
	switch {
	case err == nil:
		e.markHealthy()
	case errors.Is(err, store.ErrInvalid), errors.Is(err, store.ErrClosed):
		// These say nothing about the files.
	default:
		e.markUnhealthy(err)
	}
}

func (e *signalExporter) markHealthy() {
	e.setFailing(false, func() {
		componentstatus.ReportStatus(e.host, componentstatus.NewEvent(componentstatus.StatusOK))
		if e.logged {
			e.logger.Info("Appending to day files again")
		}
	})
}

func (e *signalExporter) markUnhealthy(err error) {
	e.setFailing(true, func() {
		componentstatus.ReportStatus(e.host, componentstatus.NewRecoverableErrorEvent(err))
		now := time.Now()
		if e.logged = !now.Before(e.nextLog); e.logged {
			e.nextLog = now.Add(logInterval)
			e.logger.Error("Cannot append to day files, refusing data until it succeeds", zap.Error(err))
		}
	})
}

// setFailing calls report if failing changes.
func (e *signalExporter) setFailing(failing bool, report func()) {
	if e.failing.Load() == failing {
		return
	}
	e.reporting.Lock()
	defer e.reporting.Unlock()
	if e.failing.Swap(failing) != failing {
		report()
	}
}
