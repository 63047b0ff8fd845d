// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package demodata

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Session is the visit of one person in one browser.
type Session struct {
	ID string
	// Release is the version of the client. Old clients have none.
	Release string

	rng     *rand.Rand
	day     int
	agent   agent
	locale  locale
	path    string
	skew    time.Duration // the client's clock minus the correct time
	offline time.Duration // how long after the begin the client can't send
	begin   time.Time
	now     time.Time
	entries []Entry
}

// NewSession returns a session that begins at a time on a day of the month. It
// takes its random numbers from rng.
func NewSession(rng *rand.Rand, day int, begin time.Time) *Session {
	begin = begin.Truncate(time.Millisecond)
	s := &Session{
		ID:  strconv.FormatInt(begin.UnixMilli(), 10) + "-" + Base36(rng, 9),
		rng: rng, day: day, begin: begin, now: begin,
		agent: oneOf(rng, agents), locale: oneOf(rng, locales), path: "/",
	}
	// Two of three browsers run a release on its first day, all later. A fifth of
	// the clients are too old to tell.
	if rng.IntN(5) > 0 {
		for i, r := range releases {
			if day >= r.day && (i == 0 || day > r.day || rng.IntN(3) > 0) {
				s.Release = r.name
			}
		}
	}
	switch rng.IntN(200) {
	case 0:
		s.skew = -400 * 24 * time.Hour
	case 1:
		s.skew = 26 * time.Hour
	case 2, 3, 4:
		s.skew = 3 * time.Minute
	case 5, 6, 7:
		s.offline = time.Duration(1+rng.IntN(6)) * time.Hour
	}
	return s
}

// modern tells whether the client sends an envelope.
func (s *Session) modern() bool { return s.Release != "" }

// incident is 1 while the API fails, else 0.
func (s *Session) incident() float64 {
	hour := s.now.Sub(s.now.Truncate(24 * time.Hour)).Hours()
	if s.day != IncidentDay || hour < 14 || hour > 17 {
		return 0
	}
	return 1
}

// Play plays the session to its end and returns its entries.
func (s *Session) Play() []Entry {
	s.log("info", "App started", Field{"online", strconv.AppendBool(nil, s.offline == 0)}, Field{"language", Text(s.locale.language)})
	s.call("api.loadProfile", 120, 1.6)
	s.vital("web_vital_lcp", lognormal(s.rng, 1500*s.agent.slow, 1.7), 2500, 4000)
	for range 1 + s.rng.IntN(3) {
		s.quiz()
	}
	s.path = "/results"
	s.vital("web_vital_cls", lognormal(s.rng, 0.04, 2.6), 0.1, 0.25)
	s.log("info", "App hidden")
	return s.entries
}

func (s *Session) quiz() {
	topic := Field{"topic", Text(oneOf(s.rng, s.locale.topics))}
	s.path = "/quiz"
	quiz := Field{"quiz", Integer(1000 + s.rng.IntN(9000))}
	s.log("info", "Quiz started", topic, quiz, Field{"questions", Integer(5)})
	s.call("api.generateQuestions", 1800, 1.7, Field{"model", Text(oneOf(s.rng, models))}, topic)
	score := 0
	for q := range 5 {
		s.wait(2, 20)
		if s.rng.IntN(3) > 0 {
			score++
		}
		s.log("debug", "Answer given", quiz, Field{"question", Integer(q + 1)})
		if s.rng.IntN(4) == 0 {
			s.vital("web_vital_inp", lognormal(s.rng, 110*s.agent.slow, 1.9), 200, 500)
		}
		if s.Release == "2.0.0" && s.rng.IntN(40) == 0 {
			s.log("error", "TypeError: Cannot read properties of undefined (reading 'score')",
				Field{"stack", Text("at render (https://saberloop.com/app/main.js:1:20417)")})
		}
	}
	s.call("api.saveResult", 90, 1.5, quiz)
	s.metric("quiz_score", Integer(score), topic)
	if s.rng.IntN(60) == 0 {
		s.log("warn", fmt.Sprintf("Storage is %d%% full", 80+s.rng.IntN(20)))
	}
}

// wait lets some seconds pass.
func (s *Session) wait(from, to float64) {
	seconds := from + (to-from)*s.rng.Float64()
	s.now = s.now.Add(time.Duration(seconds * float64(time.Second)))
}

