// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package attacks

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// mebibyte is the limit of a body. Full bodies leave room for a batchId.
const (
	mebibyte = 1 << 20
	full     = mebibyte - 64
)

// filled repeats an element, separated by commas, between a prefix and a suffix
// until the size is reached.
func filled(size int, prefix, element, suffix string) []byte {
	n := (size - len(prefix) - len(suffix) + 1) / (len(element) + 1)
	return []byte(prefix + strings.Repeat(element+",", n-1) + element + suffix)
}

// manyKeys returns a full body with different keys between a prefix and a suffix.
func manyKeys(prefix, suffix string) []byte {
	b := bytes.NewBufferString(prefix)
	for i := 0; b.Len()+len(suffix)+20 < full; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(b, `"%x":0`, i)
	}
	b.WriteString(suffix)
	return b.Bytes()
}

// entries returns a batch of equal logs that are as large as a batch may have,
// in number up to n.
func entries(n int, entry string) []byte {
	return filled(min(full, n*(len(entry)+1)+11), `{"logs":[`, entry, `]}`)
}

func deep(levels int) string {
	return strings.Repeat(`[`, levels) + strings.Repeat(`]`, levels)
}

// worstBodies are those that took the most memory or time per byte, and what
// anyone else might try.
func worstBodies() map[string][]byte {
	return map[string][]byte{
		"empty logs":             filled(full, `{"logs":[`, `{}`, `]}`),
		"empty spans":            filled(full, `{"traces":[`, `{}`, `]}`),
		"empty points":           filled(full, `{"metrics":[`, `{}`, `]}`),
		"10000 empty logs":       entries(10_000, `{}`),
		"10000 logs":             entries(10_000, `{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"i":{},"j":[]}`),
		"10000 points":           filled(full, `{"metrics":[`, `{"name":"a","value":1,"labels":{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0}}`, `]}`),
		"numbers for logs":       filled(full, `{"logs":[`, `0`, `]}`),
		"arrays for logs":        filled(full, `{"logs":[`, `[]`, `]}`),
		"arrays of numbers":      filled(full, `{"logs":[{"context":[`, `0`, `]}]}`),
		"arrays of arrays":       filled(full, `{"logs":[{"context":[`, `[]`, `]}]}`),
		"arrays of objects":      filled(full, `{"logs":[{"context":[`, `{}`, `]}]}`),
		"arrays of strings":      filled(full, `{"logs":[{"context":[`, `""`, `]}]}`),
		"deep":                   filled(full, `{"logs":[`, `{"a":`+deep(500)+`}`, `]}`),
		"deep objects":           filled(full, `{"logs":[`, strings.Repeat(`{"":`, 500)+`0`+strings.Repeat(`}`, 500), `]}`),
		"keys":                   manyKeys(`{"logs":[{`, `}]}`),
		"keys of a context":      manyKeys(`{"logs":[{"context":{`, `}}]}`),
		"equal keys":             filled(full, `{"logs":[{`, `"":0`, `}]}`),
		"keys of the batch":      manyKeys(`{`, `}`),
		"logs given many times":  filled(full, `{`, `"logs":[{},{},{},{},{},{},{},{}]`, `}`),
		"escapes":                []byte(`{"logs":[{"message":"` + strings.Repeat(`\u0000`, full/6-10) + `"}]}`),
		"surrogates":             []byte(`{"logs":[{"message":"` + strings.Repeat(`\ud800`, full/6-10) + `"}]}`),
		"one long string":        []byte(`{"logs":[{"message":"` + strings.Repeat(`<`, full-100) + `"}]}`),
		"one long key":           []byte(`{"logs":[{"` + strings.Repeat(`<`, full-100) + `":0}]}`),
		"floats":                 filled(full, `{"logs":[{"context":[`, `1e20`, `]}]}`),
		"floats beyond a double": filled(full, `{"logs":[`, `{"a":1e400}`, `]}`),
		"dropped":                filled(full, `{"logs":[{}],"dropped":[`, `{"signal":"logs","reason":"","count":1}`, `]}`),
		"resource of keys":       manyKeys(`{"logs":[{}],"resource":{`, `}}`),
		"otlp ids":               filled(full, `{"traces":[`, `{"traceId":"a","spanId":"b","name":0,"timestamp":"2025-12-22T10:00:02.450Z","duration":"1"}`, `]}`),
	}
}

