// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package demodata

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var small = Month{Seed: 7, First: time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC), Days: 30, Sessions: 3}

func TestPostsAreThoseOfTheDayInOrder(t *testing.T) {
	t.Parallel()
	for day := range small.Days {
		posts := small.Posts(day)
		require.NotEmpty(t, posts)
		require.True(t, slices.IsSortedFunc(posts, func(a, b Post) int { return a.ReceivedAt.Compare(b.ReceivedAt) }))
		want := small.First.AddDate(0, 0, day)
		for _, post := range posts {
			require.True(t, json.Valid(post.Body))
			require.Less(t, len(post.Body), 1<<20, "what the saberloop receiver takes")
			require.Equal(t, want, post.ReceivedAt.Truncate(24*time.Hour))
			require.Equal(t, post.ReceivedAt, post.ReceivedAt.Truncate(time.Second))
		}
	}
}

func TestPostsAreTheSameForTheSameSeed(t *testing.T) {
	t.Parallel()
	last := small.Posts(29)
	require.Equal(t, small.Posts(3), small.Posts(3))
	require.Equal(t, last, small.Posts(29), "days can be made in any order")
	other := small
	other.Seed++
	require.NotEqual(t, last, other.Posts(29))
}

func TestEveryDayHasAllOddShapes(t *testing.T) {
	t.Parallel()
	want := map[string][]json.RawMessage{"logs": shapes(t, oddLogs), "traces": shapes(t, oddTraces), "metrics": shapes(t, oddMetrics)}
	for day := range small.Days {
		odd, bursts, huges := 0, 0, 0
		for _, post := range small.Posts(day) {
			switch {
			case bytes.Contains(post.Body, []byte(`"sessionId":"odd-`)):
				var batch map[string][]json.RawMessage
				require.NoError(t, json.Unmarshal(post.Body, &batch))
				for signal, all := range want {
					require.Len(t, batch[signal], len(all))
				}
				for _, placeholder := range []string{`"AT"`, "MIDNIGHT", "SESSION", "LONG"} {
					require.NotContains(t, string(post.Body), placeholder)
				}
				odd++
			case bytes.Contains(post.Body, []byte(`"sessionId":"burst-`)):
				require.Equal(t, 20, strings.Count(string(post.Body), "web_vital_inp"))
				bursts++
			case bytes.Contains(post.Body, []byte(`"sessionId":"huge"`)):
				huges++
			}
		}
		require.Equal(t, []int{3, 2, 1}, []int{odd, bursts, huges}, "day %d", day)
	}
}

func shapes(t *testing.T, text string) (shapes []json.RawMessage) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(text), &shapes))
	return shapes
}

// The data has the events that the dashboards are meant to show.
func TestTheMonthHasAStory(t *testing.T) {
	t.Parallel()
	month := small
	month.Sessions = 60
	count := func(day int, text string) (n int) {
		for _, post := range month.Posts(day) {
			n += bytes.Count(post.Body, []byte(text))
		}
		return n
	}
	require.Greater(t, count(IncidentDay, "failed with status 503"), 2*count(IncidentDay-1, "failed with status 503"))
	require.Zero(t, count(ReleaseDay-1, "TypeError"))
	require.NotZero(t, count(ReleaseDay+1, "TypeError"))
	require.Zero(t, count(ReleaseDay-1, `"service.version":"2.0.0"`))
	require.NotZero(t, count(ReleaseDay, `"service.version":"2.0.0"`))
	require.Less(t, count(1, "App started"), count(4, "App started"), "a Sunday and a Wednesday")
}

func TestSessionKeepsTime(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	entries := NewSession(rand.New(rand.NewPCG(5, 6)), 0, start).Play()
	last := start
	for _, e := range entries {
		require.False(t, e.At.Before(last))
		last = e.At
	}
	require.Greater(t, last, start)
}
