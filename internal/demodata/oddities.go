// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package demodata

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// oddLogs, oddTraces and oddMetrics are shapes that real clients send. AT stands
// for a timestamp, MIDNIGHT for the start of its day, SESSION for a session id,
// LONG for a text.
const (
	oddLogs = `[
		{},
		{"message":"no time, no level","sessionId":"SESSION"},
		{"timestamp":"yesterday","level":"warn","message":"a time nobody can read","sessionId":"SESSION"},
		{"timestamp":1766397600000,"level":"info","message":"a time as a number","sessionId":"SESSION"},
		{"timestamp":"+012026-01-01T00:00:00.000Z","level":"info","message":"a time far off","sessionId":"SESSION"},
		{"timestamp":"AT","level":3,"message":{"code":42,"why":["a","b"]},"sessionId":"SESSION"},
		{"timestamp":"AT","level":"Error","message":null,"context":null,"sessionId":"SESSION"},
		{"timestamp":"AT","level":"error","message":["Quiz 4711 lost",{"n":1}],"context":"plain text","sessionId":"SESSION"},
		{"timestamp":"AT","level":"info","message":"cut emoji \ud83d","context":["x",1,null,{"y":true}],"sessionId":"SESSION"},
		{"timestamp":"AT","level":"cut \ud83d","message":"cut emojis","context":{"title":"cut \ud83d","cut \ud83d":1,"a_b":1,"a.b":"cut \ud83d","deep":{"title":"cut \ud83d","a_b":1,"a.b":["cut \ud83d"],"a.b.0":7}},"url":"https://saberloop.com/app/#/quiz?topic=\ud83d","sessionId":"SESSION"},
		{"timestamp":"AT","level":"debug","message":"deep","context":{"a":{"b":{"c":[1,[2,[3]]]}},"nil":null,"big":12345678901234567890},"sessionId":"SESSION"},
		{"timestamp":"AT","level":"info","message":"keys","context":{"":"empty","_":"underscore","__name__":"reserved","日本語":"kanji","a.b":1,"a_b":2,"0":"digit","session.id":"not the session","service.name":"not the service"},"sessionId":"SESSION"},
		{"timestamp":"AT","level":"info","message":"same","context":{"n":1},"sessionId":"SESSION"},
		{"timestamp":"AT","level":"info","message":"same","context":{"n":1},"sessionId":"SESSION"},
		{"timestamp":"AT","level":"fatal","message":"Gave up after 12.5 s: LONG, SESSION","sessionId":"SESSION"},
		{"timestamp":"MIDNIGHT","level":"error","message":"a day begins","sessionId":"SESSION"},
		{"timestamp":"AT","level":"info","message":"unknown extras","appVersion":"1.2","extra":{"k":[true]},"sessionId":null}
	]`
	oddTraces = `[
		{},
		{"timestamp":"AT","traceId":"4fzyo82m1k","spanId":"k2j4h5g6f7","name":"odd.string","duration":"12ms","sessionId":"SESSION"},
		{"timestamp":"AT","traceId":"ID1","spanId":"negative1","name":"odd.negative","duration":-5,"attributes":null,"sessionId":"SESSION"},
		{"timestamp":"AT","traceId":"ID2","spanId":"missing01","name":"odd.missing","attributes":["a"],"sessionId":"SESSION"},
		{"timestamp":"AT","name":"odd.no-ids","duration":1.5,"attributes":{"error":"timeout"},"sessionId":"SESSION"},
		{"traceId":"ID3","spanId":"notime001","name":"odd.no-time","duration":3,"attributes":"text","sessionId":"SESSION"},
		{"timestamp":"AT","traceId":"ID6","spanId":"cut","name":"odd.cut","duration":4,"attributes":{"title":"cut \ud83d"},"sessionId":"SESSION"},
		{"timestamp":"MIDNIGHT","traceId":"ID5","spanId":"midnight1","name":"api.midnight","duration":20.5,"sessionId":"SESSION"},
		{"timestamp":"AT","traceId":"ID4","spanId":"noname001","duration":7,"attributes":{"":1,"_":2},"sessionId":"SESSION"}
	]`
	oddMetrics = `[
		{},
		{"timestamp":"AT","name":"odd_null","value":null,"sessionId":"SESSION"},
		{"timestamp":"AT","name":"odd_missing","labels":{"a":"b"},"sessionId":"SESSION"},
		{"timestamp":"AT","name":"odd_text","value":"fast","sessionId":"SESSION"},
		{"timestamp":"AT","name":"odd_string","value":"0.012","labels":null,"sessionId":"SESSION"},
		{"timestamp":"AT","name":"odd name é","value":1e-9,"labels":["x"],"sessionId":"SESSION"},
		{"timestamp":"AT","name":"odd.dots","value":-1,"labels":{"a.b":1},"sessionId":"SESSION"},
		{"timestamp":"AT","name":"odd_dots","value":-2,"labels":{"a_b":1},"sessionId":"SESSION"},
		{"timestamp":"AT","name":"odd_keys","value":5,"labels":{"":"empty","_":"underscore","__name__":"reserved","job":"mine","日本語":"kanji","n":{"deep":[1]}},"sessionId":"SESSION"},
		{"timestamp":"AT","name":"odd_cut","value":6,"labels":{"title":"cut \ud83d"},"sessionId":"SESSION"},
		{"timestamp":"AT","value":7,"sessionId":"SESSION"},
		{"timestamp":"MIDNIGHT","name":"web_vital_lcp","value":2500,"labels":{"rating":"good"},"sessionId":"SESSION"},
		{"timestamp":"AT","name":"web_vital_lcp","value":4000,"labels":{"rating":"needs-improvement"},"sessionId":"SESSION"},
		{"timestamp":"AT","name":"web_vital_inp","value":200,"labels":{"rating":"good"},"sessionId":"SESSION"},
		{"timestamp":"AT","name":"web_vital_inp","value":500,"labels":{"rating":"needs-improvement"},"sessionId":"SESSION"},
		{"timestamp":"AT","name":"web_vital_cls","value":"0.1000","labels":{"rating":"good"},"sessionId":"SESSION"},
		{"timestamp":"AT","name":"web_vital_cls","value":"0.2500","labels":{"rating":"needs-improvement"},"sessionId":"SESSION"},
		{"name":"odd_no_time","value":1,"sessionId":"SESSION"},
		{"name":"odd_no_time","value":2,"sessionId":"SESSION"}
	]`
)