// swollen are batches whose resource stands on every line.
func swollen() map[string][]byte {
	resource := `"resource":{"app":"` + strings.Repeat("a", 500_000) + `"}`
	return map[string][]byte{
		"resource and 1000 entries":  []byte(`{` + resource + `,"logs":[` + strings.Repeat(`{},`, 999) + `{}]}`),
		"resource and 25000 entries": []byte(`{` + resource + `,"logs":[` + strings.Repeat(`{},`, 24_999) + `{}]}`),
		"small resource":             []byte(`{"resource":{"app":"` + strings.Repeat("a", 8_000) + `"},"logs":[` + strings.Repeat(`{},`, 9_999) + `{}]}`),
		"resource after the entries": []byte(`{"logs":[` + strings.Repeat(`{},`, 9_999) + `{}],` + resource + `}`),
	}
}

// shortBodies are sent one kind at a time in the short form of the tests, too:
// those of the table in which the attacks were first recorded, and what takes
// the most memory.
var shortBodies = []string{
	"empty logs", "empty points", "numbers for logs", "arrays for logs",
	"10000 logs", "arrays of arrays", "deep objects", "keys", "dropped",
}

// The worst bodies, plain and compressed, from many addresses at once: the memory
// stays within its bound, each is answered, and the next ordinary batch is served
// within a second.
func TestWorstBodies(t *testing.T) {
	for name, body := range worstBodies() {
		if !long() && !slices.Contains(shortBodies, name) {
			continue // TestWorstBodiesTogether has it
		}
		t.Run(name, func(t *testing.T) {
			s := startServer(t, "")
			attackWithBody(t, s, s.address, body)
		})
	}
}

// All kinds together, plain and compressed: 256 at once, and then again and again
// while browsers are served.
func TestWorstBodiesTogether(t *testing.T) {
	// With the rates of all clients together, most would be refused unread.
	s := startServer(t, noRateLimits)
	var posts []post
	for _, body := range worstBodies() {
		posts = append(posts, post{body: body}, post{body: gzipped(t, body), encoding: "gzip"})
	}
	for i := 0; len(posts) < 256; i++ {
		posts = append(posts, posts[i])
	}
	for i := range posts {
		posts[i].from = addressOf(ofAttackers, i)
	}
	t.Logf("answers: %v", volley(t, s.address, posts))
	checkNextBatch(t, s.address)
	s.checkMemory(t)

	var next atomic.Int64
	stop := startVariedFlood(t, s, 64, func() post {
		n := int(next.Add(1))
		p := posts[n%len(posts)]
		p.from = addressOf(ofAttackers, n%5000)
		return p
	})
	b := startBrowsers(t, s, browsersOptions{number: 8, pause: 250 * time.Millisecond})
	wait(attackTime(8 * time.Second))
	b.checkServed(t)
	t.Logf("answers: %v; peak %d MB", stop(), s.peak()>>20)
	checkNextBatch(t, s.address)
	s.checkMemory(t)
	checkStored(t, b.ledger, s.stored())
}

// A few hundred bytes must not become megabytes on the disk.
func TestResourceAmplification(t *testing.T) {
	for name, body := range swollen() {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, "")
			compressed := gzipped(t, body)
			p := post{from: addressOf(ofAttackers, 0), encoding: "gzip", body: compressed}
			answer, err := p.once(t.Context(), s.address)
			require.NoError(t, err)
			checkAnswer(t, answer)
			written := s.bytesStored(t)
			t.Logf("%d bytes, %d decompressed: %d, %d bytes on disk", len(compressed), len(body), answer.Status, written)
			require.LessOrEqual(t, written, int64(maxGrowth*len(body)), "bytes on disk")
			attackWithBody(t, s, s.address, body)
		})
	}
}

// maxGrowth is the most that a batch may grow from its decompressed size to the
// disk.
const maxGrowth = 20

// attackWithBody sends a body 64 times at once, alternately plain and compressed,
// from 64 addresses.
func attackWithBody(t *testing.T, s *server, target string, body []byte) {
	t.Helper()
	const n = 64
	require.LessOrEqual(t, len(body), mebibyte)
	compressed := gzipped(t, body[1:])
	posts := make([]post, n)
	for i := range posts {
		posts[i] = post{from: addressOf(ofAttackers, i), body: slices.Concat(batchID(i), body[1:])}
		if i%2 == 1 {
			// Two members of a gzip file are one body.
			posts[i].encoding, posts[i].body = "gzip", slices.Concat(gzipped(t, batchID(i)), compressed)
		}
	}
	statuses := volley(t, target, posts)
	checkNextBatch(t, target)
	t.Logf("%d bytes, %d compressed, sent %d times: %v, peak of resident memory %d MB",
		len(body), len(compressed), n, statuses, s.peak()>>20)
	s.checkMemory(t)
}

// batchID is the beginning of a batch.
func batchID(n int) []byte { return fmt.Appendf(nil, `{"batchId":"%06d",`, n) }

func gzipped(t *testing.T, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	require.NoError(t, err)
	_, err = w.Write(body)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}
