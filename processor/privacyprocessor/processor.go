// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package privacyprocessor

import (
	"cmp"
	"context"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/xpdata"
	"go.opentelemetry.io/collector/pdata/xpdata/entity"
	"go.opentelemetry.io/collector/processor"
)

// privacy masks the data of one signal.
type privacy struct {
	settings  settings
	telemetry *telemetry
	maskers   sync.Pool
}

// settings is a Config, prepared for use.
type settings struct {
	dryRun     bool
	rules      RulesConfig
	secretKeys keyNames
	urlKeys    keyNames
	allowed    map[string]bool
	patterns   []pattern
}

type pattern struct {
	name        string
	regex       *regexp.Regexp
	replacement string
}

func newPrivacy(set processor.Settings, cfg *Config) (*privacy, error) {
	p := &privacy{settings: settings{
		dryRun:     cfg.DryRun,
		rules:      cfg.Rules,
		secretKeys: keyNamesOf(cfg.SecretKeys),
		urlKeys:    keyNamesOf(cfg.URLAttributes),
		allowed:    map[string]bool{},
	}}
	for _, name := range cfg.AllowedQueryParameters {
		p.settings.allowed[name] = true
	}
	names := ruleNames[:]
	for _, c := range cfg.Patterns {
		regex, err := regexp.Compile(c.Regex)
		if err != nil {
			return nil, err
		}
		p.settings.patterns = append(p.settings.patterns, pattern{c.Name, regex, cmp.Or(c.Replacement, "["+c.Name+"]")})
		names = append(names, c.Name)
	}
	var err error
	p.telemetry, err = newTelemetry(set, names)
	p.maskers.New = func() any { return &masker{settings: &p.settings, counts: make([]int64, len(names))} }
	return p, err
}

// masker masks the data of one call.
type masker struct {
	*settings
	counts []int64 // by rule, patterns behind the built-in ones
	buf    []byte
	texts  knownTexts
	keys   knownKeys
}

func (m *masker) count(r rule)              { m.counts[r]++ }
func (m *masker) countPattern(i, times int) { m.counts[int(ruleCount)+i] += int64(times) }

// masking calls mask with a masker, and adds its counts to the metric.
func (p *privacy) masking(ctx context.Context, mask func(*masker)) {
	m := p.maskers.Get().(*masker)
	mask(m)
	p.telemetry.masked(ctx, m.counts)
	clear(m.counts)
	m.texts = knownTexts{}
	// Do not keep the memory of a long text.
	const ordinary = 64 << 10
	if cap(m.buf) > ordinary {
		m.buf = nil
	}
	p.maskers.Put(m)
}

// The loops over slices of pdata use an index, because All allocates.

func (p *privacy) processLogs(ctx context.Context, ld plog.Logs) (plog.Logs, error) {
	p.masking(ctx, func(m *masker) {
		for i := range ld.ResourceLogs().Len() {
			rl := ld.ResourceLogs().At(i)
			resource(m, rl)
			for j := range rl.ScopeLogs().Len() {
				sl := rl.ScopeLogs().At(j)
				scope(m, sl)
				for k := range sl.LogRecords().Len() {
					m.log(sl.LogRecords().At(k))
				}
			}
		}
	})
	return ld, nil
}

func (m *masker) log(record plog.LogRecord) {
	m.value(record.Body(), plain)
	set(m, record.SeverityText(), record.SetSeverityText)
	set(m, record.EventName(), record.SetEventName)
	m.attributes(record.Attributes())
}

func (p *privacy) processTraces(ctx context.Context, td ptrace.Traces) (ptrace.Traces, error) {
	p.masking(ctx, func(m *masker) {
		for i := range td.ResourceSpans().Len() {
			rs := td.ResourceSpans().At(i)
			resource(m, rs)
			for j := range rs.ScopeSpans().Len() {
				ss := rs.ScopeSpans().At(j)
				scope(m, ss)
				for k := range ss.Spans().Len() {
					m.span(ss.Spans().At(k))
				}
			}
		}
	})
	return td, nil
}

func (m *masker) span(span ptrace.Span) {
	set(m, span.Name(), span.SetName)
	set(m, span.Status().Message(), span.Status().SetMessage)
	set(m, span.TraceState().AsRaw(), span.TraceState().FromRaw)
	m.attributes(span.Attributes())
	for i := range span.Events().Len() {
		event := span.Events().At(i)
		set(m, event.Name(), event.SetName)
		m.attributes(event.Attributes())
	}
	for i := range span.Links().Len() {
		link := span.Links().At(i)
		set(m, link.TraceState().AsRaw(), link.TraceState().FromRaw)
		m.attributes(link.Attributes())
	}
}

