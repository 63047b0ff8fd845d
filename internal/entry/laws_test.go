// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/xpdata"
	"pgregory.net/rapid"
)

// The first law: encode(decode(entry)) == entry for every entry that a client
// can send.
func TestLawEntryComesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := map[string][]string{
			"logs":    rapid.SliceOfN(genEntry(memberTimestamp, memberLevel, memberMessage, memberContext), 0, 3).Draw(t, "logs"),
			"traces":  rapid.SliceOfN(genEntry(memberTimestamp, memberTraceID, memberSpanID, memberName, memberDuration, memberAttributes), 0, 3).Draw(t, "traces"),
			"metrics": rapid.SliceOfN(genEntry(memberTimestamp, memberName, memberValue, memberLabels), 0, 3).Draw(t, "metrics"),
		}
		body := `{"logs":[` + strings.Join(want["logs"], ",") + `],"traces":[` + strings.Join(want["traces"], ",") +
			`],"metrics":[` + strings.Join(want["metrics"], ",") + `]}`
		batch, err := testDecoder.Decode([]byte(body), receivedAt)
		require.NoError(t, err)
		require.Empty(t, batch.Errors)
		for signal, lines := range batchLines(batch) {
			require.Len(t, lines, len(want[signal]))
			for i, line := range lines {
				got := withoutReceipt(t, line)
				assertSameEntry(t, want[signal][i], string(got))
			}
		}
	})
}

// assertSameEntry compares entries. Durations may differ by less than a
// nanosecond.
func assertSameEntry(t *rapid.T, want, got string) {
	w, g := canonical(t, []byte(want)).(map[string]any), canonical(t, []byte(got)).(map[string]any)
	sent, sentOK := asFloat(w[memberDuration])
	kept, keptOK := asFloat(g[memberDuration])
	if sentOK && keptOK && math.Abs(sent-kept) < 1e-6 {
		g[memberDuration] = w[memberDuration]
	}
	require.Equalf(t, w, g, "want %s\ngot  %s", want, got)
}

// asFloat converts a number returned by canonical.
func asFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case integer:
		f, err := strconv.ParseFloat(string(v), 64)
		return f, err == nil
	default:
		return 0, false
	}
}

// The same law for lines: reading a written line gives the decoded record and
// its resource.
func TestLawEntryLineComesBack(t *testing.T) {
	t.Parallel()
	decoders := []*BatchDecoder{
		testDecoder,
		{ServiceName: "shop", ResourceAttributes: map[string]string{"deployment.environment.name": "test", "a": ""}},
	}
	rapid.Check(t, func(t *rapid.T) {
		body := `{"resource":` + genResource().Draw(t, "resource") +
			`,"logs":[` + genEntry(memberTimestamp, memberLevel, memberMessage, memberContext).Draw(t, "log") +
			`],"traces":[` + genEntry(memberTimestamp, memberTraceID, memberSpanID, memberName, memberDuration, memberAttributes).Draw(t, "span") +
			`],"metrics":[` + genEntry(memberTimestamp, memberName, memberValue, memberLabels).Draw(t, "metric") + `]}`
		batch, err := rapid.SampledFrom(decoders).Draw(t, "decoder").Decode([]byte(body), receivedAt)
		require.NoError(t, err)
		assertRoundTrip(t, &logSignal, batch.Logs, now, false)
		assertRoundTrip(t, &spanSignal, batch.Traces, now, false)
		assertRoundTrip(t, &metricSignal, batch.Metrics, now, false)
	})
}

