// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"bytes"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// readSpan reads an entry into span, which must be empty.
func (r *fieldReader) readSpan(span ptrace.Span) error {
	var end pcommon.Timestamp
	var duration int64
	var inexact bool
	err := r.entry(func(name string) (_ bool, err error) {
		switch name {
		case memberTimestamp:
			end, err = r.readTimestamp()
		case memberTraceID:
			err = r.readID(seenTraceID, attrMember+memberTraceID, func(s string) bool {
				id, keep := traceIDOf(s)
				span.SetTraceID(id)
				return keep
			})
		case memberSpanID:
			err = r.readID(seenSpanID, attrMember+memberSpanID, func(s string) bool {
				id, keep := spanIDOf(s)
				span.SetSpanID(id)
				return keep
			})
		case memberName:
			name, err := r.readName()
			span.SetName(name)
			return true, err
		case memberDuration:
			duration, inexact, err = r.readDuration()
		case memberAttributes:
			err = r.readAttributes(attrMember + memberAttributes)
		default:
			return false, nil
		}
		return true, err
	})
	if err != nil {
		return err
	}
	end = r.standIn(end)
	span.SetEndTimestamp(end)
	start, ok := startOf(end, duration)
	span.SetStartTimestamp(start)
	if !ok && !inexact {
		// The start is not representable as a timestamp.
		r.put(&r.attributes, attrMember+memberDuration).SetDouble(float64(duration) / 1e6)
	}
	if r.seen&seenDuration == 0 {
		r.put(&r.attributes, attrMissing+memberDuration).SetBool(true)
	}
	span.SetKind(ptrace.SpanKindInternal)
	r.finish(span.Attributes())
	if failed(span.Attributes()) {
		span.Status().SetCode(ptrace.StatusCodeError)
	}
	return nil
}

// readID reads an id. parse returns true if the id must be kept. An id that is
// not a string is kept, and has no bytes.
func (r *fieldReader) readID(m memberSet, kept string, parse func(string) (keep bool)) error {
	id, ok, err := r.readString(m, kept)
	if ok && parse(id) {
		r.keepString(kept, id)
	}
	return err
}

// readName reads the name of a span or metric.
func (r *fieldReader) readName() (string, error) {
	name, ok, err := r.readString(seenName, attrMember+memberName)
	if ok && name == "" {
		r.keepString(attrMember+memberName, "")
	}
	return name, err
}

// readDuration reads a duration. kept is true if nanoseconds cannot represent
// it and the value was kept.
func (r *fieldReader) readDuration() (ns int64, kept bool, err error) {
	const attribute = attrMember + memberDuration
	if err := r.first(seenDuration); err != nil {
		return 0, false, err
	}
	if r.dec.PeekKind() == '0' {
		lit, err := r.literal()
		if err != nil {
			return 0, false, err
		}
		ms, err := strconv.ParseFloat(lit, 64)
		if err != nil {
			return 0, false, r.outOfRange()
		}
		if ns, ok := durationOf(ms); ok {
			return ns, false, nil
		}
		return 0, true, r.number(lit, r.attribute(attribute))
	}
	v := r.attribute(attribute)
	if err := r.value(v); err != nil {
		return 0, true, err
	}
	return durationIn(v), true, nil
}

// durationIn returns a kept duration in nanoseconds. A string such as "12ms" or
// "12" has a duration. Any other value is 0.
func durationIn(v pcommon.Value) int64 {
	if v.Type() != pcommon.ValueTypeStr {
		return 0
	}
	ms, ok := numberIn(strings.TrimSuffix(strings.TrimSpace(v.Str()), "ms"))
	if !ok {
		return 0
	}
	ns, _ := durationOf(ms)
	return ns
}

// numberIn parses a JSON number with optional white space around it.
func numberIn(s string) (float64, bool) {
	lit := jsontext.Value(strings.TrimSpace(s))
	if lit.Kind() != '0' || !lit.IsValid() {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(lit), 64)
	return f, err == nil
}