func (p *privacy) processMetrics(ctx context.Context, md pmetric.Metrics) (pmetric.Metrics, error) {
	p.masking(ctx, func(m *masker) {
		for i := range md.ResourceMetrics().Len() {
			rm := md.ResourceMetrics().At(i)
			resource(m, rm)
			for j := range rm.ScopeMetrics().Len() {
				sm := rm.ScopeMetrics().At(j)
				scope(m, sm)
				for k := range sm.Metrics().Len() {
					m.metric(sm.Metrics().At(k))
				}
			}
		}
	})
	return md, nil
}

func (m *masker) metric(metric pmetric.Metric) {
	set(m, metric.Name(), metric.SetName)
	set(m, metric.Description(), metric.SetDescription)
	set(m, metric.Unit(), metric.SetUnit)
	m.attributes(metric.Metadata())
	switch metric.Type() {
	case pmetric.MetricTypeGauge:
		points := metric.Gauge().DataPoints()
		for i := range points.Len() {
			point := points.At(i)
			m.measurement(point)
			m.point(point.Attributes(), point.Exemplars())
		}
	case pmetric.MetricTypeSum:
		points := metric.Sum().DataPoints()
		for i := range points.Len() {
			point := points.At(i)
			m.point(point.Attributes(), point.Exemplars())
		}
	case pmetric.MetricTypeHistogram:
		points := metric.Histogram().DataPoints()
		for i := range points.Len() {
			point := points.At(i)
			m.point(point.Attributes(), point.Exemplars())
		}
	case pmetric.MetricTypeExponentialHistogram:
		points := metric.ExponentialHistogram().DataPoints()
		for i := range points.Len() {
			point := points.At(i)
			m.point(point.Attributes(), point.Exemplars())
		}
	case pmetric.MetricTypeSummary:
		points := metric.Summary().DataPoints()
		for i := range points.Len() {
			point := points.At(i)
			m.attributes(point.Attributes())
		}
	}
}

func (m *masker) point(attributes pcommon.Map, exemplars pmetric.ExemplarSlice) {
	m.attributes(attributes)
	for i := range exemplars.Len() {
		m.attributes(exemplars.At(i).FilteredAttributes())
	}
}

// measurement removes the value of a gauge's data point if it is a card number.
// A text cannot replace it.
func (m *masker) measurement(point pmetric.NumberDataPoint) {
	if !m.rules.Card {
		return
	}
	// Shorter numbers are more likely bytes or nanoseconds.
	const least = 1e14
	switch point.ValueType() {
	case pmetric.NumberDataPointValueTypeInt:
		if n := point.IntValue(); n < least || !isCardNumber(n) {
			return
		}
	case pmetric.NumberDataPointValueTypeDouble:
		if f := point.DoubleValue(); f < least || !isCardDouble(f) {
			return
		}
	default:
		return
	}
	m.count(ruleCard)
	if m.dryRun {
		return
	}
	empty := pmetric.NewNumberDataPoint()
	empty.SetTimestamp(point.Timestamp())
	empty.SetStartTimestamp(point.StartTimestamp())
	empty.SetFlags(point.Flags().WithNoRecordedValue(true))
	point.Attributes().MoveTo(empty.Attributes())
	point.Exemplars().MoveAndAppendTo(empty.Exemplars())
	empty.MoveTo(point)
}

// group is common to the resources and scopes of all signals.
type group interface {
	SchemaUrl() string
	SetSchemaUrl(string)
}

func resource[R interface {
	group
	Resource() pcommon.Resource
}](m *masker, r R) {
	set(m, r.SchemaUrl(), r.SetSchemaUrl)
	m.attributes(r.Resource().Attributes())
	refs := entity.ResourceEntityRefs(r.Resource())
	for i := range refs.Len() {
		ref := refs.At(i)
		set(m, ref.Type(), ref.SetType)
		set(m, ref.SchemaUrl(), ref.SetSchemaUrl)
		entityKeys(m, ref.IdKeys())
		entityKeys(m, ref.DescriptionKeys())
	}
}

func scope[S interface {
	group
	Scope() pcommon.InstrumentationScope
}](m *masker, s S) {
	set(m, s.SchemaUrl(), s.SetSchemaUrl)
	set(m, s.Scope().Name(), s.Scope().SetName)
	set(m, s.Scope().Version(), s.Scope().SetVersion)
	m.attributes(s.Scope().Attributes())
}

