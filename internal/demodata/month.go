// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package demodata generates the telemetry of a quiz app for a month: the
// batches that its browsers POST. The same seed gives the same batches. The
// dashboards are tried and tested on them.
//
// The month has working days and weekends; four releases, of which the third
// brings a new error; an afternoon on which the API is slow and failing; old and
// new clients; devices whose clock is wrong or that were offline for hours; and
// every odd shape that browsers are known to send.
package demodata

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Month describes the month to generate. All fields are required.
type Month struct {
	// Seed initializes the random numbers.
	Seed uint64
	// First is the first day, at midnight UTC.
	First time.Time
	// Days is the number of days.
	Days int
	// Sessions is the number of sessions on a working day. Weekends have
	// fewer. A session makes about 25 entries.
	Sessions int
}

// Post is one batch.
type Post struct {
	// ReceivedAt is when the server received it, in whole seconds.
	ReceivedAt time.Time
	// Body is the batch as JSON.
	Body []byte
}

// Days of the month, counted from 0.
const (
	ReleaseDay  = 14 // the third release comes out
	IncidentDay = 18 // the API fails in the afternoon
)

// Posts returns the batches that the server received on a day, in order. Days
// can be generated in any order.
func (m Month) Posts(day int) []Post {
	var posts []Post
	// Batches of sessions that began the evening before may arrive after midnight.
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

// begunOn returns the batches of all sessions that began on a day.
func (m Month) begunOn(day int) []Post {
	rng := rand.New(rand.NewPCG(m.Seed, uint64(day)))
	midnight := m.First.AddDate(0, 0, day)
	sessions := float64(m.Sessions) * (0.9 + 0.2*rng.Float64())
	if wd := midnight.Weekday(); wd == time.Saturday || wd == time.Sunday {
		sessions *= 0.55
	}
	var posts []Post
	for range int(sessions) {
		s := NewSession(rng, day, midnight.Add(timeOfDay(rng)))
		s.Play()
		posts = append(posts, s.posts()...)
	}
	return append(posts, oddities(rng, midnight.Add(11*time.Hour))...)
}

// timeOfDay draws the time at which a session begins: rarely at night, most often
// in the late afternoon.
func timeOfDay(rng *rand.Rand) time.Duration {
	for {
		h := 24 * rng.Float64()
		if rng.Float64() < 0.05+0.95*math.Exp(-(h-17)*(h-17)/18) {
			return time.Duration(h * float64(time.Hour)).Truncate(time.Millisecond)
		}
	}
}

// lognormal draws a duration or a web vital. Half of the draws are below the
// median, 16 % are above the median times spread.
func lognormal(rng *rand.Rand, median, spread float64) float64 {
	return median * math.Exp(math.Log(spread)*rng.NormFloat64())
}