// failed reports whether the attribute "error" is truthy in JavaScript.
func failed(attributes pcommon.Map) bool {
	v, ok := attributes.Get(attrError)
	if !ok {
		return false
	}
	switch v.Type() {
	case pcommon.ValueTypeEmpty:
		return false
	case pcommon.ValueTypeBool:
		return v.Bool()
	case pcommon.ValueTypeInt:
		return v.Int() != 0
	case pcommon.ValueTypeDouble:
		return v.Double() != 0
	case pcommon.ValueTypeStr:
		return v.Str() != ""
	default:
		return true
	}
}

// spanMember reports whether readSpan handles a member.
func spanMember(name string) bool {
	switch name {
	case memberTimestamp, memberTraceID, memberSpanID, memberName, memberDuration, memberAttributes:
		return true
	}
	return commonMember(name)
}

// writeSpan writes span as an entry, without the end of the line.
func (w *fieldWriter) writeSpan(span ptrace.Span) {
	w.begin(span.Attributes())
	w.receipt(w.own.receivedAt, w.own.hasReceivedAt)

	w.timestamp(span.EndTimestamp(), w.receivedAt)
	traceID, spanID := span.TraceID(), span.SpanID()
	w.id(memberTraceID, traceID[:])
	w.id(memberSpanID, spanID[:])
	w.name(span.Name())
	w.duration(span)
	w.attributes(memberAttributes, span.Attributes())
	w.promoted()
	w.unknown(spanMember)

	status := ptrace.StatusCodeUnset
	if failed(span.Attributes()) {
		status = ptrace.StatusCodeError
	}
	w.check(span.Kind() == ptrace.SpanKindInternal && span.Status().Code() == status && span.Status().Message() == "" &&
		span.ParentSpanID().IsEmpty() && span.TraceState().AsRaw() == "" && span.Flags() == 0 &&
		span.Events().Len() == 0 && span.Links().Len() == 0 &&
		span.DroppedAttributesCount() == 0 && span.DroppedEventsCount() == 0 && span.DroppedLinksCount() == 0)
}

// id writes a trace or span id.
func (w *fieldWriter) id(member string, id []byte) {
	kept, ok := w.kept(member)
	if ok {
		var expected [16]byte
		keep := true
		if kept.Type() == pcommon.ValueTypeStr {
			keep = idBytes(expected[:len(id)], kept.Str())
		}
		w.check(keep && bytes.Equal(expected[:len(id)], id))
		w.member(member)
		w.value(kept)
		return
	}
	if allZero(id) {
		return
	}
	w.member(member)
	w.buf = append(w.buf, '"')
	w.buf = hex.AppendEncode(w.buf, id)
	w.buf = append(w.buf, '"')
}

// name writes the name of a span or metric.
func (w *fieldWriter) name(name string) {
	if kept, ok := w.kept(memberName); ok {
		w.check(name == "" && (kept.Type() != pcommon.ValueTypeStr || kept.Str() == ""))
		w.member(memberName)
		w.value(kept)
	} else if name != "" {
		w.member(memberName)
		w.string(name)
	}
}

func (w *fieldWriter) duration(span ptrace.Span) {
	start, end := span.StartTimestamp(), span.EndTimestamp()
	kept, ok := w.kept(memberDuration)
	switch {
	case ok:
		expected, _ := startOf(end, durationIn(kept))
		w.check(start == expected && !w.own.noDuration && keepsDuration(kept, end))
		w.member(memberDuration)
		w.value(kept)
	case w.own.noDuration:
		w.check(start == end)
	default:
		ns := int64(end - start)
		again, ok := startOf(end, ns)
		if !ok || again != start || ns <= -maxDuration || ns >= maxDuration {
			w.check(false)
			return
		}
		w.member(memberDuration)
		w.buf = appendDuration(w.buf, ns)
	}
}

// keepsDuration reports whether readSpan keeps a duration in addition to the
// timestamps.
func keepsDuration(kept pcommon.Value, end pcommon.Timestamp) bool {
	var ms float64
	switch kept.Type() {
	case pcommon.ValueTypeInt:
		ms = float64(kept.Int())
	case pcommon.ValueTypeDouble:
		ms = kept.Double()
	default:
		return true
	}
	ns, ok := durationOf(ms)
	if !ok {
		return true
	}
	_, ok = startOf(end, ns)
	return !ok && kept.Type() == pcommon.ValueTypeDouble && float64(ns)/1e6 == ms
}
