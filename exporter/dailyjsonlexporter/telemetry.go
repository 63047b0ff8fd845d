// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlexporter

import (
	"context"
	"errors"
	"math"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/store"
)

const (
	scopeName    = "github.com/saberloop/otelcol-saberloop/exporter/dailyjsonlexporter"
	metricPrefix = "otelcol_exporter_daily_jsonl_"
)

// Kinds of errors in addition to store.Op.
const (
	errorDiskFull = "disk_full"
	errorClosed   = "closed"
	errorLongLine = "long_line"
)

// telemetry records the exporter's own metrics and logs. Every attribute has a
// small, fixed set of values.
type telemetry struct {
	logger  *zap.Logger
	limited *zap.Logger // see limitedLogger
	meter   metric.Meter

	lines         metric.Int64Counter
	bytes         metric.Int64Counter
	writeDuration metric.Float64Histogram
	syncDuration  metric.Float64Histogram
	syncAppends   metric.Int64Histogram
	deleted       metric.Int64Counter
	compressed    metric.Int64Counter
	tornEnds      metric.Int64Counter
	changedFiles  metric.Int64Counter
	failures      metric.Int64Counter
	freeBytes     metric.Int64ObservableGauge
	registration  metric.Registration

	exporter attribute.KeyValue
	// Attribute sets that every append needs.
	ofExporter metric.MeasurementOption
	ofSignal   map[dayfile.Signal]metric.MeasurementOption
}

func newTelemetry(set component.TelemetrySettings, id component.ID) (*telemetry, error) {
	t := &telemetry{
		logger:   set.Logger.WithOptions(noStacktrace),
		limited:  limitedLogger(set.Logger),
		meter:    set.MeterProvider.Meter(scopeName),
		exporter: attribute.String("exporter", id.String()),
		ofSignal: map[dayfile.Signal]metric.MeasurementOption{},
	}
	t.ofExporter = t.of()
	for _, signal := range dayfile.Signals() {
		t.ofSignal[signal] = t.of(attribute.String("signal", string(signal)))
	}
	return t, errors.Join(t.makeCounters(), t.makeHistograms(), t.makeGauge())
}

// noStacktrace omits stack traces from errors, because a failing disk is not a
// bug.
var noStacktrace = zap.AddStacktrace(zapcore.DPanicLevel)

// limitedLogger returns a logger that logs each message once per logInterval.
func limitedLogger(logger *zap.Logger) *zap.Logger {
	return logger.WithOptions(noStacktrace, zap.WrapCore(func(core zapcore.Core) zapcore.Core {
		return zapcore.NewSamplerWithOptions(core, logInterval, 1, 0)
	}))
}

func (t *telemetry) of(attributes ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(append(attributes, t.exporter)...))
}

func (t *telemetry) makeCounters() error {
	var errs [7]error
	t.lines, errs[0] = t.meter.Int64Counter(metricPrefix+"lines",
		metric.WithDescription("Number of lines appended and acknowledged, by signal."),
		metric.WithUnit("{line}"))
	t.bytes, errs[1] = t.meter.Int64Counter(metricPrefix+"written",
		metric.WithDescription("Number of bytes appended, by signal."),
		metric.WithUnit("By"))
	t.deleted, errs[2] = t.meter.Int64Counter(metricPrefix+"deleted_files",
		metric.WithDescription("Number of files deleted by retention, by the limit that was exceeded."),
		metric.WithUnit("{file}"))
	t.compressed, errs[3] = t.meter.Int64Counter(metricPrefix+"compressed_files",
		metric.WithDescription("Number of files of closed days that were compressed."),
		metric.WithUnit("{file}"))
	t.tornEnds, errs[4] = t.meter.Int64Counter(metricPrefix+"torn_ends",
		metric.WithDescription("Number of incomplete lines moved from the end of a file."),
		metric.WithUnit("{end}"))
	t.changedFiles, errs[5] = t.meter.Int64Counter(metricPrefix+"changed_files",
		metric.WithDescription("Number of times that another process changed an open file."),
		metric.WithUnit("{file}"))
	t.failures, errs[6] = t.meter.Int64Counter(metricPrefix+"errors",
		metric.WithDescription("Number of errors, by the operation that failed."),
		metric.WithUnit("{error}"))
	return errors.Join(errs[:]...)
}

func (t *telemetry) makeHistograms() error {
	// From a copy to the page cache up to a hanging disk.
	seconds := metric.WithExplicitBucketBoundaries(0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005,
		0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
	var errs [3]error
	t.writeDuration, errs[0] = t.meter.Float64Histogram(metricPrefix+"write_duration",
		metric.WithDescription("Duration of one write to a file, by signal."),
		metric.WithUnit("s"), seconds)
	t.syncDuration, errs[1] = t.meter.Float64Histogram(metricPrefix+"sync_duration",
		metric.WithDescription("Duration of one sync of a file, by signal."),
		metric.WithUnit("s"), seconds)
	t.syncAppends, errs[2] = t.meter.Int64Histogram(metricPrefix+"sync_appends",
		metric.WithDescription("Number of appends that waited for the same sync, by signal."),
		metric.WithUnit("{append}"),
		metric.WithExplicitBucketBoundaries(0, 1, 2, 4, 8, 16, 32, 64, 128, 256))
	return errors.Join(errs[:]...)
}

func (t *telemetry) makeGauge() (err error) {
	t.freeBytes, err = t.meter.Int64ObservableGauge(metricPrefix+"free",
		metric.WithDescription("Number of free bytes on the file system of the directory."),
		metric.WithUnit("By"))
	return err
}

// watch starts reporting the free space.
func (t *telemetry) watch(files *store.Store) (err error) {
	t.registration, err = t.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		free, err := files.Free()
		if err != nil {
			return err
		}
		o.ObserveInt64(t.freeBytes, int64(min(free, math.MaxInt64)), t.ofExporter)
		return nil
	}, t.freeBytes)
	return err
}

// unwatch stops reporting the free space.
func (t *telemetry) unwatch() error {
	if t.registration == nil {
		return nil
	}
	return t.registration.Unregister()
}

// appended counts appended lines.
func (t *telemetry) appended(ctx context.Context, signal dayfile.Signal, lines int) {
	t.lines.Add(ctx, int64(lines), t.ofSignal[signal])
}

// refused counts an append that the store refused. The store reports all other
// failures to its Observer.
func (t *telemetry) refused(ctx context.Context, err error) {
	switch {
	case errors.Is(err, store.ErrDiskFull):
		t.failed(ctx, errorDiskFull)
	case errors.Is(err, store.ErrClosed):
		t.failed(ctx, errorClosed)
	}
}

func (t *telemetry) failed(ctx context.Context, kind string) {
	t.failures.Add(ctx, 1, t.of(attribute.String("kind", kind)))
}

// longLines counts lines that were dropped because of their length.
func (t *telemetry) longLines(ctx context.Context, lines int) {
	t.failures.Add(ctx, int64(lines), t.of(attribute.String("kind", errorLongLine)))
}
