// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package demodata

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"time"
)

type object = map[string]any

// entry is one entry with the time at which the app made it.
type entry struct {
	signal string
	at     time.Time
	fields object
}

// session is one visitor's visit.
type session struct {
	rng     *rand.Rand
	id      string
	day     int
	release string // empty for old clients, who don't say
	agent   agent
	path    string
	skew    time.Duration // what the client's clock is ahead
	offline time.Duration // for how long nothing can be sent, from the beginning on
	begin   time.Time
	now     time.Time
	entries []entry
}

type agent struct {
	device, userAgent string
	// slow stretches every duration.
	slow float64
}

var agents = []agent{
	{"desktop", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36", 1},
	{"desktop", "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0", 1},
	{"desktop", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15", 0.9},
	{"mobile", "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Mobile Safari/537.36", 2.1},
	{"mobile", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1", 1.5},
	{"tablet", "Mozilla/5.0 (iPad; CPU OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1", 1.4},
}

var (
	topics = []string{"Math", "History", "Geography", "Chemistry", "Música"}
	models = []string{"claude", "gpt", "llama"}
	// releases and the day from which on new sessions run them.
	releases = []struct {
		day  int
		name string
	}{{0, "1.8.0"}, {7, "1.9.0"}, {ReleaseDay, "2.0.0"}, {23, "2.0.1"}}
)

func newSession(rng *rand.Rand, day int, begin time.Time) *session {
	s := &session{
		rng: rng, day: day, begin: begin, now: begin,
		agent: agents[rng.IntN(len(agents))],
		path:  "/",
	}
	s.id = strconv.FormatInt(begin.UnixMilli(), 10) + "-" + s.base36(9)
	// Each release replaces the one before in two of three browsers at once;
	// a fifth of all never learnt to say which one they run.
	if rng.IntN(5) > 0 {
		for i, r := range releases {
			if day >= r.day && (i == 0 || day > r.day || rng.IntN(3) > 0) {
				s.release = r.name
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

func (s *session) base36(n int) string {
	const digits = "0123456789abcdefghijklmnopqrstuvwxyz"
	b := make([]byte, n)
	for i := range b {
		b[i] = digits[s.rng.IntN(len(digits))]
	}
	return string(b)
}

// incident is how bad the API is at the moment: 0 on all days but one.
func (s *session) incident() float64 {
	hour := s.now.Sub(s.now.Truncate(24 * time.Hour)).Hours()
	if s.day != IncidentDay || hour < 14 || hour > 17 {
		return 0
	}
	return 1
}

// play is what the visitor does and the app tells of it.
func (s *session) play() {
	s.log("info", "App started", object{"online": s.offline == 0})
	s.call("api.loadProfile", 120, 1.6, nil)
	s.vital("web_vital_lcp", lognormal(s.rng, 1500*s.agent.slow, 1.7), 2500, 4000)
	for range 1 + s.rng.IntN(3) {
		s.quiz()
	}
	s.path = "/results"
	s.vital("web_vital_cls", lognormal(s.rng, 0.04, 2.6), 0.1, 0.25)
	s.log("info", "App hidden", nil)
}

func (s *session) quiz() {
	topic := topics[s.rng.IntN(len(topics))]
	s.path = "/quiz"
	quiz := 1000 + s.rng.IntN(9000)
	s.log("info", "Quiz started", object{"topic": topic, "quiz": quiz, "questions": 5})
	s.call("api.generateQuestions", 1800, 1.7, object{"model": models[s.rng.IntN(len(models))], "topic": topic})
	score := 0
	for q := range 5 {
		s.wait(2, 20)
		if s.rng.IntN(3) > 0 {
			score++
		}
		s.log("debug", "Answer given", object{"quiz": quiz, "question": q + 1})
		if s.rng.IntN(4) == 0 {
			s.vital("web_vital_inp", lognormal(s.rng, 110*s.agent.slow, 1.9), 200, 500)
		}
		if s.release >= "2.0.0" && s.release < "2.0.1" && s.rng.IntN(40) == 0 {
			s.log("error", "TypeError: Cannot read properties of undefined (reading 'score')",
				object{"stack": "at render (https://saberloop.com/app/main.js:1:20417)"})
		}
	}
	s.call("api.saveResult", 90, 1.5, object{"quiz": quiz})
	s.metric("quiz_score", score, object{"topic": topic})
	if s.rng.IntN(60) == 0 {
		s.log("warn", fmt.Sprintf("Storage is %d%% full", 80+s.rng.IntN(20)), nil)
	}
}

// wait lets the visitor think for some seconds.
func (s *session) wait(from, to float64) {
	seconds := from + (to-from)*s.rng.Float64()
	s.now = s.now.Add(time.Duration(seconds * float64(time.Second)))
}

// call makes a span and, when the call fails, the error that the app logs.
func (s *session) call(name string, median, spread float64, attributes object) {
	bad := s.incident()
	duration := lognormal(s.rng, median*(1+3*bad), spread)
	s.now = s.now.Add(time.Duration(duration * float64(time.Millisecond)))
	if attributes == nil {
		attributes = object{}
	}
	traceID, spanID := s.base36(10), s.base36(11)
	if s.release != "" {
		traceID = fmt.Sprintf("%016x%016x", s.rng.Uint64(), s.rng.Uint64())
		spanID = fmt.Sprintf("%016x", s.rng.Uint64())
	}
	failed := s.rng.Float64() < 0.01+0.3*bad
	if failed {
		attributes["error"] = true
		attributes["status"] = 503
		s.log("error", fmt.Sprintf("%s failed with status 503 after %.0f ms", name, duration),
			object{"operation": name, "traceId": traceID})
	}
	s.add("traces", object{
		"traceId": traceID, "spanId": spanID, "name": name,
		"duration": math.Round(duration*10) / 10, "attributes": attributes,
	})
}

func (s *session) log(level, message string, context object) {
	fields := object{
		"level": level, "message": message,
		"url": "https://saberloop.com/app/#" + s.path, "userAgent": s.agent.userAgent,
	}
	if context != nil {
		fields["context"] = context
	}
	s.add("logs", fields)
}

// vital is a metric with the rating that the web-vitals library gives it.
func (s *session) vital(name string, value, good, poor float64) {
	rating := "needs-improvement"
	if value <= good {
		rating = "good"
	} else if value > poor {
		rating = "poor"
	}
	labels := object{"rating": rating}
	if s.release != "" {
		labels["device"] = s.agent.device
		labels["page"] = s.path
	}
	if name == "web_vital_cls" {
		s.metric(name, strconv.FormatFloat(value, 'f', 4, 64), labels)
		return
	}
	s.metric(name, math.Round(value*10)/10, labels)
}

func (s *session) metric(name string, value any, labels object) {
	s.add("metrics", object{"name": name, "value": value, "labels": labels})
}

func (s *session) add(signal string, fields object) {
	fields["timestamp"] = isoTime(s.now.Add(s.skew))
	fields["sessionId"] = s.id
	s.entries = append(s.entries, entry{signal, s.now, fields})
	s.now = s.now.Add(time.Duration(s.rng.IntN(40)) * time.Millisecond)
}

// posts batches the entries as the client does: ten of them or half a minute.
func (s *session) posts() []Post {
	var posts []Post
	for rest := s.entries; len(rest) > 0; {
		n := 1
		for n < min(10, len(rest)) && rest[n].at.Sub(rest[0].at) < 30*time.Second {
			n++
		}
		sent := rest[n-1].at
		if s.offline > 0 && sent.Before(s.begin.Add(s.offline)) {
			sent = s.begin.Add(s.offline)
		}
		post := s.post(rest[:n], sent)
		posts = append(posts, post)
		if s.rng.IntN(2000) == 0 { // A reset connection: the browser POSTs again by itself.
			posts = append(posts, post)
		}
		rest = rest[n:]
	}
	return posts
}

func (s *session) post(entries []entry, sent time.Time) Post {
	body := object{"logs": []object{}, "traces": []object{}, "metrics": []object{}}
	for _, e := range entries {
		body[e.signal] = append(body[e.signal].([]object), e.fields)
	}
	if s.release != "" {
		body["batchId"] = s.base36(20)
		body["sentAt"] = isoTime(sent.Add(s.skew))
		body["resource"] = object{"service.version": s.release}
	}
	return newPost(sent.Add(60*time.Millisecond), body)
}

func newPost(at time.Time, body any) Post {
	encoded, err := json.Marshal(body)
	if err != nil {
		panic(err) // Nothing in here but what can be encoded.
	}
	return Post{ReceivedAt: at.Truncate(time.Second), Body: encoded}
}

// isoTime is what a browser's toISOString makes of t.
func isoTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
