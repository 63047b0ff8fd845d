// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"context"
	"errors"
	"net/http"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

const scopeName = "github.com/saberloop/otelcol-saberloop/receiver/saberloopreceiver"

// statusCodes are the status codes of all answers.
var statusCodes = [...]int{
	http.StatusOK,
	http.StatusNoContent,
	http.StatusBadRequest,
	http.StatusUnauthorized,
	http.StatusForbidden,
	http.StatusNotFound,
	http.StatusMethodNotAllowed,
	http.StatusRequestEntityTooLarge,
	http.StatusInternalServerError,
	http.StatusServiceUnavailable,
}

// telemetry records the receiver's own metrics. receiverhelper counts what the
// pipelines accept and refuse. Every attribute has a small, fixed set of values.
type telemetry struct {
	requests      metric.Int64Counter
	bodySize      metric.Int64Histogram
	rejected      metric.Int64Counter
	clientDropped metric.Int64Counter

	receiver attribute.KeyValue
	// Attribute sets that every request needs.
	ofReceiver metric.MeasurementOption
	ofStatus   map[int]metric.MeasurementOption
}

func newTelemetry(set component.TelemetrySettings, id component.ID) (*telemetry, error) {
	meter := set.MeterProvider.Meter(scopeName)
	t := &telemetry{receiver: attribute.String("receiver", id.String())}
	t.ofReceiver = metric.WithAttributeSet(attribute.NewSet(t.receiver))
	t.ofStatus = make(map[int]metric.MeasurementOption, len(statusCodes))
	for _, code := range statusCodes {
		t.ofStatus[code] = metric.WithAttributeSet(attribute.NewSet(
			t.receiver, attribute.Int("http.response.status_code", code)))
	}

	var errs [4]error
	t.requests, errs[0] = meter.Int64Counter("otelcol_receiver_saberloop_requests",
		metric.WithDescription("Number of requests answered, by the status code of the answer."),
		metric.WithUnit("{request}"))
	t.bodySize, errs[1] = meter.Int64Histogram("otelcol_receiver_saberloop_request_body_size",
		metric.WithDescription("Size of the request bodies read, after decompression."),
		metric.WithUnit("By"),
		metric.WithExplicitBucketBoundaries(256, 1<<10, 4<<10, 16<<10, 64<<10, 256<<10, 1<<20, 4<<20))
	t.rejected, errs[2] = meter.Int64Counter("otelcol_receiver_saberloop_rejected_entries",
		metric.WithDescription("Number of entries refused, by signal."),
		metric.WithUnit("{entry}"))
	t.clientDropped, errs[3] = meter.Int64Counter("otelcol_receiver_saberloop_client_dropped_entries",
		metric.WithDescription("Number of entries that clients report as dropped, by signal."),
		metric.WithUnit("{entry}"))
	return t, errors.Join(errs[:]...)
}

func (t *telemetry) answered(ctx context.Context, code int) {
	t.requests.Add(ctx, 1, t.ofStatus[code])
}

func (t *telemetry) bodyRead(ctx context.Context, size int) {
	t.bodySize.Record(ctx, int64(size), t.ofReceiver)
}

func (t *telemetry) decoded(ctx context.Context, signals [3]*signal, b *entry.Batch) {
	for _, s := range signals {
		t.add(ctx, t.rejected, s, *s.count(&b.Rejected))
		t.add(ctx, t.clientDropped, s, *s.count(&b.Dropped))
	}
}

func (t *telemetry) add(ctx context.Context, counter metric.Int64Counter, s *signal, n int) {
	if n > 0 {
		counter.Add(ctx, int64(n), metric.WithAttributes(t.receiver, attribute.String("signal", s.name)))
	}
}
