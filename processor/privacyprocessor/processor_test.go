// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package privacyprocessor

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/xpdata/entity"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"
)

// created is a processor of one signal, and something for it to consume.
type created struct {
	component.Component
	capabilities consumer.Capabilities
	consume      func() error
}

// creators create a processor of each signal, in front of what counts or fails.
func creators(set processor.Settings, cfg component.Config) map[string]func(t *testing.T, next consumertest.Consumer) created {
	factory := NewFactory()
	return map[string]func(t *testing.T, next consumertest.Consumer) created{
		"logs": func(t *testing.T, next consumertest.Consumer) created {
			p, err := factory.CreateLogs(t.Context(), set, cfg, next)
			require.NoError(t, err)
			return created{p, p.Capabilities(), func() error { return p.ConsumeLogs(t.Context(), someLogs()) }}
		},
		"traces": func(t *testing.T, next consumertest.Consumer) created {
			p, err := factory.CreateTraces(t.Context(), set, cfg, next)
			require.NoError(t, err)
			return created{p, p.Capabilities(), func() error { return p.ConsumeTraces(t.Context(), someTraces()) }}
		},
		"metrics": func(t *testing.T, next consumertest.Consumer) created {
			p, err := factory.CreateMetrics(t.Context(), set, cfg, next)
			require.NoError(t, err)
			return created{p, p.Capabilities(), func() error { return p.ConsumeMetrics(t.Context(), someMetrics()) }}
		},
	}
}

func TestLifecycle(t *testing.T) {
	t.Parallel()
	set := processortest.NewNopSettings(componentType)
	refusal := errors.New("refused")
	for name, create := range creators(set, NewFactory().CreateDefaultConfig()) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := create(t, consumertest.NewNop())
			require.NoError(t, p.Shutdown(t.Context()))
			p = create(t, consumertest.NewNop())
			require.True(t, p.capabilities.MutatesData)
			require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
			require.NoError(t, p.consume())
			require.NoError(t, p.Shutdown(t.Context()))
			require.NoError(t, p.Shutdown(t.Context()))

			require.ErrorIs(t, create(t, consumertest.NewErr(refusal)).consume(), refusal)
		})
	}
}

func TestBadPatternIsAnError(t *testing.T) {
	t.Parallel()
	cfg := createDefaultConfig().(*Config)
	cfg.Patterns = []PatternConfig{{Name: "bad", Regex: "("}}
	_, err := NewFactory().CreateLogs(t.Context(), processortest.NewNopSettings(componentType), cfg, consumertest.NewNop())
	require.ErrorContains(t, err, "missing closing )")
}

const address = "jane@example.com"

// Data of OTLP's that has an address in every place that can hold text.

func fill(attributes pcommon.Map) {
	attributes.PutStr("a", address)
	attributes.PutStr(address, "b")
	attributes.PutEmptyBytes("c").FromRaw([]byte("to " + address))
	attributes.PutEmptySlice("d").AppendEmpty().SetEmptyMap().PutStr("e", address)
	attributes.PutInt("f", 4111111111111111)
	attributes.PutDouble("g", 4111111111111111)
}

func fillResource(resource pcommon.Resource) {
	fill(resource.Attributes())
	ref := entity.ResourceEntityRefs(resource).AppendEmpty()
	ref.SetType("of " + address)
	ref.SetSchemaUrl("https://example.com/?a=" + address)
	ref.IdKeys().Append(address)
	ref.DescriptionKeys().Append("a", address)
}

func fillScope(scope pcommon.InstrumentationScope) {
	scope.SetName(address)
	scope.SetVersion(address)
	fill(scope.Attributes())
}

func someLogs() plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.SetSchemaUrl("https://example.com/" + address)
	fillResource(rl.Resource())
	sl := rl.ScopeLogs().AppendEmpty()
	sl.SetSchemaUrl(address)
	fillScope(sl.Scope())
	record := sl.LogRecords().AppendEmpty()
	record.Body().SetStr(address)
	record.SetSeverityText(address)
	record.SetEventName(address)
	fill(record.Attributes())
	fill(sl.LogRecords().AppendEmpty().Body().SetEmptyMap())
	return ld
}

func someTraces() ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.SetSchemaUrl(address)
	fillResource(rs.Resource())
	ss := rs.ScopeSpans().AppendEmpty()
	ss.SetSchemaUrl(address)
	fillScope(ss.Scope())
	span := ss.Spans().AppendEmpty()
	span.SetName(address)
	span.Status().SetMessage(address)
	span.TraceState().FromRaw("a=" + address)
	fill(span.Attributes())
	event := span.Events().AppendEmpty()
	event.SetName(address)
	fill(event.Attributes())
	link := span.Links().AppendEmpty()
	link.TraceState().FromRaw("a=" + address)
	fill(link.Attributes())
	return td
}