// The second law: decode(encode(x)) == x for any data.
func TestLawDataComesBack(t *testing.T) {
	t.Parallel()
	t.Run("logs", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			ld := plog.NewLogs()
			for range rapid.IntRange(0, 3).Draw(t, "resources") {
				rl := ld.ResourceLogs().AppendEmpty()
				drawContext(t, rl)
				for range rapid.IntRange(0, 2).Draw(t, "scopes") {
					sl := rl.ScopeLogs().AppendEmpty()
					drawScope(t, sl)
					for range rapid.IntRange(0, 3).Draw(t, "records") {
						drawLog(t, sl.LogRecords().AppendEmpty())
					}
				}
			}
			assertRoundTrip(t, &logSignal, ld, now, true)
		})
	})
	t.Run("traces", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			td := ptrace.NewTraces()
			for range rapid.IntRange(0, 3).Draw(t, "resources") {
				rs := td.ResourceSpans().AppendEmpty()
				drawContext(t, rs)
				for range rapid.IntRange(0, 2).Draw(t, "scopes") {
					ss := rs.ScopeSpans().AppendEmpty()
					drawScope(t, ss)
					for range rapid.IntRange(0, 3).Draw(t, "spans") {
						drawSpan(t, ss.Spans().AppendEmpty())
					}
				}
			}
			assertRoundTrip(t, &spanSignal, td, now, true)
		})
	})
	t.Run("metrics", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			md := pmetric.NewMetrics()
			for range rapid.IntRange(0, 3).Draw(t, "resources") {
				rm := md.ResourceMetrics().AppendEmpty()
				drawContext(t, rm)
				for range rapid.IntRange(0, 2).Draw(t, "scopes") {
					sm := rm.ScopeMetrics().AppendEmpty()
					drawScope(t, sm)
					for range rapid.IntRange(0, 3).Draw(t, "metrics") {
						drawMetric(t, sm.Metrics().AppendEmpty())
					}
				}
			}
			assertRoundTrip(t, &metricSignal, md, now, true)
		})
	})
}

// assertRoundTrip writes data as lines, reads them, and compares every record
// with its resource and scope. If addReceipt is true, the records of data have
// no received_at, and the one that lines add is added before the comparison.
// Otherwise the records that were read must give the same lines.
func assertRoundTrip[D any, R resourceGroup, S scopeGroup, E record[E]](t *rapid.T, g *signal[D, R, S, E], data D, now time.Time, addReceipt bool) {
	var reader lineReader[D, R, S, E]
	written := collect(lines(g, data, now))
	for _, line := range written {
		require.Equal(t, 1, bytes.Count(line, []byte{'\n'}))
		require.NoErrorf(t, reader.add(g, line), "%s", line)
	}
	read := reader.take(g)
	if addReceipt {
		for r := range g.resources.all(data) {
			for s := range g.scopes.all(r) {
				for e := range g.records.all(s) {
					g.receive(e, pcommon.NewTimestampFromTime(now))
				}
			}
		}
	}
	want, got := flatten(t, g, data), flatten(t, g, read)
	require.Len(t, got, len(want))
	for i := range want {
		require.Equalf(t, want[i], got[i], "%s", written[i])
	}
	if addReceipt {
		return
	}
	again := collect(lines(g, read, now.Add(time.Hour)))
	for i, line := range again {
		require.Equal(t, canonical(t, written[i]), canonical(t, line))
	}
}

