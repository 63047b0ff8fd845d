// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package synthetic

import (
	"math/rand/v2"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/saberloop/otelcol-saberloop/internal/demodata"
)

// Bend gives an entry one of the odd shapes that real clients send. The collector
// accepts and stores all of them.
func Bend(r *rand.Rand, e *demodata.Entry) {
	bends := commonBends
	if chance(r, 60) {
		bends = bendsOf[e.Signal]
	}
	oneOf(r, bends)(r, e)
}

type bend func(*rand.Rand, *demodata.Entry)

var commonBends = []bend{
	func(r *rand.Rand, e *demodata.Entry) {
		e.Set("timestamp", oneOf(r, []jsontext.Value{
			raw(`null`), raw(`""`), raw(`"yesterday"`), raw(`1766397600000`), raw(`1766397600.125`), raw(`{}`),
			raw(`"+012026-03-01T00:00:00.000Z"`), raw(`"-000001-12-31T23:59:59.999Z"`), raw(`"2025-12-22T10:00:00Z"`),
			raw(`"2025-12-22T11:00:00.123456789+01:00"`), raw(`"1969-12-31T23:59:59.999Z"`), raw(`"2262-04-11T23:47:16.855Z"`),
		}))
	},
	func(_ *rand.Rand, e *demodata.Entry) { e.Remove("timestamp") },
	func(_ *rand.Rand, e *demodata.Entry) { e.Remove("sessionId") },
	func(r *rand.Rand, e *demodata.Entry) { e.Set("sessionId", strangeValue(r)) },
	func(r *rand.Rand, e *demodata.Entry) { e.Set("received_at", strangeValue(r)) }, // only the server sets it
	func(r *rand.Rand, e *demodata.Entry) { e.Set(strangeKey(r), strangeValue(r)) },
	func(r *rand.Rand, e *demodata.Entry) { // a duplicate key: the last one counts
		twice := oneOf(r, e.Fields)
		e.Fields = append([]demodata.Field{{Key: twice.Key, Value: strangeValue(r)}}, e.Fields...)
	},
	func(r *rand.Rand, e *demodata.Entry) {
		r.Shuffle(len(e.Fields), func(i, j int) { e.Fields[i], e.Fields[j] = e.Fields[j], e.Fields[i] })
	},
}

var bendsOf = map[demodata.Signal][]bend{
	demodata.Logs: {
		func(r *rand.Rand, e *demodata.Entry) { e.Set("level", strangeValue(r)) },
		func(r *rand.Rand, e *demodata.Entry) { e.Set("level", demodata.Text(oneOf(r, levels))) },
		func(_ *rand.Rand, e *demodata.Entry) { e.Remove("level") },
		func(r *rand.Rand, e *demodata.Entry) { e.Set("message", strangeValue(r)) },
		func(r *rand.Rand, e *demodata.Entry) { e.Set("message", strangeString(r)) },
		func(_ *rand.Rand, e *demodata.Entry) { e.Remove("message") },
		func(r *rand.Rand, e *demodata.Entry) { e.Set("context", strangeAttributes(r)) },
		func(r *rand.Rand, e *demodata.Entry) { e.Set("context", strangeAttributes(r)) },
		func(_ *rand.Rand, e *demodata.Entry) { e.Remove("context") },
		func(r *rand.Rand, e *demodata.Entry) { e.Set("url", strangeValue(r)) },
		func(r *rand.Rand, e *demodata.Entry) { e.Set("userAgent", strangeValue(r)) },
	},
	demodata.Traces: {
		func(r *rand.Rand, e *demodata.Entry) { e.Set("traceId", strangeID(r)) },
		func(r *rand.Rand, e *demodata.Entry) { e.Set("spanId", strangeID(r)) },
		func(_ *rand.Rand, e *demodata.Entry) { e.Remove("traceId"); e.Remove("spanId") },
		func(r *rand.Rand, e *demodata.Entry) {
			e.Set("duration", oneOf(r, []jsontext.Value{
				raw(`-3`), raw(`0`), raw(`-0`), raw(`0.1`), raw(`2450.300000000047`), raw(`"12ms"`), raw(`"12"`), raw(`null`),
				raw(`1e21`), raw(`-1e300`), raw(`9007199254740993`), raw(`false`), raw(`[12]`), raw(`""`),
			}))
		},
		func(_ *rand.Rand, e *demodata.Entry) { e.Remove("duration") },
		func(r *rand.Rand, e *demodata.Entry) { e.Set("name", strangeValue(r)) },
		func(_ *rand.Rand, e *demodata.Entry) { e.Remove("name") },
		func(r *rand.Rand, e *demodata.Entry) { e.Set("attributes", strangeAttributes(r)) },
		func(r *rand.Rand, e *demodata.Entry) {
			e.Set("attributes", demodata.Object(demodata.Field{Key: "error", Value: strangeValue(r)}))
		},
		func(_ *rand.Rand, e *demodata.Entry) { e.Remove("attributes") },
	},
	demodata.Metrics: {
		func(r *rand.Rand, e *demodata.Entry) {
			e.Set("value", oneOf(r, []jsontext.Value{
				raw(`"0.012"`), raw(`"12"`), raw(`"1e3"`), raw(`" 7"`), raw(`"0x10"`), raw(`"NaN"`), raw(`""`), raw(`null`),
				raw(`-0.0`), raw(`1e300`), raw(`5e-324`), raw(`9007199254740993`), raw(`18446744073709551616`), raw(`0.1`),
				raw(`12.50`), raw(`true`), raw(`[1]`), raw(`{"p75":1}`),
			}))
		},
		func(_ *rand.Rand, e *demodata.Entry) { e.Remove("value") },
		func(r *rand.Rand, e *demodata.Entry) { e.Set("name", strangeValue(r)) },
		func(_ *rand.Rand, e *demodata.Entry) { e.Remove("name") },
		func(r *rand.Rand, e *demodata.Entry) { e.Set("labels", strangeAttributes(r)) },
		func(_ *rand.Rand, e *demodata.Entry) { e.Remove("labels") },
	},
}

