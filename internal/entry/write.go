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

// fieldWriter writes a record as an entry. It writes what an entry can say,
// and notes whether that is all there is to the record.
type fieldWriter struct {
	buf []byte
	// exact stays true as long as fieldReader would read back the very record
	// from what was written.
	exact bool

	now        pcommon.Timestamp
	receivedAt pcommon.Timestamp
	// receiptText is receiptAt as it was last written: many records are
	// received in the same second.
	receiptAt   pcommon.Timestamp
	receiptText []byte

	own  ownAttributes
	keys []string // of the maps that are open, to find keys given twice
}

// ownAttributes are the mapping's own attributes of one record.
type ownAttributes struct {
	sessionID, url, userAgent          string
	hasSessionID, hasURL, hasUserAgent bool
	receivedAt                         pcommon.Timestamp
	hasReceivedAt                      bool
	noTimestamp, noDuration            bool
	clients                            int // attributes that are the client's
	kept                               []keptMember
}

// keptMember is an entry's member that is kept in an attribute.
type keptMember struct {
	name  string
	value pcommon.Value
}

// check notes that the record holds something that an entry can't say.
func (w *fieldWriter) check(ok bool) { w.exact = w.exact && ok }

// begin opens the entry and sorts the record's attributes.
func (w *fieldWriter) begin(attributes pcommon.Map) {
	w.exact = true
	w.buf = append(w.buf, '{')
	clear(w.own.kept)
	w.own = ownAttributes{kept: w.own.kept[:0]}
	w.keys = w.keys[:0]
	for key, v := range attributes.All() {
		w.keys = append(w.keys, key)
		w.sort(key, v)
	}
	w.check(!repeated(w.keys))
	w.keys = w.keys[:0]
}

func (w *fieldWriter) sort(key string, v pcommon.Value) {
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
		w.own.receivedAt, w.own.hasReceivedAt = parseReceivedAt(v.Str())
		var b [len("2006-01-02T15:04:05.000000000Z")]byte
		w.check(w.own.hasReceivedAt && string(formatReceivedAt(b[:0], w.own.receivedAt)) == v.Str())
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

// promotable gives the string of an attribute that has a member of its own.
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

// receipt settles the record's received_at: the one it brings along, or the
// time of writing, in whole seconds.
func (w *fieldWriter) receipt(at pcommon.Timestamp, has bool) {
	if has {
		w.receivedAt = at
		return
	}
	w.receivedAt = w.now - w.now%pcommon.Timestamp(time.Second)
}

// member writes the name of a member. Names known to the mapping need no
// escapes.
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

// timestamp writes ts. standIn is what it is where the entry has none.
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

// attributes writes the client's own attributes as the member of that name.
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

// promoted writes the members that have an attribute of their own.
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

// unknown writes the members that the mapping doesn't know.
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

// value writes v as JSON. What JSON can't say is noted, and written as it is
// in OTLP's JSON.
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
	// What is spelt like an integer is read as one.
	if !bytes.ContainsAny(w.buf[start:], ".e") {
		w.buf = append(w.buf, ".0"...)
	}
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// exponentFrom is the size from which on JavaScript, and appendDouble, write
// numbers with an exponent.
const exponentFrom = 1e21

// appendDouble writes a finite double as JavaScript does, but for "-0", and
// for integers beyond 2^53, which it writes to the last digit.
func appendDouble(dst []byte, f float64) []byte {
	switch abs := math.Abs(f); {
	case abs >= exponentFrom, abs < 1e-6 && abs != 0:
		return strconv.AppendFloat(dst, f, 'e', -1, 64)
	case abs > 1<<53:
		return strconv.AppendFloat(dst, f, 'f', 0, 64)
	default:
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
}

func (w *fieldWriter) string(s string) {
	w.check(utf8.ValidString(s))
	w.buf = appendString(w.buf, s)
}

// appendString writes s as a JSON string. Bytes that are no UTF-8 become
// U+FFFD.
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