// Reading a line must not depend on the lines before it, although the reader
// remembers the end of a line.
func TestLawLinesStandAlone(t *testing.T) {
	t.Parallel()
	begins := []string{
		`{"timestamp":"2025-12-22T10:00:00.123Z","received_at":"2025-12-22T10:00:05Z"`, `{"received_at":"2025-12-22T10:00:06Z"`,
		`{"received_at":"2025-12-22T10:00:05+00:00","url":"u"`, `{"received_at":"2025-12-22T10:00:05Z","received_at":"2025-12-22T10:00:07Z"`,
		`{"received_at":"x"`, `{"message":"no receipt"`, `{"context":{"received_at":"2025-12-22T10:00:05Z"`, `{"message":"torn,`,
		`{"received_at":"2025-12-22T10:00:05Z","url":1,"resourceLogs":[{"scopeLogs":[{}]}]`, `{"resourceLogs":2,"received_at":"2025-12-22T10:00:05Z"`,
	}
	ends := []string{
		`}`, ` }`, `}}`, ``, `,"url":"u"}`, `,"message":1,"message":2}`,
		`,"resourceLogs":[{"scopeLogs":[{}]}]}`, `,"resourceLogs":[{"scopeLogs":[{}]}] }`, `,"resourceLogs":[{"scopeLogs":[{}]}],"a":1}`,
		`,"resourceLogs":[{"resource":{"attributes":[{"key":"a","value":{"stringValue":"b"}}]},"scopeLogs":[{}]}]}`,
		`,"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityText":"x"}]}]}]}`, `,"resourceLogs":[]}`, `,"resourceLogs":1}`, `,"resourceLogs":[}`,
	}
	genLine := rapid.Custom(func(t *rapid.T) string {
		return rapid.SampledFrom(begins).Draw(t, "begin") + rapid.SampledFrom(ends).Draw(t, "end")
	})
	rapid.Check(t, func(t *rapid.T) {
		var together LogReader
		var want []any
		for _, line := range rapid.SliceOfN(genLine, 0, 100).Draw(t, "lines") {
			var alone LogReader
			err := alone.Add([]byte(line))
			require.Equalf(t, err, together.Add([]byte(line)), "%s", line)
			want = append(want, flatten(t, &logSignal, alone.Take())...)
		}
		require.Equal(t, want, flatten(t, &logSignal, together.Take()))
	})
}

// flatten returns every record with its resource and scope as OTLP JSON. The
// attributes are sorted by key.
func flatten[D any, R resourceGroup, S scopeGroup, E record[E]](t *rapid.T, g *signal[D, R, S, E], data D) []any {
	var flat []any
	for r := range g.resources.all(data) {
		for s := range g.scopes.all(r) {
			for e := range g.records.all(s) {
				text := g.recordTail(r, s, e)
				var v any
				decoder := json.NewDecoder(bytes.NewReader(text))
				decoder.UseNumber()
				require.NoError(t, decoder.Decode(&v))
				flat = append(flat, sortAttributes(v))
			}
		}
	}
	return flat
}

func sortAttributes(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			v[key] = sortAttributes(v[key])
		}
	case []any:
		for i := range v {
			v[i] = sortAttributes(v[i])
		}
		slices.SortStableFunc(v, func(a, b any) int {
			return strings.Compare(attributeKey(a), attributeKey(b))
		})
	}
	return v
}

// attributeKey returns the key of a key-value pair, and "" for any other value.
func attributeKey(v any) string {
	pair, _ := v.(map[string]any)
	if _, ok := pair["value"]; !ok {
		return ""
	}
	key, _ := pair["key"].(string)
	return key
}

// genJSON generates JSON values.
func genJSON(depth int) *rapid.Generator[string] {
	scalars := []*rapid.Generator[string]{
		rapid.SampledFrom([]string{
			"null", "true", "false", "0", "-0", "1", "-1", "0.5", "1.0", "-0.0", "1e3", "1E-7", "123.456", "5e-324", "1e308", "1.5e300",
			"9007199254740993", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "-9223372036854775809",
			"18446744073709551616", "100000000000000000000", "1180591620717411303424", "123456789012345678901234567890", "1e22",
			`""`, `"12"`, `"0.012"`, `"12ms"`, `" 7 ms"`, `"2025-12-22T10:00:00Z"`, `"2025-12-22T10:00:00.123Z"`, `"+012026-01-01T00:00:00.000Z"`,
			`"info"`, `"\b\f\n\r\t\\\/\u0041"`, `"\u2028</script>"`, `{}`, `[]`,
		}),
		rapid.Map(rapid.Float64(), func(f float64) string { return string(must(json.Marshal(f))) }),
		rapid.Map(rapid.Int64(), func(n int64) string { return strconv.FormatInt(n, 10) }),
		rapid.Map(rapid.String(), quote),
	}
	if depth == 0 {
		return rapid.OneOf(scalars...)
	}
	return rapid.OneOf(append(scalars,
		rapid.Map(rapid.SliceOfN(genJSON(depth-1), 0, 3), func(vs []string) string { return "[" + strings.Join(vs, ",") + "]" }),
		genObject(genKey(), genJSON(depth-1)))...)
}

