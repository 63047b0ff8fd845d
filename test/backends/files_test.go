// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package backends

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The limits of import.yaml for the difference between client clock and received_at.
const (
	maxAhead  = 5 * time.Minute
	maxBehind = 168 * time.Hour
)

// signals are the directories of the day files.
var signals = []string{"logs", "traces", "metrics"}

// dayFiles has the lines of the day files in a directory. The code here is a second
// implementation of docs/format.md and shares none with the collector.
type dayFiles map[dayFile][][]byte

type dayFile struct {
	Signal string // one of signals
	Name   string // 2025-12-22.jsonl
}

// place identifies an entry in the day files.
type place struct {
	dayFile
	Number int // of the line, from 1 on
}

func readDayFiles(tb testing.TB, directory string) dayFiles {
	tb.Helper()
	paths, err := filepath.Glob(filepath.Join(directory, "*", "*.jsonl"))
	require.NoError(tb, err)
	require.NotEmpty(tb, paths)
	files := dayFiles{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		require.NoError(tb, err)
		file := dayFile{filepath.Base(filepath.Dir(path)), filepath.Base(path)}
		files[file] = bytes.Split(bytes.TrimSuffix(content, []byte{'\n'}), []byte{'\n'})
	}
	return files
}

// Lines returns the number of lines.
func (f dayFiles) Lines() (n int) {
	for _, lines := range f {
		n += len(lines)
	}
	return n
}

// Each calls do for all entries of a signal, in order.
func (f dayFiles) Each(tb testing.TB, signal string, do func(place, entry)) {
	tb.Helper()
	for _, file := range slices.SortedFunc(maps.Keys(f), func(a, b dayFile) int { return strings.Compare(a.Name, b.Name) }) {
		if file.Signal != signal {
			continue
		}
		for i := range f[file] {
			at := place{file, i + 1}
			do(at, f.Entry(tb, at))
		}
	}
}

// Entry returns the entry at a place.
func (f dayFiles) Entry(tb testing.TB, at place) entry {
	tb.Helper()
	lines := f[at.dayFile]
	require.True(tb, 1 <= at.Number && at.Number <= len(lines), "%v is no place in the files", at)
	decoder := json.NewDecoder(bytes.NewReader(lines[at.Number-1]))
	decoder.UseNumber()
	var e entry
	require.NoError(tb, decoder.Decode(&e), "%v", at)
	require.False(tb, e.ReceivedAt.IsZero(), "%v", at)
	return e
}

// entry has the members of a line. Clients may send any type for the members of type any.
type entry struct {
	Timestamp any `json:"timestamp"`
	SessionID any `json:"sessionId"`

	Level   any `json:"level"`
	Message any `json:"message"`
	Context any `json:"context"`

	TraceID    any `json:"traceId"`
	SpanID     any `json:"spanId"`
	Name       any `json:"name"`
	Duration   any `json:"duration"`
	Attributes any `json:"attributes"`

	Value  any `json:"value"`
	Labels any `json:"labels"`

	ReceivedAt      time.Time `json:"received_at"`
	ResourceLogs    tail      `json:"resourceLogs"`
	ResourceSpans   tail      `json:"resourceSpans"`
	ResourceMetrics tail      `json:"resourceMetrics"`
}

// tail is the resource of a line.
type tail []struct {
	Resource struct {
		Attributes []struct {
			Key   string `json:"key"`
			Value struct {
				StringValue string `json:"stringValue"`
			} `json:"value"`
		} `json:"attributes"`
	} `json:"resource"`
}

// Release returns the release of the client, or "".
func (e entry) Release() string {
	for _, t := range slices.Concat(e.ResourceLogs, e.ResourceSpans, e.ResourceMetrics) {
		for _, attribute := range t.Resource.Attributes {
			if attribute.Key == "service.version" {
				return attribute.Value.StringValue
			}
		}
	}
	return ""
}

// Time returns the time of the entry in the servers: the client's, or received_at if there
// is none or the clock must be wrong. For a span it is the end.
func (e entry) Time() time.Time {
	text, _ := e.Timestamp.(string)
	at, err := time.Parse("2006-01-02T15:04:05.000Z", text)
	if ahead := at.Sub(e.ReceivedAt); err != nil || ahead > maxAhead || -ahead > maxBehind {
		return e.ReceivedAt
	}
	return at
}

// Session returns the session id, or "".
func (e entry) Session() string {
	session, _ := e.SessionID.(string)
	return session
}

// IDs returns the trace id and span id of a span. Missing ids are made from its place, as
// in import.yaml.
func (e entry) IDs(at place) (trace, span string) {
	trace, span = hexID(e.TraceID, 16), hexID(e.SpanID, 8)
	if trace == "" {
		trace = hexID(fmt.Sprintf("trace %s %d", at.Name, at.Number), 16)
	}
	if span == "" {
		span = hexID(fmt.Sprintf("span %s %d", at.Name, at.Number), 8)
	}
	return trace, span
}

// hexID returns a client's id as the servers have it, with size bytes, or "" if it is not
// a string.
func hexID(id any, size int) string {
	text, ok := id.(string)
	if !ok {
		return ""
	}
	if len(text) == 2*size && strings.Trim(text, "0123456789abcdef") == "" {
		return text
	}
	hash := sha256.Sum256([]byte(text))
	return hex.EncodeToString(hash[:size])
}

// Took returns the duration of a span, or 0 if it has none.
func (e entry) Took() time.Duration {
	if text, ok := e.Duration.(string); ok {
		e.Duration = strings.TrimSuffix(text, "ms")
	}
	ms, _ := number(e.Duration)
	return time.Duration(math.Round(ms * 1e6))
}

// Failed reports whether the error of a span is true in JavaScript.
func (e entry) Failed() bool {
	attributes, _ := e.Attributes.(map[string]any)
	switch v := attributes["error"].(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case json.Number:
		f, _ := v.Float64()
		return f != 0
	default:
		return true
	}
}

// Start returns the start of a span.
func (e entry) Start() time.Time { return e.Time().Add(-e.Took()) }

// number converts a number, or a string that holds one.
func number(value any) (float64, bool) {
	var text string
	switch v := value.(type) {
	case json.Number:
		text = v.String()
	case string:
		text = v
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil
}

// members returns the members of an object as text, and none for other values.
func members(value any) map[string]string {
	texts := map[string]string{}
	object, _ := value.(map[string]any)
	for key, member := range object {
		texts[key] = text(member)
	}
	return texts
}

// text returns a JSON value as it is in labels and bodies.
func text(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return numberText(v)
	default:
		encoded, err := json.Marshal(v)
		if err != nil {
			panic(fmt.Sprintf("%T: %v", value, err)) // what was decoded can be encoded
		}
		return string(encoded)
	}
}

// numberText returns the text of a number. An integer beyond 64 bits is stored as bytes,
// its digits, which OpenTelemetry shows in base64.
func numberText(n json.Number) string {
	if _, err := n.Int64(); err == nil || strings.ContainsAny(n.String(), ".eE") {
		return n.String()
	}
	return base64.StdEncoding.EncodeToString([]byte(n))
}