// entityKeys masks the keys that an entity refers to.
func entityKeys(m *masker, keys pcommon.StringSlice) {
	for i, key := range keys.All() {
		set(m, key, func(masked string) { keys.SetAt(i, masked) })
	}
}

func set(m *masker, s string, to func(string)) {
	if s == "" {
		return
	}
	if masked, ok := m.text(s, false); ok {
		to(masked)
	}
}

// kind is what a key tells about its value.
type kind uint8

const (
	plain kind = iota
	wholeURL
	secret
)

func (m *masker) kindOf(key string) kind {
	if m.rules.SecretKey {
		if _, ok := m.secretKeys.match(key); ok {
			return secret
		}
	}
	if m.rules.URL {
		if _, ok := m.urlKeys.match(key); ok {
			return wholeURL
		}
	}
	return plain
}

// key returns the kind of a key, and whether the key itself has to be masked.
func (m *masker) key(key string) (of kind, rename bool) {
	if key == "" {
		return plain, false
	}
	known := &m.keys[hash(key)>>24]
	if known.s == key {
		return known.kind, false
	}
	of = m.kindOf(key)
	if _, rename = m.text(key, false); !rename && len(key) <= maxKnownKey {
		known.s, known.kind = strings.Clone(key), of
	}
	return of, rename
}

// attributes masks the values of a map, and its keys.
func (m *masker) attributes(attributes pcommon.Map) {
	renamed := false
	for key, v := range attributes.All() {
		of, rename := m.key(key)
		if of == secret {
			m.secret(v)
		} else {
			m.value(v, of)
		}
		renamed = renamed || rename
	}
	if renamed && !m.dryRun {
		m.rename(attributes)
	}
}

// value masks a value of any type.
func (m *masker) value(v pcommon.Value, k kind) {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		if masked, ok := m.text(v.Str(), k == wholeURL); ok {
			v.SetStr(masked)
		}
	case pcommon.ValueTypeInt:
		if m.rules.Card && isCardNumber(v.Int()) {
			m.replace(v, ruleCard, maskCard)
		}
	case pcommon.ValueTypeDouble:
		if m.rules.Card && isCardDouble(v.Double()) {
			m.replace(v, ruleCard, maskCard)
		}
	case pcommon.ValueTypeMap:
		m.attributes(v.Map())
	case pcommon.ValueTypeSlice:
		for i := range v.Slice().Len() {
			m.value(v.Slice().At(i), k)
		}
	case pcommon.ValueTypeBytes:
		if raw := v.Bytes().AsRaw(); utf8.Valid(raw) {
			if masked, ok := m.text(string(raw), k == wholeURL); ok {
				v.Bytes().FromRaw([]byte(masked))
			}
		}
	case pcommon.ValueTypeEmpty, pcommon.ValueTypeBool:
	}
}

// secret masks the value of a secret key, unless it is empty or a bool.
func (m *masker) secret(v pcommon.Value) {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		if v.Str() == "" || v.Str() == maskRedacted {
			return
		}
	case pcommon.ValueTypeMap:
		if v.Map().Len() == 0 {
			return
		}
	case pcommon.ValueTypeSlice:
		if v.Slice().Len() == 0 {
			return
		}
	case pcommon.ValueTypeBytes:
		if v.Bytes().Len() == 0 {
			return
		}
	case pcommon.ValueTypeEmpty, pcommon.ValueTypeBool:
		return
	case pcommon.ValueTypeInt, pcommon.ValueTypeDouble:
	}
	m.replace(v, ruleSecretKey, maskRedacted)
}

func (m *masker) replace(v pcommon.Value, r rule, with string) {
	m.count(r)
	if !m.dryRun {
		v.SetStr(with)
	}
}

// rename masks the keys of a map. If that makes keys equal, the later ones get a
// number: "[email]", "[email]#2". So no value is lost.
func (m *masker) rename(attributes pcommon.Map) {
	var renamed xpdata.MapBuilder
	renamed.EnsureCapacity(attributes.Len())
	taken := make(map[string]int, attributes.Len())
	for key := range attributes.All() {
		taken[key] = 1
	}
	uncounted := masker{settings: m.settings, counts: make([]int64, len(m.counts))}
	for key, v := range attributes.All() {
		if masked, changed := uncounted.text(key, false); changed {
			key = masked
			for taken[key] > 0 {
				taken[masked]++
				key = masked + "#" + strconv.Itoa(taken[masked])
			}
			taken[key] = 1
		}
		v.MoveTo(renamed.AppendEmpty(key))
	}
	renamed.UnsafeIntoMap(attributes)
}