// genKey generates keys, including those that the mapping uses.
func genKey() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{
			"a", "b", "topic", "", "error", "service.name", "otlp", logSignal.tailKey, spanSignal.tailKey, metricSignal.tailKey,
			attrSessionID, attrURL, attrUserAgent, ownPrefix, AttrReceivedAt, attrMember, attrMember + "a", attrMember + memberLevel,
			attrMissing + memberTimestamp, attrMissing + memberDuration, attrEscape, attrEscape + attrSessionID, attrEscape + "a",
		}),
		rapid.String(),
	)
}

func genObject(keys, values *rapid.Generator[string]) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		names := rapid.SliceOfNDistinct(keys, 0, 5, rapid.ID[string]).Draw(t, "keys")
		members := make([]string, len(names))
		for i, name := range names {
			members[i] = quote(name) + ":" + values.Draw(t, "value")
		}
		return "{" + strings.Join(members, ",") + "}"
	})
}

func genResource() *rapid.Generator[string] {
	return rapid.OneOf(rapid.SampledFrom([]string{"null", "{}", `{"app.version":"1.2.3"}`, `{"service.name":"evil"}`, `"x"`}), genObject(genKey(), genJSON(1)))
}

// genEntry generates entries with known members in any order, with usual and
// unusual values, and with unknown members.
func genEntry(own ...string) *rapid.Generator[string] {
	likely := map[string]*rapid.Generator[string]{
		memberTimestamp: rapid.OneOf(
			rapid.Map(rapid.Int64Range(0, 4102444800000), func(ms int64) string {
				return quote(time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z"))
			}),
			rapid.SampledFrom([]string{
				`"2025-12-22T10:00:05.000Z"`, `"2025-12-22T10:00:05.123456Z"`, `"2025-12-22T10:00:05.123456789Z"`, `"2025-12-22T10:00:05.120000Z"`,
				`"1970-01-01T00:00:00.000Z"`, `"1969-12-31T23:59:59.999Z"`, `"2262-04-11T23:47:16.854Z"`, `"2262-04-12T00:00:00.000Z"`, `"9999-12-31T23:59:59.999Z"`, `"2025-12-22T11:00:05.000+01:00"`,
			}),
		),
		memberLevel: rapid.SampledFrom([]string{`"info"`, `"INFO"`, `"Warning"`, `"log"`, `"critical"`, `"verbose"`, `"K\u212Aitical"`}),
		memberTraceID: rapid.SampledFrom([]string{
			`"4fzyo82m1k"`, `"0af7651916cd43dd8448eb211c80319c"`, `"0AF7651916CD43DD8448EB211C80319C"`,
			`"00000000000000000000000000000000"`, `"b7ad6b7169203331"`,
		}),
		memberSpanID:   rapid.SampledFrom([]string{`"k2j4h5g6f7"`, `"b7ad6b7169203331"`, `"B7AD6B7169203331"`, `"0000000000000000"`}),
		memberDuration: rapid.OneOf(rapid.Map(rapid.Float64Range(-1e6, 1e10), func(f float64) string { return string(must(json.Marshal(f))) }), rapid.SampledFrom([]string{"2450.3", "0", "1e300", "1125899906.842624", "1766397600000"})),
		memberContext:  genObject(genKey(), genJSON(2)), memberAttributes: genObject(genKey(), genJSON(2)), memberLabels: genObject(genKey(), genJSON(2)),
	}
	return rapid.Custom(func(t *rapid.T) string {
		names := append(slices.Clone(own), memberSessionID, memberURL, memberUserAgent)
		extras := rapid.SliceOfN(genKey(), 0, 3).Draw(t, "extras")
		all := append(names, extras...)
		chosen := rapid.SliceOfNDistinct(rapid.SampledFrom(all), 0, len(all), rapid.ID[string]).Draw(t, "members")
		var members []string
		for _, name := range chosen {
			if name == memberReceivedAt {
				continue // dropped by the decoder
			}
			gen := genJSON(2)
			if usual, ok := likely[name]; ok && rapid.IntRange(0, 3).Draw(t, "usual") > 0 {
				gen = usual
			} else if !ok && rapid.Bool().Draw(t, "string") {
				gen = rapid.Map(rapid.String(), quote)
			}
			members = append(members, quote(name)+":"+gen.Draw(t, name))
		}
		return "{" + strings.Join(members, ",") + "}"
	})
}

func quote(s string) string { return string(must(json.Marshal(strings.ToValidUTF8(s, "\uFFFD")))) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func drawContext(t *rapid.T, r resourceGroup) {
	switch rapid.IntRange(0, 3).Draw(t, "resource kind") {
	case 0:
		return
	case 1:
		r.Resource().Attributes().PutStr(attrServiceName, DefaultServiceName)
	default:
		drawMap(t, r.Resource().Attributes(), 1)
		r.Resource().SetDroppedAttributesCount(rapid.SampledFrom([]uint32{0, 0, 7}).Draw(t, "dropped"))
		r.SetSchemaUrl(rapid.SampledFrom([]string{"", "https://opentelemetry.io/schemas/1.38.0"}).Draw(t, "schema"))
	}
}

func drawScope(t *rapid.T, s scopeGroup) {
	if rapid.Bool().Draw(t, "no scope") {
		return
	}
	s.Scope().SetName(rapid.String().Draw(t, "scope name"))
	s.Scope().SetVersion(rapid.SampledFrom([]string{"", "1.0"}).Draw(t, "version"))
	drawMap(t, s.Scope().Attributes(), 1)
	s.Scope().SetDroppedAttributesCount(rapid.SampledFrom([]uint32{0, 1}).Draw(t, "dropped"))
	s.SetSchemaUrl(rapid.SampledFrom([]string{"", "https://example.com/schema"}).Draw(t, "schema"))
}

// drawMap fills m with attributes. Keys may be repeated: OTLP forbids it, but
// its encoding allows it.
func drawMap(t *rapid.T, m pcommon.Map, depth int) {
	var members xpdata.MapBuilder
	for range rapid.IntRange(0, 4).Draw(t, "attributes") {
		drawValue(t, members.AppendEmpty(genKey().Draw(t, "key")), depth)
	}
	members.UnsafeIntoMap(m)
}

func drawValue(t *rapid.T, v pcommon.Value, depth int) {
	kinds := 6
	if depth > 0 {
		kinds = 8
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
	case 1:
		v.SetStr(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "2025-12-22T10:00:05Z", "2025-12-22T10:00:05.000Z", "12ms", "info", "4fzyo82m1k"})).Draw(t, "string"))
	case 2:
		v.SetInt(rapid.Int64().Draw(t, "int"))
	case 3:
		v.SetDouble(rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, 1, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 1e21, 1e20, 1 << 60})).Draw(t, "double"))
	case 4:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case 5:
		v.SetEmptyBytes().FromRaw(rapid.OneOf(rapid.SliceOf(rapid.Byte()),
			rapid.Map(rapid.SampledFrom([]string{"-9223372036854775809", "9223372036854775808", "12", "100000000000000000000", "1e5"}), func(s string) []byte { return []byte(s) })).Draw(t, "bytes"))
	case 6:
		drawMap(t, v.SetEmptyMap(), depth-1)
	case 7:
		s := v.SetEmptySlice()
		for range rapid.IntRange(0, 3).Draw(t, "elements") {
			drawValue(t, s.AppendEmpty(), depth-1)
		}
	}
}

