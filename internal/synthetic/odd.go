// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package synthetic

import (
	"math/rand/v2"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Bend gives an entry one odd shape of those that real clients send. All of
// them are accepted and stored as they are.
func Bend(r *rand.Rand, e *Entry) {
	bends := commonBends
	if chance(r, 60) {
		bends = bendsOf[e.Signal]
	}
	oneOf(r, bends)(r, e)
}

type bend func(*rand.Rand, *Entry)

var commonBends = []bend{
	func(r *rand.Rand, e *Entry) {
		e.set("timestamp", oneOf(r, []jsontext.Value{
			raw(`null`), raw(`""`), raw(`"yesterday"`), raw(`1766397600000`), raw(`1766397600.125`), raw(`{}`),
			raw(`"+012026-03-01T00:00:00.000Z"`), raw(`"-000001-12-31T23:59:59.999Z"`), raw(`"2025-12-22T10:00:00Z"`),
			raw(`"2025-12-22T11:00:00.123456789+01:00"`), raw(`"1969-12-31T23:59:59.999Z"`), raw(`"2262-04-11T23:47:16.855Z"`),
		}))
	},
	func(_ *rand.Rand, e *Entry) { e.remove("timestamp") },
	func(_ *rand.Rand, e *Entry) { e.remove("sessionId") },
	func(r *rand.Rand, e *Entry) { e.set("sessionId", strangeValue(r)) },
	func(r *rand.Rand, e *Entry) { e.set("received_at", strangeValue(r)) }, // the server sets it
	func(r *rand.Rand, e *Entry) { e.set(strangeKey(r), strangeValue(r)) },
	func(r *rand.Rand, e *Entry) { // a key given twice, what counts last
		twice := oneOf(r, e.Fields)
		e.Fields = append([]Field{{twice.Key, strangeValue(r)}}, e.Fields...)
	},
	func(r *rand.Rand, e *Entry) {
		r.Shuffle(len(e.Fields), func(i, j int) { e.Fields[i], e.Fields[j] = e.Fields[j], e.Fields[i] })
	},
}

var bendsOf = map[Signal][]bend{
	Logs: {
		func(r *rand.Rand, e *Entry) { e.set("level", strangeValue(r)) },
		func(r *rand.Rand, e *Entry) { e.set("level", quoted(oneOf(r, levels))) },
		func(_ *rand.Rand, e *Entry) { e.remove("level") },
		func(r *rand.Rand, e *Entry) { e.set("message", strangeValue(r)) },
		func(r *rand.Rand, e *Entry) { e.set("message", strangeString(r)) },
		func(_ *rand.Rand, e *Entry) { e.remove("message") },
		func(r *rand.Rand, e *Entry) { e.set("context", strangeAttributes(r)) },
		func(r *rand.Rand, e *Entry) { e.set("context", strangeAttributes(r)) },
		func(_ *rand.Rand, e *Entry) { e.remove("context") },
		func(r *rand.Rand, e *Entry) { e.set("url", strangeValue(r)) },
		func(r *rand.Rand, e *Entry) { e.set("userAgent", strangeValue(r)) },
	},
	Traces: {
		func(r *rand.Rand, e *Entry) { e.set("traceId", strangeID(r)) },
		func(r *rand.Rand, e *Entry) { e.set("spanId", strangeID(r)) },
		func(_ *rand.Rand, e *Entry) { e.remove("traceId"); e.remove("spanId") },
		func(r *rand.Rand, e *Entry) {
			e.set("duration", oneOf(r, []jsontext.Value{
				raw(`-3`), raw(`0`), raw(`-0`), raw(`0.1`), raw(`2450.300000000047`), raw(`"12ms"`), raw(`"12"`), raw(`null`),
				raw(`1e21`), raw(`-1e300`), raw(`9007199254740993`), raw(`false`), raw(`[12]`), raw(`""`),
			}))
		},
		func(_ *rand.Rand, e *Entry) { e.remove("duration") },
		func(r *rand.Rand, e *Entry) { e.set("name", strangeValue(r)) },
		func(_ *rand.Rand, e *Entry) { e.remove("name") },
		func(r *rand.Rand, e *Entry) { e.set("attributes", strangeAttributes(r)) },
		func(r *rand.Rand, e *Entry) { e.set("attributes", object(Field{"error", strangeValue(r)})) },
		func(_ *rand.Rand, e *Entry) { e.remove("attributes") },
	},
	Metrics: {
		func(r *rand.Rand, e *Entry) {
			e.set("value", oneOf(r, []jsontext.Value{
				raw(`"0.012"`), raw(`"12"`), raw(`"1e3"`), raw(`" 7"`), raw(`"0x10"`), raw(`"NaN"`), raw(`""`), raw(`null`),
				raw(`-0.0`), raw(`1e300`), raw(`5e-324`), raw(`9007199254740993`), raw(`18446744073709551616`), raw(`0.1`),
				raw(`12.50`), raw(`true`), raw(`[1]`), raw(`{"p75":1}`),
			}))
		},
		func(_ *rand.Rand, e *Entry) { e.remove("value") },
		func(r *rand.Rand, e *Entry) { e.set("name", strangeValue(r)) },
		func(_ *rand.Rand, e *Entry) { e.remove("name") },
		func(r *rand.Rand, e *Entry) { e.set("labels", strangeAttributes(r)) },
		func(_ *rand.Rand, e *Entry) { e.remove("labels") },
	},
}

var levels = []string{"log", "trace", "DEBUG", "Warn", "warning", "ERROR", "fatal", "critical", "verbose", "perf", ""}

// strangeKeys are members that clients add, keys that OpenTelemetry and the
// collector use for themselves among them.
var strangeKeys = []string{
	"", "id", "release", "extra", "__proto__", "constructor", "toString", "ключ", "🔑", "a.b", "a b", "\"", "\\", "\n",
	"session.id", "url.full", "user_agent.original", "service.name", "exception.message", "otel.status_code",
	"saberloop.entry", "saberloop.timestamp", "saberloop.", "saberloop.trace_id", "attributes", "resource", "scope", "body",
	"traceId", "observedTimeUnixNano", "kind", "severityNumber", "startTimeUnixNano", "gauge", "value", "level",
}

func strangeKey(r *rand.Rand) string { return oneOf(r, strangeKeys) }

// strangeValue is any JSON.
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
		return object(Field{strangeKey(r), strangeString(r)}, Field{"list", raw(`[1,"2",null,{"x":[true]}]`)})
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

// strangeStrings are spelt in JSON: lone surrogates can't be otherwise.
var strangeStrings = []string{
	`""`, `" "`, `"\u0000"`, `"\b\f\n\r\t\\\"\/"`, `"\u001f\u007f\u0085"`, `"\u2028\u2029"`, `"\ufeffBOM"`, `"\ufffe\uffff"`,
	`"Quiz über 😀"`, `"cut \ud83d"`, `"\ude00 cut"`, `"\ud83d\ud83d\ude00"`, `"\ud83d\ude00"`, `"👩‍👩‍👧‍👦 🏴‍☠️"`, `"שלום עולם"`, `"e\u0301 é"`,
	`"</script><!-- & -->"`, `"{\"json\":\"in a string\"}"`, `"2025-12-22T10:00:00.000Z"`, `"123"`, `"null"`, `"\u0041\u00e9\u6f22"`,
}

func strangeString(r *rand.Rand) jsontext.Value {
	if chance(r, 3) {
		return quoted(strings.Repeat("very long, naïvely so… ", between(r, 40, 400)))
	}
	return raw(oneOf(r, strangeStrings))
}

// nested is a value so many levels deep.
func nested(depth int) jsontext.Value {
	objects := depth / 2
	arrays := depth - objects
	return raw(strings.Repeat(`{"a":`, objects) + strings.Repeat(`[`, arrays) +
		strings.Repeat(`]`, arrays) + strings.Repeat(`}`, objects))
}

func strangeID(r *rand.Rand) jsontext.Value {
	switch r.IntN(8) {
	case 0:
		return quoted(strings.ToUpper(hex(r, 32)))
	case 1:
		return quoted(strings.Repeat("0", oneOf(r, []int{16, 32}))) // the ids OpenTelemetry calls invalid
	case 2:
		return quoted(base36(r, 32)) // of full length, but not hex
	case 3:
		return quoted(hex(r, 15))
	default:
		return strangeValue(r)
	}
}

// strangeAttributes is what context, attributes or labels may be.
func strangeAttributes(r *rand.Rand) jsontext.Value {
	if chance(r, 30) {
		return strangeValue(r)
	}
	var fields []Field
	for range between(r, 0, 6) {
		fields = append(fields, Field{strangeKey(r), strangeValue(r)})
	}
	return object(fields...)
}
