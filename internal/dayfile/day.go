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

// Day is a date in the calendar, of no particular time zone. The zero value
// is 1970-01-01. Days compare with ==.
type Day struct {
	// sinceEpoch counts days, so that arithmetic knows no daylight saving.
	sinceEpoch int32
}

// MinDay and MaxDay are before and after all days that files have.
var (
	MinDay = Day{math.MinInt32}
	MaxDay = Day{math.MaxInt32}
)

// DayOf is the day that the calendar on a wall in loc shows at t.
func DayOf(t time.Time, loc *time.Location) Day {
	year, month, day := t.In(loc).Date()
	return Day{int32(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / secondsDay)}
}

// ParseDay reads the one form that String writes, as in "2025-12-22".
func ParseDay(s string) (Day, error) {
	t, err := time.Parse(dayForm, s)
	if err != nil {
		return Day{}, fmt.Errorf("parse day: %w", err)
	}
	return DayOf(t, time.UTC), nil
}

// String writes the day as in "2025-12-22".
func (d Day) String() string {
	return time.Unix(int64(d.sinceEpoch)*secondsDay, 0).UTC().Format(dayForm)
}

// AddDays is the day that is n days later, or earlier where n is negative.
func (d Day) AddDays(n int) Day { return Day{d.sinceEpoch + int32(n)} }

// Before tells whether d comes before other.
func (d Day) Before(other Day) bool { return d.sinceEpoch < other.sinceEpoch }

// Compare orders days as slices.SortFunc wants it.
func (d Day) Compare(other Day) int { return int(d.sinceEpoch) - int(other.sinceEpoch) }