func genTime() *rapid.Generator[pcommon.Timestamp] {
	return rapid.OneOf(
		rapid.SampledFrom([]pcommon.Timestamp{
			0, 1, math.MaxInt64, math.MaxInt64 + 1, math.MaxUint64, pcommon.NewTimestampFromTime(receivedAt), pcommon.NewTimestampFromTime(now),
			pcommon.NewTimestampFromTime(now.Add(time.Nanosecond)), pcommon.NewTimestampFromTime(now.AddDate(10, 0, 0)),
		}),
		rapid.Map(rapid.Uint64(), func(n uint64) pcommon.Timestamp { return pcommon.Timestamp(n) }),
		rapid.Map(rapid.Int64Range(1, 4102444800000), func(ms int64) pcommon.Timestamp { return pcommon.Timestamp(ms * 1e6) }),
	)
}

func genTraceID() *rapid.Generator[pcommon.TraceID] {
	return rapid.Map(rapid.SampledFrom([]string{"", "4fzyo82m1k", "0af7651916cd43dd8448eb211c80319c"}), func(s string) pcommon.TraceID { id, _ := traceIDOf(s); return id })
}

func genSpanID() *rapid.Generator[pcommon.SpanID] {
	return rapid.Map(rapid.SampledFrom([]string{"", "k2j4h5g6f7", "b7ad6b7169203331"}), func(s string) pcommon.SpanID { id, _ := spanIDOf(s); return id })
}

