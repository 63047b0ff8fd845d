// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package privacyprocessor

import (
	"context"

	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

const (
	meterName = "github.com/saberloop/otelcol-saberloop/processor/privacyprocessor"
	// metricPrefix is what the names of a processor's metrics begin with in the
	// Collector, and the type of this one.
	metricPrefix = "otelcol_processor_privacy_"
)

// telemetry counts what was masked. It never sees the values.
type telemetry struct {
	counter metric.Int64Counter
	ofRule  []metric.MeasurementOption
}

func newTelemetry(set processor.Settings, rules []string) (*telemetry, error) {
	counter, err := set.MeterProvider.Meter(meterName).Int64Counter(metricPrefix+"masked",
		metric.WithDescription("Number of places masked, by rule. With dry_run, those that would have been."),
		metric.WithUnit("{place}"))
	t := &telemetry{counter: counter}
	for _, rule := range rules {
		t.ofRule = append(t.ofRule, metric.WithAttributeSet(attribute.NewSet(
			attribute.String("processor", set.ID.String()),
			attribute.String("rule", rule))))
	}
	return t, err
}

// masked reports counts by rule.
func (t *telemetry) masked(ctx context.Context, counts []int64) {
	for i, n := range counts {
		if n > 0 {
			t.counter.Add(ctx, n, t.ofRule[i])
		}
	}
}
