// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package demodata

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Month says which month to make up. The zero value of a field stands for
// nothing: all have to be set.
type Month struct {
	// Seed decides everything that is left to chance.
	Seed uint64
	// First is the midnight, in UTC, at which the month begins.
	First time.Time
	// Days is the number of days.
	Days int
	// Sessions is the number of sessions on a working day. Weekends have
	// fewer. A session makes about 25 entries.
	Sessions int
}

// Post is one batch as it reached the server.
type Post struct {
	// ReceivedAt is when the server took it, in whole seconds.
	ReceivedAt time.Time
	// Body is the batch, as wire JSON.
	Body []byte
}

// Day is the number of the month's day, counted from 0, on which the third
// release comes out and, in the afternoon, on which the API fails.
const (
	ReleaseDay  = 14
	IncidentDay = 18
)

// Posts returns what reached the server on one day, in the order in which it
// did. Days can be made in any order: each has a source of chance of its own.
func (m Month) Posts(day int) []Post {
	var posts []Post
	// Batches of the evening before may have come in after midnight.
	for d := max(0, day-1); d <= day; d++ {
		posts = append(posts, m.begunOn(d)...)
	}
	from := m.First.AddDate(0, 0, day)
	to := from.AddDate(0, 0, 1)
	posts = slices.DeleteFunc(posts, func(p Post) bool {
		return p.ReceivedAt.Before(from) || !p.ReceivedAt.Before(to)
	})
	slices.SortStableFunc(posts, func(a, b Post) int { return a.ReceivedAt.Compare(b.ReceivedAt) })
	return posts
}

// begunOn makes the posts of all sessions that began on one day.
func (m Month) begunOn(day int) []Post {
	rng := rand.New(rand.NewPCG(m.Seed, uint64(day)))
	midnight := m.First.AddDate(0, 0, day)
	sessions := float64(m.Sessions) * (0.9 + 0.2*rng.Float64())
	if wd := midnight.Weekday(); wd == time.Saturday || wd == time.Sunday {
		sessions *= 0.55
	}
	var posts []Post
	for range int(sessions) {
		s := newSession(rng, day, midnight.Add(timeOfDay(rng)))
		s.play()
		posts = append(posts, s.posts()...)
	}
	return append(posts, oddities(rng, midnight.Add(11*time.Hour))...)
}

// timeOfDay draws when a session begins: hardly ever at night, most of all in
// the late afternoon.
func timeOfDay(rng *rand.Rand) time.Duration {
	for {
		h := 24 * rng.Float64()
		if rng.Float64() < 0.05+0.95*math.Exp(-(h-17)*(h-17)/18) {
			return time.Duration(h * float64(time.Hour)).Truncate(time.Millisecond)
		}
	}
}

// lognormal draws a duration or a vital: half the draws lie below the median,
// 16 % above the median times spread.
func lognormal(rng *rand.Rand, median, spread float64) float64 {
	return median * math.Exp(math.Log(spread)*rng.NormFloat64())
}