// seldom draws from values in one of four cases, and returns the zero value
// otherwise.
func seldom[V any](t *rapid.T, values *rapid.Generator[V], label string) V {
	var nothing V
	if rapid.IntRange(0, 3).Draw(t, "seldom") > 0 {
		return nothing
	}
	return values.Draw(t, label)
}

func drawLog(t *rapid.T, rec plog.LogRecord) {
	rec.SetTimestamp(genTime().Draw(t, "timestamp"))
	rec.SetObservedTimestamp(genTime().Draw(t, "observed"))
	rec.SetSeverityText(rapid.SampledFrom([]string{"", "info", "WARN", "odd"}).Draw(t, "severity text"))
	rec.SetSeverityNumber(rapid.SampledFrom([]plog.SeverityNumber{severityOf(rec.SeverityText()), 0, 9, 24}).Draw(t, "severity"))
	drawValue(t, rec.Body(), 2)
	drawMap(t, rec.Attributes(), 2)
	rec.SetTraceID(seldom(t, genTraceID(), "trace id"))
	rec.SetSpanID(seldom(t, genSpanID(), "span id"))
	rec.SetFlags(plog.LogRecordFlags(seldom(t, rapid.Uint32(), "flags")))
	rec.SetDroppedAttributesCount(seldom(t, rapid.Uint32(), "dropped"))
	rec.SetEventName(seldom(t, rapid.String(), "event name"))
}

