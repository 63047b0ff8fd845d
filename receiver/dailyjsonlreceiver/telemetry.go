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
	meterName = "github.com/saberloop/otelcol-saberloop/receiver/dailyjsonlreceiver"
	// metricPrefix is the Collector's prefix for metrics of receivers and the
	// type of this one.
	metricPrefix = "otelcol_receiver_daily_jsonl_"
)

// telemetry counts what happens before the pipelines. receiverhelper counts what
// they accept.
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
		meter: set.MeterProvider.Meter(meterName),
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
	t.lines, errs[0] = counter("lines", "{line}", "Number of lines read and decoded, by signal.")
	t.badLines, errs[1] = counter("bad_lines", "{line}", "Number of lines that can't be decoded or are too long, by signal.")
	t.refused, errs[2] = counter("refused_lines", "{line}", "Number of lines that a pipeline refused for good, by signal.")
	t.bytes, errs[3] = counter("read", "By", "Number of bytes of the lines, uncompressed, by signal.")
	t.days, errs[4] = counter("days_delivered", "{day}", "Number of times that a day was delivered to its end, by signal.")
	t.retries, errs[5] = counter("retries", "{retry}", "Number of retries of a pipeline, the storage or the directory, by signal.")
	t.unreadable, errs[6] = counter("unreadable_days", "{day}", "Number of times that the files of a day could not be read to their end, by signal.")
	t.unread, errs[7] = t.meter.Int64ObservableGauge(metricPrefix+"unread", metric.WithUnit("By"),
		metric.WithDescription("Number of bytes of day files, as stored, that are still to be read, by signal."))
	return t, errors.Join(errs[:]...)
}

// watch starts observing the unread bytes.
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
