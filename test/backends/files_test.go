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

// The bounds of import.yaml beyond which a client's clock is not believed.
const (
	maxAhead  = 5 * time.Minute
	maxBehind = 168 * time.Hour
)

// signals are the folders of day files.
var signals = []string{"logs", "traces", "metrics"}

// dayFiles are the lines of a directory's day files. They and the entries in
// them are read by nothing that the collector is made of: docs/format.md, once
// more, as far as the servers show it.
type dayFiles map[dayFile][][]byte

type dayFile struct {
	Signal string // one of signals
	Name   string // 2025-12-22.jsonl
}

// place is where an entry stands.
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

// Lines is the number of all lines.
func (f dayFiles) Lines() (n int) {
	for _, lines := range f {
		n += len(lines)
	}
	return n
}

// Each calls do with all entries of a signal, in order.
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

// Entry is the entry at a place.
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

// entry is a line's members, numbers as they are spelt. What is of any type is
// what clients send in any type.
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

// tail is what a line tells of its resource.
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

// Release is the release that the client said it is, if it did.
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

// Time is where the entry is on a server's time line: where the client says,
// unless it doesn't or its clock must be wrong. Of a span it is the end.
func (e entry) Time() time.Time {
	text, _ := e.Timestamp.(string)
	at, err := time.Parse("2006-01-02T15:04:05.000Z", text)
	if ahead := at.Sub(e.ReceivedAt); err != nil || ahead > maxAhead || -ahead > maxBehind {
		return e.ReceivedAt
	}
	return at
}

// Session is the id of the entry's session, empty where it says none.
func (e entry) Session() string {
	session, _ := e.SessionID.(string)
	return session
}

// IDs are a span's trace and span id. One that the client sent none of gets it
// from where the span stands, as import.yaml says.
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

// hexID is a client's id as servers have it, of so many bytes; empty for what
// is no string.
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

// Took is how long a span took, 0 where it doesn't say.
func (e entry) Took() time.Duration {
	if text, ok := e.Duration.(string); ok {
		e.Duration = strings.TrimSuffix(text, "ms")
	}
	ms, _ := number(e.Duration)
	return time.Duration(math.Round(ms * 1e6))
}

// Failed tells whether a span's error is one to JavaScript.
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

// Start is when a span began.
func (e entry) Start() time.Time { return e.Time().Add(-e.Took()) }

// number is a number, or a string that holds one.
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

// members are those of a value that is an object, as text; of one that is
// something else there are none.
func members(value any) map[string]string {
	texts := map[string]string{}
	object, _ := value.(map[string]any)
	for key, member := range object {
		texts[key] = text(member)
	}
	return texts
}

// text is a JSON value as labels and bodies show it.
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

// numberText is how a number is shown. An integer beyond 64 bits that no
// double holds is bytes, its digits, which OpenTelemetry shows in base64.
func numberText(n json.Number) string {
	if _, err := n.Int64(); err == nil || strings.ContainsAny(n.String(), ".eE") {
		return n.String()
	}
	return base64.StdEncoding.EncodeToString([]byte(n))
}