func drawSpan(t *rapid.T, span ptrace.Span) {
	span.SetTraceID(genTraceID().Draw(t, "trace id"))
	span.SetSpanID(genSpanID().Draw(t, "span id"))
	span.SetName(rapid.String().Draw(t, "name"))
	span.SetEndTimestamp(genTime().Draw(t, "end"))
	span.SetStartTimestamp(rapid.OneOf(genTime(), rapid.Map(rapid.Int64Range(-1e12, 1e17), func(ns int64) pcommon.Timestamp {
		return span.EndTimestamp() - pcommon.Timestamp(ns)
	})).Draw(t, "start"))
	drawMap(t, span.Attributes(), 2)
	span.SetKind(rapid.SampledFrom([]ptrace.SpanKind{ptrace.SpanKindInternal, ptrace.SpanKindInternal, ptrace.SpanKindUnspecified, ptrace.SpanKindServer}).Draw(t, "kind"))
	span.Status().SetCode(rapid.SampledFrom([]ptrace.StatusCode{ptrace.StatusCodeUnset, ptrace.StatusCodeOk, ptrace.StatusCodeError}).Draw(t, "status"))
	span.Status().SetMessage(seldom(t, rapid.String(), "status message"))
	span.SetParentSpanID(seldom(t, genSpanID(), "parent"))
	span.TraceState().FromRaw(seldom(t, rapid.String(), "trace state"))
	span.SetFlags(seldom(t, rapid.Uint32(), "flags"))
	span.SetDroppedAttributesCount(seldom(t, rapid.Uint32(), "dropped"))
	span.SetDroppedEventsCount(seldom(t, rapid.Uint32(), "dropped events"))
	span.SetDroppedLinksCount(seldom(t, rapid.Uint32(), "dropped links"))
	for range seldom(t, rapid.IntRange(0, 2), "events") {
		event := span.Events().AppendEmpty()
		event.SetName(rapid.String().Draw(t, "event"))
		event.SetTimestamp(genTime().Draw(t, "event time"))
		event.SetDroppedAttributesCount(seldom(t, rapid.Uint32(), "dropped"))
		drawMap(t, event.Attributes(), 1)
	}
	for range seldom(t, rapid.IntRange(0, 2), "links") {
		link := span.Links().AppendEmpty()
		link.SetTraceID(genTraceID().Draw(t, "link trace"))
		link.SetSpanID(genSpanID().Draw(t, "link span"))
		link.TraceState().FromRaw(seldom(t, rapid.String(), "link state"))
		link.SetFlags(seldom(t, rapid.Uint32(), "link flags"))
		drawMap(t, link.Attributes(), 1)
	}
}

func drawMetric(t *rapid.T, metric pmetric.Metric) {
	metric.SetName(rapid.String().Draw(t, "name"))
	metric.SetDescription(seldom(t, rapid.String(), "description"))
	metric.SetUnit(seldom(t, rapid.String(), "unit"))
	if rapid.IntRange(0, 3).Draw(t, "metadata") == 0 {
		drawMap(t, metric.Metadata(), 1)
	}
	points := rapid.SampledFrom([]int{1, 1, 0, 2})
	switch rapid.SampledFrom([]pmetric.MetricType{
		pmetric.MetricTypeGauge, pmetric.MetricTypeGauge, pmetric.MetricTypeEmpty, pmetric.MetricTypeSum,
		pmetric.MetricTypeHistogram, pmetric.MetricTypeExponentialHistogram, pmetric.MetricTypeSummary,
	}).Draw(t, "type") {
	case pmetric.MetricTypeGauge:
		gauge := metric.SetEmptyGauge()
		for range points.Draw(t, "points") {
			drawNumberPoint(t, gauge.DataPoints().AppendEmpty())
		}
	case pmetric.MetricTypeSum:
		sum := metric.SetEmptySum()
		sum.SetIsMonotonic(rapid.Bool().Draw(t, "monotonic"))
		sum.SetAggregationTemporality(genTemporality().Draw(t, "temporality"))
		for range points.Draw(t, "points") {
			drawNumberPoint(t, sum.DataPoints().AppendEmpty())
		}
	case pmetric.MetricTypeHistogram:
		histogram := metric.SetEmptyHistogram()
		histogram.SetAggregationTemporality(genTemporality().Draw(t, "temporality"))
		for range points.Draw(t, "points") {
			point := histogram.DataPoints().AppendEmpty()
			drawPoint(t, point)
			point.SetCount(rapid.Uint64().Draw(t, "count"))
			point.BucketCounts().FromRaw(rapid.SliceOf(rapid.Uint64()).Draw(t, "buckets"))
			point.ExplicitBounds().FromRaw(rapid.SliceOf(rapid.Float64()).Draw(t, "bounds"))
			if rapid.Bool().Draw(t, "sums") {
				point.SetSum(rapid.Float64().Draw(t, "sum"))
				point.SetMin(rapid.Float64().Draw(t, "min"))
				point.SetMax(rapid.Float64().Draw(t, "max"))
			}
			drawExemplars(t, point.Exemplars())
		}
	case pmetric.MetricTypeExponentialHistogram:
		histogram := metric.SetEmptyExponentialHistogram()
		histogram.SetAggregationTemporality(genTemporality().Draw(t, "temporality"))
		for range points.Draw(t, "points") {
			point := histogram.DataPoints().AppendEmpty()
			drawPoint(t, point)
			point.SetCount(rapid.Uint64().Draw(t, "count"))
			point.SetScale(rapid.Int32().Draw(t, "scale"))
			point.SetZeroCount(rapid.Uint64().Draw(t, "zeros"))
			point.SetZeroThreshold(rapid.Float64().Draw(t, "threshold"))
			point.Positive().SetOffset(rapid.Int32().Draw(t, "offset"))
			point.Positive().BucketCounts().FromRaw(rapid.SliceOf(rapid.Uint64()).Draw(t, "positive"))
			point.Negative().BucketCounts().FromRaw(rapid.SliceOf(rapid.Uint64()).Draw(t, "negative"))
			drawExemplars(t, point.Exemplars())
		}
	case pmetric.MetricTypeSummary:
		summary := metric.SetEmptySummary()
		for range points.Draw(t, "points") {
			point := summary.DataPoints().AppendEmpty()
			drawPoint(t, point)
			point.SetCount(rapid.Uint64().Draw(t, "count"))
			point.SetSum(rapid.Float64().Draw(t, "sum"))
			quantile := point.QuantileValues().AppendEmpty()
			quantile.SetQuantile(rapid.Float64().Draw(t, "quantile"))
			quantile.SetValue(rapid.Float64().Draw(t, "value"))
		}
	}
}

