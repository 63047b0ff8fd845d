// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"bytes"
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// fieldWriter writes a record as an entry, and detects whether the entry
// represents the record completely.
type fieldWriter struct {
	buf []byte
	// exact is true if fieldReader would decode the entry to the same record.
	exact bool

	now        pcommon.Timestamp
	receivedAt pcommon.Timestamp
	// receiptText is receiptAt as text. It is kept because many records are
	// received in the same second.
	receiptAt   pcommon.Timestamp
	receiptText []byte
	// The last value of AttrReceivedAt, for the same reason.
	parsedText  string
	parsedAt    pcommon.Timestamp
	parsedExact bool

	own  ownAttributes
	keys []string // of the open maps, to find repeated keys
}

// ownAttributes are the attributes of one record that the mapping uses.
type ownAttributes struct {
	sessionID, url, userAgent          string
	hasSessionID, hasURL, hasUserAgent bool
	receivedAt                         pcommon.Timestamp
	hasReceivedAt                      bool
	noTimestamp, noDuration            bool
	clients                            int // number of the client's attributes
	kept                               []keptMember
}

// keptMember is a member of an entry that was kept in an attribute.
type keptMember struct {
	name  string
	value pcommon.Value
}

// check clears exact if ok is false.
func (w *fieldWriter) check(ok bool) { w.exact = w.exact && ok }

// begin starts the entry and classifies the attributes of the record.
func (w *fieldWriter) begin(attributes pcommon.Map) {
	w.exact = true
	w.buf = append(w.buf, '{')
	clear(w.own.kept)
	w.own = ownAttributes{kept: w.own.kept[:0]}
	w.keys = w.keys[:0]
	for key, v := range attributes.All() {
		w.keys = append(w.keys, key)
		w.classify(key, v)
	}
	w.check(!repeated(w.keys))
	w.keys = w.keys[:0]
}

func (w *fieldWriter) classify(key string, v pcommon.Value) {
	switch key {
	case attrSessionID:
		w.own.sessionID, w.own.hasSessionID = w.promotable(v)
		return
	case attrURL:
		w.own.url, w.own.hasURL = w.promotable(v)
		return
	case attrUserAgent:
		w.own.userAgent, w.own.hasUserAgent = w.promotable(v)
		return
	}
	if !strings.HasPrefix(key, ownPrefix) {
		w.own.clients++
		return
	}
	if name, ok := strings.CutPrefix(key, attrMember); ok {
		w.own.kept = append(w.own.kept, keptMember{name, v})
		w.check(name != memberReceivedAt && (!commonMember(name) || v.Type() != pcommon.ValueTypeStr))
		return
	}
	if original, ok := strings.CutPrefix(key, attrEscape); ok {
		if reserved(original) {
			w.own.clients++
		} else {
			w.check(false)
		}
		return
	}
	switch {
	case key == AttrReceivedAt && v.Type() == pcommon.ValueTypeStr:
		if v.Str() != w.parsedText || w.parsedText == "" {
			w.parse(v.Str())
		}
		w.own.receivedAt, w.own.hasReceivedAt = w.parsedAt, w.parsedAt != 0
		w.check(w.parsedExact)
	case key == attrMissing+memberTimestamp:
		w.own.noTimestamp = true
		w.check(v.Type() == pcommon.ValueTypeBool && v.Bool())
	case key == attrMissing+memberDuration:
		w.own.noDuration = true
		w.check(v.Type() == pcommon.ValueTypeBool && v.Bool())
	default:
		w.check(false)
	}
}

// parse parses a value of AttrReceivedAt. parsedAt is 0 if it is not a time.
func (w *fieldWriter) parse(text string) {
	w.parsedText = text
	w.parsedAt, _ = parseReceivedAt(text)
	var b [len("2006-01-02T15:04:05.000000000Z")]byte
	w.parsedExact = w.parsedAt != 0 && string(formatReceivedAt(b[:0], w.parsedAt)) == text
}