// oddities returns the odd batches of a day: every odd shape, a burst of points
// of one series in one millisecond from two sessions, and a message and a context
// so large that servers refuse them.
func oddities(rng *rand.Rand, at time.Time) []Post {
	var posts []Post
	for range 3 {
		id := Base36(rng, 12)
		replace := strings.NewReplacer("AT", isoTime(at), "MIDNIGHT", isoTime(at.Truncate(24*time.Hour)),
			"SESSION", "odd-"+id, "LONG", strings.Repeat("réponse ", 40),
			"ID1", id+"1", "ID2", id+"2", "ID3", id+"3", "ID4", id+"4", "ID5", id+"5", "ID6", id+"6")
		posts = append(posts, newPost(at, jsontext.Value(replace.Replace(
			`{"logs":`+oddLogs+`,"traces":`+oddTraces+`,"metrics":`+oddMetrics+`}`))))
		at = at.Add(7 * time.Minute)
	}
	return append(posts, burst(at, "burst-a"), burst(at, "burst-b"), huge(at))
}

// burst returns twenty points of one series in one millisecond, in pairs of equal
// values.
func burst(at time.Time, session string) Post {
	var points []jsontext.Value
	for i := range 20 {
		points = append(points, Object(
			Field{"timestamp", timestamp(at)}, Field{"name", Text("web_vital_inp")}, Field{"value", Integer(100 + i/2)},
			Field{"labels", jsontext.Value(`{"rating":"good","device":"desktop","page":"/quiz"}`)}, Field{"sessionId", Text(session)}))
	}
	return newPost(at, Object(Field{"metrics", array(points)}))
}

func huge(at time.Time) Post {
	var context []Field
	for i := range 300 {
		context = append(context, Field{fmt.Sprintf("key%d", i), Text(strings.Repeat("v", 300))})
	}
	log := func(fields ...Field) jsontext.Value {
		return Object(append(fields, Field{"timestamp", timestamp(at)}, Field{"level", Text("info")}, Field{"sessionId", Text("huge")})...)
	}
	return newPost(at, Object(Field{"logs", array([]jsontext.Value{
		log(Field{"message", Text(strings.Repeat("long ", 80_000))}),
		log(Field{"message", Text("many keys")}, Field{"context", Object(context...)}),
	})}))
}
