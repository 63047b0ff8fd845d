// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package synthetic

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Signal is the member of a batch that an entry belongs to.
type Signal string

// The signals, in the order in which a batch has them.
const (
	Logs    Signal = "logs"
	Traces  Signal = "traces"
	Metrics Signal = "metrics"
)

// Signals are all signals, in the order in which a batch has them.
var Signals = []Signal{Logs, Traces, Metrics}

// Entry is one log, trace or metric as a client would send it.
type Entry struct {
	Signal Signal
	// At is the moment that a sane client's timestamp names.
	At time.Time
	// Fields are the entry's members in the order they are sent. A key may
	// occur twice, as it may in a client's JSON.
	Fields []Field
}

// Field is a member of an entry.
type Field struct {
	Key string
	// Value is JSON, spelt as the client spells it.
	Value jsontext.Value
}

// AppendJSON appends the entry as the client would send it.
func (e *Entry) AppendJSON(dst []byte) []byte {
	return appendObject(dst, e.Fields)
}

// set gives the first field of that key a new value, or appends one.
func (e *Entry) set(key string, value jsontext.Value) {
	if i := slices.IndexFunc(e.Fields, func(f Field) bool { return f.Key == key }); i >= 0 {
		e.Fields[i].Value = value
		return
	}
	e.Fields = append(e.Fields, Field{key, value})
}

func (e *Entry) remove(key string) {
	e.Fields = slices.DeleteFunc(e.Fields, func(f Field) bool { return f.Key == key })
}

func appendObject(dst []byte, fields []Field) []byte {
	dst = append(dst, '{')
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendQuoted(dst, f.Key)
		dst = append(dst, ':')
		dst = append(dst, f.Value...)
	}
	return append(dst, '}')
}

// appendQuoted appends s as a JSON string. All strings made here are valid
// UTF-8: what is not is spelt in raw JSON.
func appendQuoted(dst []byte, s string) []byte {
	dst, err := jsontext.AppendQuote(dst, s)
	if err != nil {
		panic(err)
	}
	return dst
}

func quoted(s string) jsontext.Value          { return appendQuoted(nil, s) }
func object(fields ...Field) jsontext.Value   { return appendObject(nil, fields) }
func integer(n int64) jsontext.Value          { return strconv.AppendInt(nil, n, 10) }
func raw(spelt string) jsontext.Value         { return jsontext.Value(spelt) }
func instant(at time.Time) jsontext.Value     { return quoted(isoString(at)) }
func boolean(b bool) jsontext.Value           { return strconv.AppendBool(nil, b) }
func oneOf[T any](r *rand.Rand, from []T) T   { return from[r.IntN(len(from))] }
func chance(r *rand.Rand, percent int) bool   { return r.IntN(100) < percent }
func between(r *rand.Rand, low, high int) int { return low + r.IntN(high-low+1) }

// decimal is a number with so many digits after the point, spelt as
// JavaScript spells it: without trailing zeros.
func decimal(f float64, digits int) jsontext.Value {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(f, 'f', digits, 64), 64)
	if err != nil {
		panic(err) // what was formatted parses
	}
	return strconv.AppendFloat(nil, rounded, 'f', -1, 64)
}

// isoString is Date.prototype.toISOString.
func isoString(at time.Time) string {
	return at.UTC().Format("2006-01-02T15:04:05.000Z")
}

// base36 is Math.random().toString(36).substring(2) of so many characters.
func base36(r *rand.Rand, length int) string {
	return word(r, "0123456789abcdefghijklmnopqrstuvwxyz", length)
}

func hex(r *rand.Rand, length int) string { return word(r, "0123456789abcdef", length) }

func word(r *rand.Rand, alphabet string, length int) string {
	w := make([]byte, length)
	for i := range w {
		w[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(w)
}