// promotable returns the string of an attribute that maps to a member.
func (w *fieldWriter) promotable(v pcommon.Value) (string, bool) {
	if v.Type() != pcommon.ValueTypeStr {
		w.check(false)
		return "", false
	}
	return v.Str(), true
}

// kept returns the value of a known member that is kept in an attribute.
func (w *fieldWriter) kept(member string) (pcommon.Value, bool) {
	for _, k := range w.own.kept {
		if k.name == member {
			return k.value, true
		}
	}
	return pcommon.Value{}, false
}

// receipt sets receivedAt to at, or to the current time in whole seconds if the
// record has none.
func (w *fieldWriter) receipt(at pcommon.Timestamp, has bool) {
	if has {
		w.receivedAt = at
		return
	}
	w.receivedAt = w.now - w.now%pcommon.Timestamp(time.Second)
}

// member writes the name of a member, which must not need escaping.
func (w *fieldWriter) member(name string) {
	w.comma()
	w.buf = append(w.buf, '"')
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, '"', ':')
}

func (w *fieldWriter) comma() {
	if last := w.buf[len(w.buf)-1]; last != '{' && last != '[' {
		w.buf = append(w.buf, ',')
	}
}

// timestamp writes ts. standIn is its value if the entry has no timestamp.
func (w *fieldWriter) timestamp(ts, standIn pcommon.Timestamp) {
	kept, ok := w.kept(memberTimestamp)
	switch {
	case ok:
		expected, keep := pcommon.Timestamp(0), true
		if kept.Type() == pcommon.ValueTypeStr {
			expected, keep = parseTimestamp(kept.Str())
		}
		if expected == 0 {
			expected = standIn
		}
		w.check(keep && ts == expected && !w.own.noTimestamp)
		w.member(memberTimestamp)
		w.value(kept)
	case w.own.noTimestamp:
		w.check(ts == standIn)
	case ts == 0:
		w.check(standIn == 0)
	case ts >= math.MaxInt64/1e9*1e9:
		w.check(false)
	default:
		w.member(memberTimestamp)
		w.buf = append(w.buf, '"')
		w.buf = appendTimestamp(w.buf, ts)
		w.buf = append(w.buf, '"')
	}
}

// attributes writes the client's attributes as a member.
func (w *fieldWriter) attributes(member string, attributes pcommon.Map) {
	if kept, ok := w.kept(member); ok {
		w.check(w.own.clients == 0 && (kept.Type() != pcommon.ValueTypeMap || kept.Map().Len() == 0))
		if w.own.clients == 0 {
			w.member(member)
			w.value(kept)
			return
		}
	}
	if w.own.clients == 0 {
		return
	}
	w.member(member)
	w.buf = append(w.buf, '{')
	for key, v := range attributes.All() {
		if reserved(key) {
			original, ok := strings.CutPrefix(key, attrEscape)
			if !ok || !reserved(original) {
				continue
			}
			key = original
		}
		w.comma()
		w.string(key)
		w.buf = append(w.buf, ':')
		w.value(v)
	}
	w.buf = append(w.buf, '}')
}

// promoted writes the members that map to an attribute.
func (w *fieldWriter) promoted() {
	w.promotedOne(memberSessionID, w.own.sessionID, w.own.hasSessionID)
	w.promotedOne(memberURL, w.own.url, w.own.hasURL)
	w.promotedOne(memberUserAgent, w.own.userAgent, w.own.hasUserAgent)
}

func (w *fieldWriter) promotedOne(member, s string, has bool) {
	kept, ok := w.kept(member)
	w.check(!ok || !has)
	switch {
	case has:
		w.member(member)
		w.string(s)
	case ok:
		w.member(member)
		w.value(kept)
	}
}

// unknown writes the kept members that are not known.
func (w *fieldWriter) unknown(known func(string) bool) {
	for _, k := range w.own.kept {
		if known(k.name) {
			continue
		}
		w.comma()
		w.string(k.name)
		w.buf = append(w.buf, ':')
		w.value(k.value)
	}
}

