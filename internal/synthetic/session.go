// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package synthetic

import (
	"math/rand/v2"
	"strconv"
	"time"
)

// Session is one visit to Saberloop, by one browser in one language.
type Session struct {
	ID        string
	UserAgent string
	Language  string
	Release   string
	Start     time.Time
	// Modern sessions run a client that sends an envelope, and trace ids in
	// hex rather than base36.
	Modern bool

	rand   *rand.Rand
	device device
	locale locale
	now    time.Time
}

// NewSession makes up a session that starts at start, to the millisecond.
// All that is random in it comes from r, which it keeps.
func NewSession(r *rand.Rand, start time.Time) *Session {
	start = start.Truncate(time.Millisecond)
	s := &Session{
		ID:      strconv.FormatInt(start.UnixMilli(), 10) + "-" + base36(r, 9),
		Release: oneOf(r, releases),
		Start:   start,
		Modern:  chance(r, 40),
		rand:    r,
		device:  oneOf(r, devices),
		locale:  oneOf(r, locales),
		now:     start,
	}
	s.UserAgent = s.device.userAgent
	s.Language = s.locale.language
	return s
}

// Play makes up what the session sends from its start to its end: quizzes,
// the calls they make, what goes wrong, and the web vitals of the page.
func (s *Session) Play() []Entry {
	entries := []Entry{s.log("debug", "Service worker registered", Field{"scope", quoted("/app/")})}
	for range between(s.rand, 1, 3) {
		entries = append(entries, s.quiz()...)
	}
	for _, v := range vitals {
		entries = append(entries, s.vital(v.name, v.good, v.poor))
	}
	return entries
}

func (s *Session) quiz() []Entry {
	topic := oneOf(s.rand, s.locale.topics)
	entries := []Entry{
		s.log("info", s.locale.started,
			Field{"topic", quoted(topic)}, Field{"language", quoted(s.Language)},
			Field{"questions", integer(5)}, Field{"offline", boolean(false)}),
		s.trace(0),
	}
	if chance(s.rand, 15) {
		entries = append(entries, s.failure())
	}
	for range between(s.rand, 1, 4) {
		entries = append(entries, s.trace(between(s.rand, 1, len(operations)-1)))
	}
	score := between(s.rand, 0, 5)
	return append(entries,
		s.log("info", s.locale.finished,
			Field{"topic", quoted(topic)}, Field{"score", integer(int64(score))},
			Field{"ratio", decimal(float64(score)/5, 2)}, Field{"streak", raw("null")}),
		s.metric("quiz_score", integer(int64(score)), Field{"language", quoted(s.Language)}))
}

func (s *Session) failure() Entry {
	return s.log("error", oneOf(s.rand, failures),
		Field{"source", quoted("window.onerror")},
		Field{"line", integer(int64(between(s.rand, 1, 900)))},
		Field{"stack", quoted("TypeError: x\n    at render (https://saberloop.com/app/assets/index-DkQ1x.js:7:1312)\n    at async start")})
}

func (s *Session) log(level, message string, context ...Field) Entry {
	s.pass()
	return Entry{Logs, s.now, []Field{
		{"timestamp", instant(s.now)},
		{"level", quoted(level)},
		{"message", quoted(message)},
		{"context", object(append(context, Field{"version", quoted(s.Release)})...)},
		{"sessionId", quoted(s.ID)},
		{"url", quoted("https://saberloop.com/app/#" + oneOf(s.rand, pages))},
		{"userAgent", quoted(s.UserAgent)},
	}}
}

// trace is one call of an operation; its timestamp is when it ends.
func (s *Session) trace(operation int) Entry {
	s.pass()
	op := operations[operation]
	duration := s.spread(op.milliseconds)
	s.now = s.now.Add(time.Duration(duration) * time.Millisecond)
	attributes := []Field{{"model", quoted(oneOf(s.rand, models))}, {"status", integer(200)}}
	if chance(s.rand, 8) {
		attributes = []Field{{"error", quoted(oneOf(s.rand, failures))}, {"status", integer(503)}}
	}
	traceID, spanID := base36(s.rand, between(s.rand, 8, 16)), base36(s.rand, between(s.rand, 8, 11))
	if s.Modern {
		traceID, spanID = hex(s.rand, 32), hex(s.rand, 16)
	}
	return Entry{Traces, s.now, []Field{
		{"timestamp", instant(s.now)},
		{"traceId", quoted(traceID)},
		{"spanId", quoted(spanID)},
		{"name", quoted(op.name)},
		{"duration", decimal(duration, 1)},
		{"attributes", object(attributes...)},
		{"sessionId", quoted(s.ID)},
	}}
}

func (s *Session) vital(name string, good, poor float64) Entry {
	value := s.spread(good * 0.6)
	rating := "good"
	switch {
	case value > poor:
		rating = "poor"
	case value > good:
		rating = "needs-improvement"
	}
	spelt := decimal(value, 4)
	if good < 1 {
		spelt = quoted(string(spelt)) // CLS comes from toFixed, as a string
	}
	return s.metric(name, spelt, Field{"rating", quoted(rating)}, Field{"page", quoted("/app/")})
}

func (s *Session) metric(name string, value []byte, labels ...Field) Entry {
	s.pass()
	return Entry{Metrics, s.now, []Field{
		{"timestamp", instant(s.now)},
		{"name", quoted(name)},
		{"value", value},
		{"labels", object(labels...)},
		{"sessionId", quoted(s.ID)},
	}}
}

// pass lets the time pass that a visitor takes to read and click.
func (s *Session) pass() {
	s.now = s.now.Add(time.Duration(between(s.rand, 0, 8000)) * time.Millisecond)
}

// spread is a measurement that is usually the given one on a usual device,
// with the long tail that measurements in the field have. It keeps to
// multiplication, which is exact to the bit everywhere.
func (s *Session) spread(usual float64) float64 {
	jitter := float64(between(s.rand, 900, 1100)) / 1000
	return usual * s.device.slowness * oneOf(s.rand, tail) * jitter
}

// tail are the ten deciles of a measurement, relative to its usual value.
var tail = []float64{0.45, 0.6, 0.7, 0.8, 0.9, 1, 1.15, 1.4, 1.9, 3.6}
