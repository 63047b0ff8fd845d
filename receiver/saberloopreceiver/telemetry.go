// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"context"
	"errors"
	"net/http"
	"time"

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
	http.StatusTooManyRequests,
	http.StatusInternalServerError,
	http.StatusServiceUnavailable,
}

// telemetry records the receiver's own metrics. receiverhelper counts what the
// pipelines accept and refuse. Every attribute has a small, fixed set of values.
type telemetry struct {
	requests          metric.Int64Counter
	refused           metric.Int64Counter
	duplicates        metric.Int64Counter
	active            metric.Int64UpDownCounter
	duration          metric.Float64Histogram
	bodySize          metric.Int64Histogram
	tokens            metric.Int64Counter
	closedConnections metric.Int64Counter
	rejected          metric.Int64Counter
	clientDropped     metric.Int64Counter

	warnings warnings

	receiver attribute.KeyValue
	// Attribute sets that every request needs.
	ofReceiver metric.MeasurementOption
	ofStatus   map[int]metric.MeasurementOption
	ofReason   map[string]metric.MeasurementOption
}

func newTelemetry(set component.TelemetrySettings, id component.ID) (*telemetry, error) {
	meter := set.MeterProvider.Meter(scopeName)
	t := &telemetry{
		warnings: warnings{logger: set.Logger, now: time.Now},
		receiver: attribute.String("receiver", id.String()),
	}
	t.ofReceiver = metric.WithAttributeSet(attribute.NewSet(t.receiver))
	t.ofStatus = make(map[int]metric.MeasurementOption, len(statusCodes))
	for _, code := range statusCodes {
		t.ofStatus[code] = metric.WithAttributeSet(attribute.NewSet(
			t.receiver, attribute.Int("http.response.status_code", code)))
	}

	t.ofReason = make(map[string]metric.MeasurementOption, len(reasons))
	for _, reason := range reasons {
		t.ofReason[reason] = metric.WithAttributeSet(attribute.NewSet(t.receiver, attribute.String("reason", reason)))
	}

	var errs [10]error
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
	t.refused, errs[4] = meter.Int64Counter("otelcol_receiver_saberloop_refused_requests",
		metric.WithDescription("Number of requests refused, by reason."),
		metric.WithUnit("{request}"))
	t.duplicates, errs[5] = meter.Int64Counter("otelcol_receiver_saberloop_duplicate_batches",
		metric.WithDescription("Number of batches that were stored before."),
		metric.WithUnit("{batch}"))
	t.active, errs[6] = meter.Int64UpDownCounter("otelcol_receiver_saberloop_active_requests",
		metric.WithDescription("Number of requests that are being answered."),
		metric.WithUnit("{request}"))
	t.duration, errs[7] = meter.Float64Histogram("otelcol_receiver_saberloop_request_duration",
		metric.WithDescription("Time from the headers of a request to its answer."),
		metric.WithUnit("s"),
		metric.WithExplicitBucketBoundaries(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30))
	t.tokens, errs[8] = meter.Int64Counter("otelcol_receiver_saberloop_token_requests",
		metric.WithDescription("Number of requests with a valid token, by its position."),
		metric.WithUnit("{request}"))
	t.closedConnections, errs[9] = meter.Int64Counter("otelcol_receiver_saberloop_closed_connections",
		metric.WithDescription("Number of connections closed because there were too many."),
		metric.WithUnit("{connection}"))
	return t, errors.Join(errs[:]...)
}

// begin counts a request. The function that it returns counts the answer.
func (t *telemetry) begin(ctx context.Context) func(answer) {
	began := time.Now()
	t.active.Add(ctx, 1, t.ofReceiver)
	return func(a answer) {
		t.active.Add(ctx, -1, t.ofReceiver)
		t.duration.Record(ctx, time.Since(began).Seconds(), t.ofReceiver)
		t.requests.Add(ctx, 1, t.ofStatus[a.code])
		if a.reason == "" {
			return
		}
		t.refused.Add(ctx, 1, t.ofReason[a.reason])
		// An operator can do something about these.
		if a.code == http.StatusTooManyRequests {
			t.warnings.refused(a.reason)
		}
	}
}

func (t *telemetry) broughtToken(ctx context.Context, position int) {
	t.tokens.Add(ctx, 1, metric.WithAttributes(t.receiver, attribute.Int("token", position)))
}

func (t *telemetry) duplicate(ctx context.Context) { t.duplicates.Add(ctx, 1, t.ofReceiver) }

func (t *telemetry) closedConnection() {
	t.closedConnections.Add(context.Background(), 1, t.ofReceiver)
	t.warnings.refused("connections")
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
