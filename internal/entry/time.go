// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"math"
	"strconv"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// parseTimestamp parses a timestamp. It returns 0 for an unreadable timestamp
// and for one that a pcommon.Timestamp cannot represent. keep is true if
// appendTimestamp would not write the same string, which must then be kept.
func parseTimestamp(s string) (ts pcommon.Timestamp, keep bool) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || !representable(t) {
		return 0, true
	}
	return pcommon.NewTimestampFromTime(t), !canonicalTimestamp(s)
}

// representable reports whether t is after 1970 and fits into an int64 of
// nanoseconds.
func representable(t time.Time) bool {
	sec := t.Unix()
	return sec >= 0 && sec < math.MaxInt64/int64(time.Second) && (sec > 0 || t.Nanosecond() > 0)
}

// canonicalTimestamp reports whether s, a valid timestamp, has the form that
// appendTimestamp writes: 'Z' for UTC and 3, 6 or 9 fractional digits, as few
// as possible.
func canonicalTimestamp(s string) bool {
	const whole = len("2006-01-02T15:04:05.")
	if len(s) < whole || s[whole-1] != '.' || s[len(s)-1] != 'Z' {
		return false
	}
	switch fraction := s[whole : len(s)-1]; len(fraction) {
	case 3:
		return true
	case 6, 9:
		return fraction[len(fraction)-3:] != "000"
	default:
		return false
	}
}

// appendTimestamp writes ts as Date.prototype.toISOString does: with 3
// fractional digits, or 6 or 9 if they are needed.
func appendTimestamp(dst []byte, ts pcommon.Timestamp) []byte {
	t := ts.AsTime()
	ns, digits := t.Nanosecond(), 9
	switch {
	case ns%1e6 == 0:
		ns, digits = ns/1e6, 3
	case ns%1e3 == 0:
		ns, digits = ns/1e3, 6
	}
	// The time package has a fast path for this layout.
	dst = t.AppendFormat(dst, time.RFC3339)
	dst[len(dst)-1] = '.' // instead of Z
	end := len(dst) + digits
	dst = append(dst, "000000000Z"[9-digits:]...)
	for i := end - 1; ns > 0; i-- {
		dst[i] = byte('0' + ns%10)
		ns /= 10
	}
	return dst
}

// parseReceivedAt parses the received_at of a line.
func parseReceivedAt(s string) (pcommon.Timestamp, bool) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || !representable(t) {
		return 0, false
	}
	return pcommon.NewTimestampFromTime(t), true
}

// ParseReceivedAt parses the value of AttrReceivedAt. It returns 0 if the value
// is not a time.
func ParseReceivedAt(s string) pcommon.Timestamp {
	ts, _ := parseReceivedAt(s)
	return ts
}

// formatReceivedAt appends received_at in RFC 3339 format, without fractional
// digits if they are 0.
func formatReceivedAt(dst []byte, ts pcommon.Timestamp) []byte {
	return ts.AsTime().AppendFormat(dst, time.RFC3339Nano)
}

// maxDuration is the limit up to which a float64 of milliseconds represents
// every nanosecond. 2^50 ns are 13 days.
const maxDuration = 1 << 50

// durationOf converts milliseconds to nanoseconds. ok is false if the duration
// reaches maxDuration.
func durationOf(ms float64) (ns int64, ok bool) {
	f := math.Round(ms * 1e6)
	if !(math.Abs(f) < maxDuration) {
		return 0, false
	}
	return int64(f), true
}

// appendDuration writes nanoseconds as milliseconds. It is exact below
// maxDuration.
func appendDuration(dst []byte, ns int64) []byte {
	return strconv.AppendFloat(dst, float64(ns)/1e6, 'f', -1, 64)
}

// startOf returns the start of a span. duration is in nanoseconds. ok is false
// if the start is not representable.
func startOf(end pcommon.Timestamp, duration int64) (start pcommon.Timestamp, ok bool) {
	// The comparison also detects overflow, since duration is below 2^50.
	s := int64(end) - duration
	if s <= 0 {
		return end, false
	}
	return pcommon.Timestamp(s), true
}