// value writes v as JSON. It clears exact if JSON cannot represent v, and then
// writes it as in OTLP's JSON encoding.
func (w *fieldWriter) value(v pcommon.Value) {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		w.string(v.Str())
	case pcommon.ValueTypeInt:
		w.buf = strconv.AppendInt(w.buf, v.Int(), 10)
	case pcommon.ValueTypeDouble:
		w.double(v.Double())
	case pcommon.ValueTypeBool:
		w.buf = strconv.AppendBool(w.buf, v.Bool())
	case pcommon.ValueTypeMap:
		w.object(v.Map())
	case pcommon.ValueTypeSlice:
		w.buf = append(w.buf, '[')
		for _, element := range v.Slice().All() {
			w.comma()
			w.value(element)
		}
		w.buf = append(w.buf, ']')
	case pcommon.ValueTypeBytes:
		w.bytes(v.Bytes().AsRaw())
	default:
		w.buf = append(w.buf, "null"...)
	}
}

func (w *fieldWriter) object(m pcommon.Map) {
	first := len(w.keys)
	w.buf = append(w.buf, '{')
	for key, v := range m.All() {
		w.comma()
		w.string(key)
		w.buf = append(w.buf, ':')
		w.value(v)
		w.keys = append(w.keys, key)
	}
	w.buf = append(w.buf, '}')
	w.check(!repeated(w.keys[first:]))
	w.keys = w.keys[:first]
}

func (w *fieldWriter) bytes(b []byte) {
	if bigInteger(b) {
		w.buf = append(w.buf, b...)
		return
	}
	w.check(false)
	w.buf = append(w.buf, '"')
	w.buf = base64.StdEncoding.AppendEncode(w.buf, b)
	w.buf = append(w.buf, '"')
}

func (w *fieldWriter) double(f float64) {
	if !finite(f) {
		w.check(false)
		w.string(strconv.FormatFloat(f, 'g', -1, 64))
		return
	}
	start := len(w.buf)
	w.buf = appendDouble(w.buf, f)
	// Without ".0" the number would be read as an integer, if it fits.
	if -1<<63 <= f && f < 1<<63 && !bytes.ContainsAny(w.buf[start:], ".e") {
		w.buf = append(w.buf, ".0"...)
	}
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// exponentFrom is the absolute value from which JavaScript and appendDouble
// write a number with an exponent.
const exponentFrom = 1e21

// appendDouble writes a finite double as JavaScript does, with three exceptions:
// it writes "-0", all digits of integers above 2^53, and an exponent instead of
// many zeros.
func appendDouble(dst []byte, f float64) []byte {
	start := len(dst)
	switch abs := math.Abs(f); {
	case abs >= exponentFrom, abs < 1e-6 && abs != 0:
		return shortenExponent(strconv.AppendFloat(dst, f, 'e', -1, 64), start)
	case abs > 1<<53:
		dst = strconv.AppendFloat(dst, f, 'f', 0, 64)
	default:
		dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	// A short number must not take many bytes on disk: 1e20 has 20 zeros.
	digits := bytes.TrimRight(dst[start:], "0")
	zeros := len(dst) - start - len(digits)
	if zeros < manyZeros || bytes.IndexByte(digits, '.') >= 0 {
		return dst
	}
	return strconv.AppendInt(append(dst[:start+len(digits)], 'e'), int64(zeros), 10)
}

// manyZeros is the number of zeros at the end of an integer from which an
// exponent is written instead. Few numbers that people read have so many.
const manyZeros = 7

// shortenExponent removes a plus sign and a leading zero from the exponent of the
// number that begins at start.
func shortenExponent(dst []byte, start int) []byte {
	e := start + bytes.IndexByte(dst[start:], 'e') + 1
	sign, digits := dst[e], strings.TrimLeft(string(dst[e+1:]), "0")
	dst = dst[:e]
	if sign == '-' {
		dst = append(dst, sign)
	}
	return append(dst, digits...)
}

func (w *fieldWriter) string(s string) {
	w.check(utf8.ValidString(s))
	w.buf = appendString(w.buf, s)
}

// appendString writes s as a JSON string. Invalid UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			// The error reports invalid UTF-8.
			dst, _ = jsontext.AppendQuote(dst, s)
			return dst
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}