func someMetrics() pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.SetSchemaUrl(address)
	fillResource(rm.Resource())
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.SetSchemaUrl(address)
	fillScope(sm.Scope())
	add := func() pmetric.Metric {
		metric := sm.Metrics().AppendEmpty()
		metric.SetName(address)
		metric.SetDescription(address)
		metric.SetUnit(address)
		fill(metric.Metadata())
		return metric
	}
	number := func(point pmetric.NumberDataPoint) pmetric.NumberDataPoint {
		point.SetTimestamp(1)
		point.SetStartTimestamp(2)
		fill(point.Attributes())
		fill(point.Exemplars().AppendEmpty().FilteredAttributes())
		return point
	}
	gauge := add().SetEmptyGauge()
	number(gauge.DataPoints().AppendEmpty()).SetIntValue(4111111111111111)
	number(gauge.DataPoints().AppendEmpty()).SetDoubleValue(4111111111111111)
	number(gauge.DataPoints().AppendEmpty()).SetDoubleValue(1.5)
	number(gauge.DataPoints().AppendEmpty())
	number(add().SetEmptySum().DataPoints().AppendEmpty())
	histogram := add().SetEmptyHistogram().DataPoints().AppendEmpty()
	fill(histogram.Attributes())
	fill(histogram.Exemplars().AppendEmpty().FilteredAttributes())
	exponential := add().SetEmptyExponentialHistogram().DataPoints().AppendEmpty()
	fill(exponential.Attributes())
	fill(exponential.Exemplars().AppendEmpty().FilteredAttributes())
	fill(add().SetEmptySummary().DataPoints().AppendEmpty().Attributes())
	add()
	return md
}

// found counts the addresses and cards that OTLP's JSON encoding shows.
func found(tb testing.TB, text []byte, err error) int {
	tb.Helper()
	require.NoError(tb, err)
	const encoded = "dG8gamFuZUBleGFtcGxlLmNvbQ==" // bytes: base64 of "to " + address
	return strings.Count(string(text), address) + strings.Count(string(text), "4111111111111111") +
		strings.Count(string(text), "4.111111111111111e") + strings.Count(string(text), encoded)
}

func TestEveryPlaceIsMasked(t *testing.T) {
	t.Parallel()
	p := testPrivacy(t, nil)

	logs := someLogs()
	text, err := new(plog.JSONMarshaler).MarshalLogs(logs)
	require.Equal(t, 11+4*6, found(t, text, err))
	_, err = p.processLogs(t.Context(), logs)
	require.NoError(t, err)
	text, err = new(plog.JSONMarshaler).MarshalLogs(logs)
	require.Zero(t, found(t, text, err), "%s", text)
	require.Equal(t, map[string]any{
		"a": "[email]", "[email]": "b", "c": []byte("to [email]"), "d": []any{map[string]any{"e": "[email]"}}, "f": "[card]", "g": "[card]",
	}, logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().AsRaw())

	traces := someTraces()
	text, err = new(ptrace.JSONMarshaler).MarshalTraces(traces)
	require.Equal(t, 13+5*6, found(t, text, err))
	_, err = p.processTraces(t.Context(), traces)
	require.NoError(t, err)
	text, err = new(ptrace.JSONMarshaler).MarshalTraces(traces)
	require.Zero(t, found(t, text, err), "%s", text)

	metrics := someMetrics()
	text, err = new(pmetric.JSONMarshaler).MarshalMetrics(metrics)
	require.Positive(t, found(t, text, err))
	_, err = p.processMetrics(t.Context(), metrics)
	require.NoError(t, err)
	text, err = new(pmetric.JSONMarshaler).MarshalMetrics(metrics)
	require.Zero(t, found(t, text, err), "%s", text)
	points := metrics.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Gauge().DataPoints()
	for i := range 2 {
		require.Equal(t, pmetric.NumberDataPointValueTypeEmpty, points.At(i).ValueType())
		require.True(t, points.At(i).Flags().NoRecordedValue())
		require.Equal(t, pcommon.Timestamp(1), points.At(i).Timestamp())
		require.Equal(t, pcommon.Timestamp(2), points.At(i).StartTimestamp())
		require.Equal(t, 1, points.At(i).Exemplars().Len())
		require.Equal(t, 6, points.At(i).Attributes().Len())
	}
	require.Equal(t, 1.5, points.At(2).DoubleValue()) //nolint:testifylint // it was not touched
}

