// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dayfile

import (
	"fmt"
	"math"
	"time"
)

const (
	dayForm    = "2006-01-02"
	secondsDay = 24 * 60 * 60
)

// Day is a calendar date without a time zone. The zero value is 1970-01-01. Days
// can be compared with ==.
type Day struct {
	// sinceEpoch counts days, so daylight saving does not affect arithmetic.
	sinceEpoch int32
}

// MinDay and MaxDay are before and after every day that a file can have.
var (
	MinDay = Day{math.MinInt32}
	MaxDay = Day{math.MaxInt32}
)

// DayOf returns the date in loc at t.
func DayOf(t time.Time, loc *time.Location) Day {
	year, month, day := t.In(loc).Date()
	return Day{int32(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / secondsDay)}
}

// ParseDay parses the form that String returns, as in "2025-12-22".
func ParseDay(s string) (Day, error) {
	t, err := time.Parse(dayForm, s)
	if err != nil {
		return Day{}, fmt.Errorf("parse day: %w", err)
	}
	return DayOf(t, time.UTC), nil
}

// String returns the day as in "2025-12-22".
func (d Day) String() string {
	return time.Unix(int64(d.sinceEpoch)*secondsDay, 0).UTC().Format(dayForm)
}

// AddDays returns the day n days later, or earlier if n is negative.
func (d Day) AddDays(n int) Day { return Day{d.sinceEpoch + int32(n)} }

// Before reports whether d is before other.
func (d Day) Before(other Day) bool { return d.sinceEpoch < other.sinceEpoch }

// Compare returns a negative number if d is before other, 0 if they are equal,
// and a positive number otherwise.
func (d Day) Compare(other Day) int { return int(d.sinceEpoch) - int(other.sinceEpoch) }
