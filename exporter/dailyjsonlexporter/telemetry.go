// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlexporter

import (
	"context"
	"errors"
	"math"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
)

const (
	scopeName = "github.com/saberloop/otelcol-saberloop/exporter/dailyjsonlexporter"
	// prefix is what the Collector's own metrics of exporters begin with,
	// and the type of this one.
	prefix = "otelcol_exporter_daily_jsonl_"
)

// Attributes of the metrics. Each has a handful of values.
const (
	attrSignal = "signal"
	attrReason = "reason"
	attrKind   = "kind"
)

// telemetry turns what happens to the day files into metrics and logs.
type telemetry struct {
	log   *zap.Logger
	meter metric.Meter

	lines         metric.Int64Counter
	bytes         metric.Int64Counter
	writeDuration metric.Float64Histogram
	syncDuration  metric.Float64Histogram
	syncAppends   metric.Int64Histogram
	freeBytes     metric.Int64ObservableGauge
	deleted       metric.Int64Counter
	compressed    metric.Int64Counter
	torn          metric.Int64Counter
	changed       metric.Int64Counter
	failures      metric.Int64Counter

	registration metric.Registration
	// bySignal spares the hot path the making of attribute sets.
	bySignal map[dayfile.Signal]metric.MeasurementOption
}

var _ dayfile.Observer = (*telemetry)(nil)

func newTelemetry(set component.TelemetrySettings) (*telemetry, error) {
	t := &telemetry{
		log:      set.Logger,
		meter:    set.MeterProvider.Meter(scopeName),
		bySignal: map[dayfile.Signal]metric.MeasurementOption{},
	}
	for _, signal := range dayfile.Signals() {
		t.bySignal[signal] = metric.WithAttributeSet(attribute.NewSet(attribute.String(attrSignal, string(signal))))
	}
	return t, t.makeInstruments()
}

// seconds are histogram boundaries from a write into memory to a disk that
// hangs.
var seconds = metric.WithExplicitBucketBoundaries(
	0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

func (t *telemetry) makeInstruments() error {
	var errs [11]error
	t.lines, errs[0] = t.meter.Int64Counter(prefix+"lines",
		metric.WithUnit("{lines}"), metric.WithDescription("Lines appended to day files and acknowledged."))
	t.bytes, errs[1] = t.meter.Int64Counter(prefix+"written",
		metric.WithUnit("By"), metric.WithDescription("Bytes appended to day files."))
	t.writeDuration, errs[2] = t.meter.Float64Histogram(prefix+"write_duration",
		metric.WithUnit("s"), metric.WithDescription("Time that one append took to write."), seconds)
	t.syncDuration, errs[3] = t.meter.Float64Histogram(prefix+"sync_duration",
		metric.WithUnit("s"), metric.WithDescription("Time that one sync of a file took."), seconds)
	t.syncAppends, errs[4] = t.meter.Int64Histogram(prefix+"sync_appends",
		metric.WithUnit("{appends}"), metric.WithDescription("Appends that waited for one sync."),
		metric.WithExplicitBucketBoundaries(0, 1, 2, 4, 8, 16, 32, 64, 128, 256))
	t.freeBytes, errs[5] = t.meter.Int64ObservableGauge(prefix+"free",
		metric.WithUnit("By"), metric.WithDescription("Free bytes on the file system of the day files."))
	t.deleted, errs[6] = t.meter.Int64Counter(prefix+"files_deleted",
		metric.WithUnit("{files}"), metric.WithDescription("Files deleted by retention."))
	t.compressed, errs[7] = t.meter.Int64Counter(prefix+"files_compressed",
		metric.WithUnit("{files}"), metric.WithDescription("Files of closed days that were compressed."))
	t.torn, errs[8] = t.meter.Int64Counter(prefix+"torn_ends",
		metric.WithUnit("{files}"), metric.WithDescription("Ends of files that were no whole line and were set aside."))
	t.changed, errs[9] = t.meter.Int64Counter(prefix+"files_changed",
		metric.WithUnit("{files}"), metric.WithDescription("Times that an open file was changed by somebody else."))
	t.failures, errs[10] = t.meter.Int64Counter(prefix+"errors",
		metric.WithUnit("{errors}"), metric.WithDescription("What went wrong with day files."))
	return errors.Join(errs[:]...)
}

// watch reports the free space from now on.
func (t *telemetry) watch(files *dayfile.Store) (err error) {
	t.registration, err = t.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		free, err := files.Free()
		if err != nil {
			return err
		}
		o.ObserveInt64(t.freeBytes, int64(min(free, math.MaxInt64)))
		return nil
	}, t.freeBytes)
	return err
}

func (t *telemetry) shutdown() error {
	if t.registration == nil {
		return nil
	}
	return t.registration.Unregister()
}

// appended counts lines that were acknowledged.
func (t *telemetry) appended(ctx context.Context, signal dayfile.Signal, lines int) {
	t.lines.Add(ctx, int64(lines), t.bySignal[signal])
}

// refused counts an append that was refused without a try. What failed at a
// try is counted in Failed.
func (t *telemetry) refused(ctx context.Context, err error) {
	switch {
	case errors.Is(err, dayfile.ErrDiskFull):
		t.failures.Add(ctx, 1, metric.WithAttributes(attribute.String(attrKind, "disk_full")))
	case errors.Is(err, dayfile.ErrClosed):
		t.failures.Add(ctx, 1, metric.WithAttributes(attribute.String(attrKind, "closed")))
	}
}

func (t *telemetry) Wrote(signal dayfile.Signal, bytes int, took time.Duration) {
	t.bytes.Add(context.Background(), int64(bytes), t.bySignal[signal])
	t.writeDuration.Record(context.Background(), took.Seconds(), t.bySignal[signal])
}

func (t *telemetry) Synced(signal dayfile.Signal, appends int, took time.Duration) {
	t.syncDuration.Record(context.Background(), took.Seconds(), t.bySignal[signal])
	t.syncAppends.Record(context.Background(), int64(appends), t.bySignal[signal])
}

func (t *telemetry) Deleted(name string, size int64, reason dayfile.Reason) {
	t.deleted.Add(context.Background(), 1, metric.WithAttributes(attribute.String(attrReason, string(reason))))
	t.log.Info("Deleted a day file", zap.String("file", name), zap.Int64("bytes", size), zap.String("reason", string(reason)))
}

func (t *telemetry) Compressed(name string, plain, compressed int64, took time.Duration) {
	t.compressed.Add(context.Background(), 1)
	t.log.Info("Compressed a day file", zap.String("file", name),
		zap.Int64("plain_bytes", plain), zap.Int64("compressed_bytes", compressed), zap.Duration("took", took))
}

func (t *telemetry) SetAside(name, aside string, size int64) {
	t.torn.Add(context.Background(), 1)
	t.log.Warn("Set the torn end of a day file aside", zap.String("file", name), zap.String("aside", aside), zap.Int64("bytes", size))
}

func (t *telemetry) Changed(name, what string) {
	t.changed.Add(context.Background(), 1)
	t.log.Warn("Somebody else changed a day file; going on", zap.String("file", name), zap.String("change", what))
}

func (t *telemetry) ClockJumped(by time.Duration) {
	t.log.Warn("The clock jumped; retention waits to see whether it stays there", zap.Duration("by", by))
}

func (t *telemetry) Failed(op dayfile.Op, name string, err error) {
	t.failures.Add(context.Background(), 1, metric.WithAttributes(attribute.String(attrKind, string(op))))
	t.log.Error("Day file trouble", zap.String("doing", string(op)), zap.String("file", name), zap.Error(err))
}
