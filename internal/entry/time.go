// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"math"
	"strconv"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// parseTimestamp reads a member timestamp, in nanoseconds since 1970. keep is
// true where formatTimestamp would not give back the very same string: then
// what was sent has to be kept beside the time. An unreadable timestamp, or
// one outside of the years that 64 bits of nanoseconds can say, is 0.
func parseTimestamp(s string) (ts pcommon.Timestamp, keep bool) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || !representable(t) {
		return 0, true
	}
	return pcommon.NewTimestampFromTime(t), !canonicalTimestamp(s)
}

// representable says whether t is a time after 1970 that fits an int64 of
// nanoseconds, and so is one that a pcommon.Timestamp can give back.
func representable(t time.Time) bool {
	sec := t.Unix()
	return sec >= 0 && sec < math.MaxInt64/int64(time.Second) && (sec > 0 || t.Nanosecond() > 0)
}

// canonicalTimestamp says whether s, which time.Parse could read, is in the
// form that appendTimestamp writes: UTC as 'Z' and 3, 6 or 9 fractional
// digits, no more than needed.
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

// appendTimestamp writes ts as Date.prototype.toISOString does, in
// milliseconds, with 6 or 9 digits only where ts is finer than that.
func appendTimestamp(dst []byte, ts pcommon.Timestamp) []byte {
	t := ts.AsTime()
	switch ns := t.Nanosecond(); {
	case ns%1e6 == 0:
		return t.AppendFormat(dst, "2006-01-02T15:04:05.000Z")
	case ns%1e3 == 0:
		return t.AppendFormat(dst, "2006-01-02T15:04:05.000000Z")
	default:
		return t.AppendFormat(dst, "2006-01-02T15:04:05.000000000Z")
	}
}

// parseReceivedAt reads a line's received_at.
func parseReceivedAt(s string) (pcommon.Timestamp, bool) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || !representable(t) {
		return 0, false
	}
	return pcommon.NewTimestampFromTime(t), true
}

// ParseReceivedAt reads what AttrReceivedAt holds; 0 is no time.
func ParseReceivedAt(s string) pcommon.Timestamp {
	ts, _ := parseReceivedAt(s) // 0 if it can't be read.
	return ts
}

// formatReceivedAt writes a received_at: RFC 3339, in whole seconds where it
// has only those.
func formatReceivedAt(dst []byte, ts pcommon.Timestamp) []byte {
	return ts.AsTime().AppendFormat(dst, time.RFC3339Nano)
}

// maxDuration bounds the durations, in nanoseconds, that a float64 of
// milliseconds gives back to the nanosecond: 2^50 ns are 13 days.
const maxDuration = 1 << 50

// durationOf turns milliseconds into nanoseconds. ok is false beyond maxDuration.
func durationOf(ms float64) (ns int64, ok bool) {
	f := math.Round(ms * 1e6)
	if !(math.Abs(f) < maxDuration) {
		return 0, false
	}
	return int64(f), true
}

// appendDuration writes nanoseconds, of which there must be fewer than
// maxDuration, as milliseconds without loss.
func appendDuration(dst []byte, ns int64) []byte {
	return strconv.AppendFloat(dst, float64(ns)/1e6, 'f', -1, 64)
}

// startOf gives a span's start from its end and a duration in nanoseconds.
// ok is false where no timestamp can say it.
func startOf(end pcommon.Timestamp, duration int64) (start pcommon.Timestamp, ok bool) {
	// end is at most 2^63-1 and the duration below 2^50: no overflow but at
	// the rims, which the comparison catches.
	s := int64(end) - duration
	if s <= 0 {
		return end, false
	}
	return pcommon.Timestamp(s), true
}
