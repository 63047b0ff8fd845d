// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
)

const (
	scopeName = "github.com/saberloop/otelcol-saberloop/receiver/dailyjsonlreceiver"
	// metricPrefix is what the Collector's own metrics of receivers begin
	// with, and the type of this one.
	metricPrefix = "otelcol_receiver_daily_jsonl_"
)

// telemetry counts what happens before the pipelines; from there on
// receiverhelper does.
type telemetry struct {
	lines      metric.Int64Counter
	badLines   metric.Int64Counter
	refused    metric.Int64Counter
	bytes      metric.Int64Counter
	days       metric.Int64Counter
	retries    metric.Int64Counter
	unreadable metric.Int64Counter
	unread     metric.Int64ObservableGauge

	meter        metric.Meter
	registration metric.Registration
	of           map[dayfile.Signal]metric.MeasurementOption
}

func newTelemetry(set component.TelemetrySettings, id component.ID) (*telemetry, error) {
	t := &telemetry{
		meter: set.MeterProvider.Meter(scopeName),
		of:    map[dayfile.Signal]metric.MeasurementOption{},
	}
	for _, signal := range dayfile.Signals() {
		t.of[signal] = metric.WithAttributeSet(attribute.NewSet(
			attribute.String("receiver", id.String()), attribute.String("signal", string(signal))))
	}
	var errs [8]error
	counter := func(name, unit, description string) (c metric.Int64Counter, err error) {
		return t.meter.Int64Counter(metricPrefix+name, metric.WithUnit(unit), metric.WithDescription(description))
	}
	t.lines, errs[0] = counter("lines", "{lines}", "Lines that were read and decoded.")
	t.badLines, errs[1] = counter("bad_lines", "{lines}", "Lines that can't be decoded, or are too long.")
	t.refused, errs[2] = counter("refused_lines", "{lines}", "Lines that a pipeline refused for good.")
	t.bytes, errs[3] = counter("read", "By", "Bytes of lines, uncompressed.")
	t.days, errs[4] = counter("days_delivered", "{days}", "Times that all there was of a day was delivered.")
	t.retries, errs[5] = counter("retries", "{retries}", "Times that something was tried again: a pipeline, the storage, the directory.")
	t.unreadable, errs[6] = counter("unreadable_days", "{days}", "Times that the files of a day could not be read to their end.")
	t.unread, errs[7] = t.meter.Int64ObservableGauge(metricPrefix+"unread", metric.WithUnit("By"),
		metric.WithDescription("Bytes of day files, as they are stored, that are still to be read."))
	return t, errors.Join(errs[:]...)
}

// watch reports what is still to be read from now on.
func (t *telemetry) watch(replays []*replay) (err error) {
	t.registration, err = t.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for _, r := range replays {
			o.ObserveInt64(t.unread, r.progress.left(), t.of[r.signal])
		}
		return nil
	}, t.unread)
	return err
}

func (t *telemetry) shutdown() error {
	if t.registration == nil {
		return nil
	}
	return t.registration.Unregister()
}

func (t *telemetry) add(c metric.Int64Counter, signal dayfile.Signal, n int64) {
	if n > 0 {
		c.Add(context.Background(), n, t.of[signal])
	}
}