var levels = []string{"log", "trace", "DEBUG", "Warn", "warning", "ERROR", "fatal", "critical", "verbose", "perf", ""}

// strangeKeys are members that clients add. Some are keys that OpenTelemetry or
// the collector uses.
var strangeKeys = []string{
	"", "id", "release", "extra", "__proto__", "constructor", "toString", "ключ", "🔑", "a.b", "a b", "\"", "\\", "\n",
	"session.id", "url.full", "user_agent.original", "service.name", "exception.message", "otel.status_code",
	"saberloop.entry", "saberloop.timestamp", "saberloop.", "saberloop.trace_id", "attributes", "resource", "scope", "body",
	"traceId", "observedTimeUnixNano", "kind", "severityNumber", "startTimeUnixNano", "gauge", "value", "level",
}

func strangeKey(r *rand.Rand) string { return oneOf(r, strangeKeys) }

// strangeValue returns any JSON value.
func strangeValue(r *rand.Rand) jsontext.Value {
	switch r.IntN(6) {
	case 0:
		return strangeString(r)
	case 1:
		return raw(oneOf(r, strangeNumbers))
	case 2:
		return raw(oneOf(r, []string{`{}`, `[]`, `""`, `null`, `[[]]`, `[{}]`, `[null]`, `{"":{}}`}))
	case 3:
		return raw(oneOf(r, []string{`true`, `false`, `null`, `0`, `-1`}))
	case 4:
		return demodata.Object(demodata.Field{Key: strangeKey(r), Value: strangeString(r)}, demodata.Field{Key: "list", Value: raw(`[1,"2",null,{"x":[true]}]`)})
	default:
		if chance(r, 10) {
			return nested(between(r, 5, 490))
		}
		return nested(between(r, 1, 6))
	}
}

var strangeNumbers = []string{
	`0`, `-0`, `-0.0`, `1.0`, `1e2`, `1E+2`, `0.1`, `0.30000000000000004`, `1e300`, `-1.7976931348623157e308`, `5e-324`, `1e-400`,
	`9007199254740993`, `9223372036854775807`, `9223372036854775808`, `-9223372036854775808`, `-9223372036854775809`,
	`18446744073709551616`, `123456789012345678901234567890`, `1e21`, `1e-7`,
}

// strangeStrings are JSON strings: Go strings can't hold lone surrogates.
var strangeStrings = []string{
	`""`, `" "`, `"\u0000"`, `"\b\f\n\r\t\\\"\/"`, `"\u001f\u007f\u0085"`, `"\u2028\u2029"`, `"\ufeffBOM"`, `"\ufffe\uffff"`,
	`"Quiz über 😀"`, `"cut \ud83d"`, `"\ude00 cut"`, `"\ud83d\ud83d\ude00"`, `"\ud83d\ude00"`, `"👩‍👩‍👧‍👦 🏴‍☠️"`, `"שלום עולם"`, `"e\u0301 é"`,
	`"</script><!-- & -->"`, `"{\"json\":\"in a string\"}"`, `"2025-12-22T10:00:00.000Z"`, `"123"`, `"null"`, `"\u0041\u00e9\u6f22"`,
}

func strangeString(r *rand.Rand) jsontext.Value {
	if chance(r, 3) {
		return demodata.Text(strings.Repeat("very long, naïvely so… ", between(r, 40, 400)))
	}
	return raw(oneOf(r, strangeStrings))
}

// nested returns a value of that many levels.
func nested(depth int) jsontext.Value {
	objects := depth / 2
	arrays := depth - objects
	return raw(strings.Repeat(`{"a":`, objects) + strings.Repeat(`[`, arrays) +
		strings.Repeat(`]`, arrays) + strings.Repeat(`}`, objects))
}

func strangeID(r *rand.Rand) jsontext.Value {
	switch r.IntN(8) {
	case 0:
		return demodata.Text(strings.ToUpper(demodata.Hex(r, 32)))
	case 1:
		return demodata.Text(strings.Repeat("0", oneOf(r, []int{16, 32}))) // invalid in OpenTelemetry
	case 2:
		return demodata.Text(demodata.Base36(r, 32)) // the right length, but not hexadecimal
	case 3:
		return demodata.Text(demodata.Hex(r, 15))
	default:
		return strangeValue(r)
	}
}

// strangeAttributes returns a value for context, attributes or labels.
func strangeAttributes(r *rand.Rand) jsontext.Value {
	if chance(r, 30) {
		return strangeValue(r)
	}
	var fields []demodata.Field
	for range between(r, 0, 6) {
		fields = append(fields, demodata.Field{Key: strangeKey(r), Value: strangeValue(r)})
	}
	return demodata.Object(fields...)
}

func raw(spelled string) jsontext.Value       { return jsontext.Value(spelled) }
func oneOf[T any](r *rand.Rand, from []T) T   { return from[r.IntN(len(from))] }
func chance(r *rand.Rand, percent int) bool   { return r.IntN(100) < percent }
func between(r *rand.Rand, low, high int) int { return low + r.IntN(high-low+1) }
