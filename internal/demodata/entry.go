// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package demodata

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Signal is the member of a batch that holds an entry.
type Signal string

// The signals.
const (
	Logs    Signal = "logs"
	Traces  Signal = "traces"
	Metrics Signal = "metrics"
)

// Signals lists the signals in the order of a batch's members.
var Signals = []Signal{Logs, Traces, Metrics}

// Entry is a log, trace or metric as a client sends it.
type Entry struct {
	Signal Signal
	// At is the time of the entry by a correct clock.
	At time.Time
	// Fields are the entry's members, in the order in which they are sent. As
	// in JSON, a key may occur twice.
	Fields []Field
}

// Field is a member of a JSON object.
type Field struct {
	Key string
	// Value is JSON, spelled as the client spells it.
	Value jsontext.Value
}

// JSON returns the entry as the client sends it.
func (e *Entry) JSON() jsontext.Value { return Object(e.Fields...) }

// Set replaces the value of the first field with that key, or appends a field.
func (e *Entry) Set(key string, value jsontext.Value) {
	if i := slices.IndexFunc(e.Fields, func(f Field) bool { return f.Key == key }); i >= 0 {
		e.Fields[i].Value = value
		return
	}
	e.Fields = append(e.Fields, Field{key, value})
}

// Remove removes the fields with that key.
func (e *Entry) Remove(key string) {
	e.Fields = slices.DeleteFunc(e.Fields, func(f Field) bool { return f.Key == key })
}

// Object returns a JSON object.
func Object(fields ...Field) jsontext.Value {
	object := []byte{'{'}
	for i, f := range fields {
		if i > 0 {
			object = append(object, ',')
		}
		object = append(appendText(object, f.Key), ':')
		object = append(object, f.Value...)
	}
	return append(object, '}')
}

// array returns a JSON array.
func array(values []jsontext.Value) jsontext.Value {
	array := []byte{'['}
	for i, v := range values {
		if i > 0 {
			array = append(array, ',')
		}
		array = append(array, v...)
	}
	return append(array, ']')
}

// Text returns a JSON string. It panics if s is not valid UTF-8.
func Text(s string) jsontext.Value { return appendText(nil, s) }

func appendText(dst []byte, s string) []byte {
	dst, err := jsontext.AppendQuote(dst, s)
	if err != nil {
		panic(err)
	}
	return dst
}

// Integer returns a JSON number.
func Integer(n int) jsontext.Value { return strconv.AppendInt(nil, int64(n), 10) }

// decimal returns a number as JavaScript spells it, with one digit after the
// point at most.
func decimal(f float64) jsontext.Value {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(f, 'f', 1, 64), 64)
	if err != nil {
		panic(err) // what FormatFloat returns can be parsed
	}
	return strconv.AppendFloat(nil, rounded, 'f', -1, 64)
}

// timestamp returns what JSON.stringify makes of a Date.
func timestamp(at time.Time) jsontext.Value { return Text(isoTime(at)) }

func isoTime(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }

// Base36 returns a random id as Math.random().toString(36) makes it.
func Base36(rng *rand.Rand, length int) string {
	return word(rng, "0123456789abcdefghijklmnopqrstuvwxyz", length)
}

// Hex returns a random id in lower-case hexadecimal.
func Hex(rng *rand.Rand, length int) string { return word(rng, "0123456789abcdef", length) }

func word(rng *rand.Rand, alphabet string, length int) string {
	w := make([]byte, length)
	for i := range w {
		w[i] = alphabet[rng.IntN(len(alphabet))]
	}
	return string(w)
}

func oneOf[T any](rng *rand.Rand, from []T) T { return from[rng.IntN(len(from))] }