// Keys that would be the same get numbers, so that nothing is lost.
func TestKeysThatWouldBeTheSame(t *testing.T) {
	t.Parallel()
	p := testPrivacy(t, nil)
	ld := plog.NewLogs()
	attributes := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Attributes()
	for i, key := range []string{"[email]#2", "a@example.com", "b@example.com", "x", "c@example.com", "a@example.com!"} {
		attributes.PutInt(key, int64(i))
	}
	for range 2 {
		_, err := p.processLogs(t.Context(), ld)
		require.NoError(t, err)
		var keys []string
		for key, v := range attributes.All() {
			keys = append(keys, key)
			require.Equal(t, int64(len(keys)-1), v.Int())
		}
		require.Equal(t, []string{"[email]#2", "[email]", "[email]#3", "x", "[email]#4", "[email]!"}, keys)
	}
}

// Ten thousand keys that would be the same do not take quadratic time.
func TestManyKeysThatWouldBeTheSame(t *testing.T) {
	t.Parallel()
	p := testPrivacy(t, nil)
	ld := plog.NewLogs()
	const many = 10_000
	attributes := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Attributes()
	raw := map[string]any{}
	for i := range many {
		raw[strconv.Itoa(i)+"@example.com"] = i
	}
	require.NoError(t, attributes.FromRaw(raw))
	_, err := p.processLogs(t.Context(), ld)
	require.NoError(t, err)
	require.Len(t, attributes.AsRaw(), many)
}

// The value of a secret key is masked whole.
func TestSecretKeys(t *testing.T) {
	t.Parallel()
	p := testPrivacy(t, nil)
	ld := plog.NewLogs()
	attributes := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Attributes()
	require.NoError(t, attributes.FromRaw(map[string]any{
		"password": "x", "userPassword": 1, "X-API-Key": 1.5, "api.key_2": []any{1}, "accessToken": map[string]any{"a": 1}, "secret": []byte{1},
		"token": "", "Cookie": nil, "cookies": true, "jwt": []any{}, "authorization": map[string]any{}, "passphrase": []byte{},
		"tokens": 5, "key": "Enter", "": "x", "日本": "x", "keyboard": "x",
	}))
	_, err := p.processLogs(t.Context(), ld)
	require.NoError(t, err)
	require.Equal(t, map[string]any{
		"password": "[redacted]", "userPassword": "[redacted]", "X-API-Key": "[redacted]", "api.key_2": "[redacted]", "accessToken": "[redacted]", "secret": "[redacted]",
		"token": "", "Cookie": nil, "cookies": true, "jwt": []any{}, "authorization": map[string]any{}, "passphrase": []byte(nil),
		"tokens": int64(5), "key": "Enter", "": "x", "日本": "x", "keyboard": "x",
	}, attributes.AsRaw())
}

// Each rule can be switched off, and then nothing else does its work.
func TestRulesAreSwitched(t *testing.T) {
	t.Parallel()
	for name, off := range map[string]func(*RulesConfig){
		"email":        func(r *RulesConfig) { r.Email = false },
		"jwt":          func(r *RulesConfig) { r.JWT = false },
		"bearer_token": func(r *RulesConfig) { r.BearerToken = false },
		"api_key":      func(r *RulesConfig) { r.APIKey = false },
		"private_key":  func(r *RulesConfig) { r.PrivateKey = false },
		"card":         func(r *RulesConfig) { r.Card = false },
		"url":          func(r *RulesConfig) { r.URL = false },
		"assignment":   func(r *RulesConfig) { r.Assignment = false },
		"secret_key":   func(r *RulesConfig) { r.SecretKey = false },
	} {
		p, counts := countingPrivacy(t, func(cfg *Config) { off(&cfg.Rules) })
		process(t, p, decode(t, []byte(ofEveryRule)))
		got := counts()
		require.NotContains(t, got, name)
		require.Len(t, got, int(ruleCount)-1, name)
	}
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	m := testMasker(t, func(cfg *Config) {
		cfg.Patterns = []PatternConfig{
			{Name: "student_id", Regex: `\bS\d{8}\b`},
			{Name: "street", Regex: `(?i)\w+ street`, Replacement: "$1"},
		}
	})
	got, changed := m.text("S12345678 of jane@example.com, Baker Street", false)
	require.True(t, changed)
	require.Equal(t, "[student_id] of [email], $1", got)
}
