// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dayfile_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	require.NoError(t, err)
	return loc
}

func TestDayOfCountsInTheZone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ zone, at, day string }{
		{"UTC", "2025-12-22T23:59:59Z", "2025-12-22"},
		{"UTC", "2025-12-23T00:00:00Z", "2025-12-23"},
		// Lisbon's clocks go forward on 30 March 2025 and back on 26 October.
		{"Europe/Lisbon", "2025-03-29T23:59:59Z", "2025-03-29"},
		{"Europe/Lisbon", "2025-03-30T00:00:00Z", "2025-03-30"},
		{"Europe/Lisbon", "2025-03-30T22:59:59Z", "2025-03-30"},
		{"Europe/Lisbon", "2025-03-30T23:00:00Z", "2025-03-31"},
		{"Europe/Lisbon", "2025-10-25T23:00:00Z", "2025-10-26"},
		{"Europe/Lisbon", "2025-10-26T23:59:59Z", "2025-10-26"},
		{"Europe/Lisbon", "2025-10-27T00:00:00Z", "2025-10-27"},
		// In São Paulo midnight itself was skipped, and lived through twice.
		{"America/Sao_Paulo", "2018-11-04T02:59:59Z", "2018-11-03"},
		{"America/Sao_Paulo", "2018-11-04T03:00:00Z", "2018-11-04"},
		{"America/Sao_Paulo", "2019-02-17T01:59:59Z", "2019-02-16"},
		{"America/Sao_Paulo", "2019-02-17T02:00:00Z", "2019-02-16"},
		{"America/Sao_Paulo", "2019-02-17T03:00:00Z", "2019-02-17"},
		// Samoa had no 30 December 2011.
		{"Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29"},
		{"Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31"},
		{"Asia/Kathmandu", "2025-12-22T18:14:59Z", "2025-12-22"},
		{"Asia/Kathmandu", "2025-12-22T18:15:00Z", "2025-12-23"},
		{"UTC", "1969-12-31T23:59:59Z", "1969-12-31"},
	} {
		instant, err := time.Parse(time.RFC3339, tt.at)
		require.NoError(t, err)
		require.Equal(t, tt.day, dayfile.DayOf(instant, zone(t, tt.zone)).String(), "%s in %s", tt.at, tt.zone)
	}
}

func TestParseDayTakesOneForm(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "2025-12-2", "2025-12-022", "2025-02-29", "2025-13-01", "2025-00-10", "20251222", "2025/12/22",
		" 2025-12-22", "2025-12-22 ", "+2025-12-22", "-2025-12-22", "12025-12-22", "2025-12-22T00:00:00Z", "２025-12-22",
	} {
		_, err := dayfile.ParseDay(s)
		require.Error(t, err, "%q", s)
	}
	day, err := dayfile.ParseDay("2024-02-29")
	require.NoError(t, err)
	require.Equal(t, "2024-02-29", day.String())
}

func TestDayArithmetic(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(-60_000_000_000, 250_000_000_000).Draw(t, "seconds"), 0)
		n := rapid.IntRange(-5000, 5000).Draw(t, "days")
		day := dayfile.DayOf(at, time.UTC)
		require.Equal(t, dayfile.DayOf(at.UTC().AddDate(0, 0, n), time.UTC), day.AddDays(n))
		require.Equal(t, n > 0, day.Before(day.AddDays(n)))
		parsed, err := dayfile.ParseDay(day.String())
		require.NoError(t, err)
		require.Equal(t, day, parsed)
	})
}
