// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// Canonical returns the canonical form of a JSON value. Equal values have equal
// forms: keys are sorted, the last of duplicate keys counts, there is no white
// space, lone surrogates are U+FFFD, numbers are compared by value. An integer has
// all its digits; any other number is the double that JavaScript reads. So 1.0
// equals 1, but 9223372036854775808 does not equal 9223372036854775809.
func Canonical(value []byte) (string, error) {
	v, err := decode(value)
	if err != nil {
		return "", err
	}
	return string(appendCanonical(nil, v)), nil
}

// decode decodes exactly one JSON value, with numbers as json.Number.
func decode(value []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(value))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return v, nil
}

func appendCanonical(dst []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case string:
		return appendString(dst, v)
	case json.Number:
		return append(dst, canonicalNumber(v.String())...)
	case []any:
		dst = append(dst, '[')
		for i, element := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendCanonical(dst, element)
		}
		return append(dst, ']')
	case map[string]any:
		keys := make([]string, 0, len(v))
		for key := range v {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		dst = append(dst, '{')
		for i, key := range keys {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendString(dst, key)
			dst = append(dst, ':')
			dst = appendCanonical(dst, v[key])
		}
		return append(dst, '}')
	default:
		panic(fmt.Sprintf("%T is not a JSON value", value))
	}
}

func appendString(dst []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string can be marshalled
	}
	return append(dst, quoted...)
}

func canonicalNumber(number string) string {
	if !strings.ContainsAny(number, ".eE") {
		if number == "-0" {
			return "0"
		}
		return number
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return number // too large for a double
	}
	if f == math.Trunc(f) {
		integer, _ := big.NewFloat(f).Int(nil)
		return integer.String()
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// wholeNanoseconds rounds a number of milliseconds.
func wholeNanoseconds(milliseconds json.Number) json.Number {
	f, err := milliseconds.Float64()
	if _, integer := new(big.Int).SetString(milliseconds.String(), 10); integer || err != nil {
		return milliseconds
	}
	nanoseconds := new(big.Rat).SetFloat64(f)
	nanoseconds.Mul(nanoseconds, big.NewRat(1e6, 1))
	return json.Number(new(big.Rat).Quo(nearest(nanoseconds), big.NewRat(1e6, 1)).FloatString(6))
}

// nearest returns the integer nearest to r.
func nearest(r *big.Rat) *big.Rat {
	half := big.NewRat(int64(r.Sign()), 2)
	r = new(big.Rat).Add(r, half)
	return new(big.Rat).SetInt(new(big.Int).Quo(r.Num(), r.Denom()))
}

// Storable reports whether the collector stores an element of a batch: an object
// whose numbers are all within the range of a double.
func Storable(element []byte) bool {
	v, err := decode(element)
	if err != nil {
		return false
	}
	_, object := v.(map[string]any)
	return object && finite(v)
}

func finite(value any) bool {
	switch v := value.(type) {
	case json.Number:
		_, err := v.Float64()
		return err == nil
	case []any:
		return !slices.ContainsFunc(v, func(element any) bool { return !finite(element) })
	case map[string]any:
		for _, member := range v {
			if !finite(member) {
				return false
			}
		}
	}
	return true
}
