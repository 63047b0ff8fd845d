// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package privacyprocessor

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.yaml.in/yaml/v3"

	"github.com/saberloop/otelcol-saberloop/internal/configtest"
)

// TestMetadataHasTheMetrics compares metadata.yaml with the metric.
func TestMetadataHasTheMetrics(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("metadata.yaml")
	require.NoError(t, err)
	var metadata struct {
		Attributes map[string]struct{ Enum []string }
		Telemetry  struct {
			Metrics map[string]struct{ Description, Unit string }
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &metadata))
	require.Equal(t, ruleNames[:], metadata.Attributes["rule"].Enum)

	p, telemetry := measuredPrivacy(t, nil)
	process(t, p, decode(t, []byte(ofEveryRule)))
	require.Len(t, metadata.Telemetry.Metrics, 1)
	for name, m := range ownMetrics(t, telemetry) {
		documented := metadata.Telemetry.Metrics[strings.TrimPrefix(name, "otelcol_")]
		require.Equal(t, m.Description, documented.Description)
		require.Equal(t, m.Unit, documented.Unit)
	}
}

// countingPrivacy returns a privacy whose counts by rule can be read.
func countingPrivacy(tb testing.TB, change func(*Config)) (*privacy, func() map[string]int64) {
	tb.Helper()
	p, telemetry := measuredPrivacy(tb, change)
	return p, func() map[string]int64 {
		counts := map[string]int64{}
		for name, m := range ownMetrics(tb, telemetry) {
			require.Equal(tb, metricPrefix+"masked", name)
			for _, point := range m.Data.(metricdata.Sum[int64]).DataPoints {
				id, _ := point.Attributes.Value("processor")
				require.Equal(tb, "privacy/test", id.AsString())
				rule, _ := point.Attributes.Value("rule")
				counts[rule.AsString()] += point.Value
			}
		}
		return counts
	}
}

// measuredPrivacy returns a privacy whose own metrics can be read.
func measuredPrivacy(tb testing.TB, change func(*Config)) (*privacy, *componenttest.Telemetry) {
	tb.Helper()
	telemetry := componenttest.NewTelemetry()
	tb.Cleanup(func() { assert.NoError(tb, telemetry.Shutdown(context.Background())) })
	cfg := createDefaultConfig().(*Config)
	if change != nil {
		change(cfg)
	}
	p, err := newPrivacy(processor.Settings{
		ID:                component.NewIDWithName(componentType, "test"),
		TelemetrySettings: telemetry.NewTelemetrySettings(),
	}, cfg)
	require.NoError(tb, err)
	return p, telemetry
}

func ownMetrics(tb testing.TB, telemetry *componenttest.Telemetry) map[string]metricdata.Metrics {
	tb.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(tb, telemetry.Reader.Collect(tb.Context(), &all))
	own := map[string]metricdata.Metrics{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if scope.Scope.Name == meterName {
				own[m.Name] = m
			}
		}
	}
	return own
}

const ofEveryRule = `{"logs":[{"message":"jane@example.com ` + aJWT + ` Bearer abc123 ` + anAWSKey + ` -----BEGIN PRIVATE KEY----- x",` +
	`"context":{"a":4111111111111111,"b":"https://a.example/?c=d&e=f","c":"pwd=x","password":"x","i@example.com":"S12345678"}}]}`

func studentID(cfg *Config) {
	cfg.Patterns = []PatternConfig{{Name: "student_id", Regex: `\bS\d{8}\b`}}
}

func TestCountsByRule(t *testing.T) {
	t.Parallel()
	want := map[string]int64{
		"email": 2, "jwt": 1, "bearer_token": 1, "api_key": 1, "private_key": 1, "card": 1, "url": 2,
		"assignment": 1, "secret_key": 1, "student_id": 1,
	}
	p, counts := countingPrivacy(t, studentID)
	batch := decode(t, []byte(ofEveryRule))
	process(t, p, batch)
	require.Equal(t, want, counts())

	process(t, p, batch)
	require.Equal(t, want, counts(), "what is masked is not counted again")
}

// With dry_run all is counted that would be masked, and nothing changes.
func TestDryRun(t *testing.T) {
	t.Parallel()
	dry, dryCounts := countingPrivacy(t, func(cfg *Config) { cfg.DryRun = true; studentID(cfg) })
	wet, wetCounts := countingPrivacy(t, studentID)
	for _, c := range append(corpus(t, "secrets.jsonl"), corpusCase{Body: []byte(ofEveryRule)}) {
		batch := decode(t, c.Body)
		before := lines(batch)
		process(t, dry, batch)
		require.Equal(t, before, lines(batch), c.Name)
		process(t, wet, batch)
	}
	require.Equal(t, wetCounts(), dryCounts())
}

func TestReadmeHasTheMetrics(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{metricPrefix + "masked"}, configtest.ReadmeKeys(t, "Metrics"))
}