func genTemporality() *rapid.Generator[pmetric.AggregationTemporality] {
	return rapid.SampledFrom([]pmetric.AggregationTemporality{
		pmetric.AggregationTemporalityUnspecified, pmetric.AggregationTemporalityDelta, pmetric.AggregationTemporalityCumulative,
	})
}

func drawPoint(t *rapid.T, point interface {
	Attributes() pcommon.Map
	SetTimestamp(pcommon.Timestamp)
	SetStartTimestamp(pcommon.Timestamp)
	SetFlags(pmetric.DataPointFlags)
},
) {
	point.SetTimestamp(genTime().Draw(t, "time"))
	point.SetStartTimestamp(seldom(t, genTime(), "start"))
	point.SetFlags(pmetric.DataPointFlags(seldom(t, rapid.Uint32Range(0, 3), "flags")))
	drawMap(t, point.Attributes(), 2)
}

func drawNumberPoint(t *rapid.T, point pmetric.NumberDataPoint) {
	drawPoint(t, point)
	switch rapid.IntRange(0, 3).Draw(t, "value kind") {
	case 0:
	case 1:
		point.SetIntValue(rapid.Int64().Draw(t, "int"))
	default:
		point.SetDoubleValue(rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, 12, math.NaN(), math.Inf(-1), math.Copysign(0, -1), 1 << 60})).Draw(t, "double"))
	}
	drawExemplars(t, point.Exemplars())
}

func drawExemplars(t *rapid.T, exemplars pmetric.ExemplarSlice) {
	for range seldom(t, rapid.IntRange(0, 2), "exemplars") {
		exemplar := exemplars.AppendEmpty()
		exemplar.SetTimestamp(genTime().Draw(t, "exemplar time"))
		exemplar.SetTraceID(genTraceID().Draw(t, "exemplar trace"))
		exemplar.SetSpanID(genSpanID().Draw(t, "exemplar span"))
		if rapid.Bool().Draw(t, "exemplar int") {
			exemplar.SetIntValue(rapid.Int64().Draw(t, "int"))
		} else {
			exemplar.SetDoubleValue(rapid.Float64().Draw(t, "double"))
		}
		drawMap(t, exemplar.FilteredAttributes(), 1)
	}
}