// call adds a span and, when the call fails, the error that the app logs.
func (s *Session) call(name string, median, spread float64, attributes ...Field) {
	bad := s.incident()
	duration := lognormal(s.rng, median*(1+3*bad), spread)
	s.now = s.now.Add(time.Duration(duration * float64(time.Millisecond)))
	traceID, spanID := Base36(s.rng, 10), Base36(s.rng, 11)
	if s.modern() {
		traceID, spanID = Hex(s.rng, 32), Hex(s.rng, 16)
	}
	if s.rng.Float64() < 0.01+0.3*bad {
		attributes = append(attributes, Field{"error", jsontext.Value("true")}, Field{"status", Integer(503)})
		s.log("error", fmt.Sprintf("%s failed with status 503 after %.0f ms", name, duration),
			Field{"operation", Text(name)}, Field{"traceId", Text(traceID)})
	}
	s.add(Traces, Field{"traceId", Text(traceID)}, Field{"spanId", Text(spanID)}, Field{"name", Text(name)},
		Field{"duration", decimal(duration)}, Field{"attributes", Object(attributes...)})
}

func (s *Session) log(level, message string, context ...Field) {
	fields := []Field{{"level", Text(level)}, {"message", Text(message)}}
	if len(context) > 0 {
		fields = append(fields, Field{"context", Object(context...)})
	}
	s.add(Logs, append(fields,
		Field{"url", Text("https://saberloop.com/app/#" + s.path)}, Field{"userAgent", Text(s.agent.userAgent)})...)
}

// vital adds a metric with the rating of the web-vitals library.
func (s *Session) vital(name string, value, good, poor float64) {
	rating := "needs-improvement"
	if value <= good {
		rating = "good"
	} else if value > poor {
		rating = "poor"
	}
	labels := []Field{{"rating", Text(rating)}}
	if s.modern() {
		labels = append(labels, Field{"device", Text(s.agent.device)}, Field{"page", Text(s.path)})
	}
	spelled := decimal(value)
	if name == "web_vital_cls" { // toFixed makes it a string
		spelled = Text(strconv.FormatFloat(value, 'f', 4, 64))
	}
	s.metric(name, spelled, labels...)
}

func (s *Session) metric(name string, value jsontext.Value, labels ...Field) {
	s.add(Metrics, Field{"name", Text(name)}, Field{"value", value}, Field{"labels", Object(labels...)})
}

func (s *Session) add(signal Signal, fields ...Field) {
	all := append([]Field{{"timestamp", timestamp(s.now.Add(s.skew))}}, fields...)
	s.entries = append(s.entries, Entry{signal, s.now, append(all, Field{"sessionId", Text(s.ID)})})
	s.now = s.now.Add(time.Duration(s.rng.IntN(40)) * time.Millisecond)
}

// posts returns the entries in batches as the client sends them: ten entries, or
// those of half a minute.
func (s *Session) posts() []Post {
	var posts []Post
	for rest := s.entries; len(rest) > 0; {
		n := 1
		for n < min(10, len(rest)) && rest[n].At.Sub(rest[0].At) < 30*time.Second {
			n++
		}
		sent := rest[n-1].At
		if s.offline > 0 && sent.Before(s.begin.Add(s.offline)) {
			sent = s.begin.Add(s.offline)
		}
		post := s.post(rest[:n], sent)
		posts = append(posts, post)
		if s.rng.IntN(2000) == 0 { // After a reset connection the browser sends the request again.
			posts = append(posts, post)
		}
		rest = rest[n:]
	}
	return posts
}

func (s *Session) post(entries []Entry, sent time.Time) Post {
	values := map[Signal][]jsontext.Value{}
	for i := range entries {
		values[entries[i].Signal] = append(values[entries[i].Signal], entries[i].JSON())
	}
	fields := s.Envelope(sent)
	for _, signal := range Signals {
		fields = append(fields, Field{string(signal), array(values[signal])})
	}
	return newPost(sent.Add(60*time.Millisecond), Object(fields...))
}

// Envelope returns what modern clients put before the entries of a batch.
func (s *Session) Envelope(sent time.Time) []Field {
	if !s.modern() {
		return nil
	}
	return []Field{
		{"batchId", Text(Base36(s.rng, 20))},
		{"sentAt", timestamp(sent.Add(s.skew))},
		{"resource", Object(Field{"service.version", Text(s.Release)})},
	}
}

func newPost(at time.Time, body jsontext.Value) Post {
	return Post{ReceivedAt: at.Truncate(time.Second), Body: body}
}
