// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package backends

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const aDay = 24 * time.Hour

// requireHold requires that the servers have every entry of the files once, as it is in
// the files, and nothing else.
func (s *servers) requireHold(t *testing.T, files dayFiles) {
	t.Run("Loki", func(t *testing.T) { s.Loki.requireHolds(t, files) })
	t.Run("Prometheus", func(t *testing.T) { s.Prometheus.requireHolds(t, files) })
	t.Run("Jaeger", func(t *testing.T) { s.Jaeger.requireHolds(t, files) })
}

// eachSpan calls do for consecutive spans of days that cover all entries of the files.
func (f dayFiles) eachSpan(tb testing.TB, days time.Duration, do func(from, to time.Time)) {
	tb.Helper()
	from, to := f.span(tb)
	for ; from.Before(to); from = from.Add(days) {
		do(from, from.Add(days))
	}
}

// span returns the earliest and the latest time that an entry of the files can have, in
// whole days.
func (f dayFiles) span(tb testing.TB) (from, to time.Time) {
	tb.Helper()
	var days []time.Time
	for file := range f {
		day, err := time.Parse(time.DateOnly, strings.TrimSuffix(file.Name, ".jsonl"))
		require.NoError(tb, err)
		days = append(days, day)
	}
	first, last := slices.MinFunc(days, time.Time.Compare), slices.MaxFunc(days, time.Time.Compare)
	return first.Add(-maxBehind), last.Add(2 * aDay) // the second is for maxAhead
}

// shown is what a line in Loki shows of an entry.
type shown struct {
	Time                            time.Time // the nanoseconds are the line number
	Session, Release, Level, Text   string
	TraceID, SpanID, Name, Quantity string
}

func (l loki) requireHolds(tb testing.TB, files dayFiles) {
	tb.Helper()
	l.requireCounts(tb, files)
	seen := map[place]bool{}
	for _, signal := range signals {
		// Three days take hardly longer than one, and Loki returns that many lines.
		files.eachSpan(tb, 3*aDay, func(from, to time.Time) {
			for _, line := range l.Lines(tb, `{saberloop_signal="`+signal+`"}`, from, to) {
				at := line.place(tb)
				require.False(tb, seen[at], "%v is there twice", at)
				seen[at] = true
				line.requireShows(tb, at, files.Entry(tb, at))
			}
		})
	}
	require.Len(tb, seen, files.Lines())
}

// requireCounts requires that Loki has the number of lines of each file. It is for an
// import after requireHolds, which compared each line.
func (l loki) requireCounts(tb testing.TB, files dayFiles) {
	tb.Helper()
	want := map[dayFile]int{}
	for file, lines := range files {
		want[file] = len(lines)
	}
	// A line that was sent again may count twice until one of its chunks is flushed, about
	// a second later.
	require.EventuallyWithT(tb, func(c *assert.CollectT) { assert.Equal(c, want, l.counts(tb)) }, time.Minute, time.Second)
}

// counts returns the number of lines that Loki has of each file.
func (l loki) counts(tb testing.TB) map[dayFile]int {
	tb.Helper()
	counts := map[dayFile]int{}
	query := `sum by (saberloop_signal, log_file_name) (count_over_time({service_name=~".+"}[1000d]))`
	for _, s := range l.Instant(tb, query, time.Now().Add(aDay)) {
		counts[dayFile{s.Labels["saberloop_signal"], s.Labels["log_file_name"]}] = int(s.Points[0].Value)
	}
	return counts
}

// requireShows compares a line with its entry.
func (l logLine) requireShows(tb testing.TB, at place, e entry) {
	tb.Helper()
	if want := e.shown(at); l.shown(at.Signal) != want {
		require.Equal(tb, want, l.shown(at.Signal), "%v", at)
	}
	for key, value := range flatMembers(e.Context, e.Attributes, e.Labels) {
		if value = label(value); l.Labels[key] != value {
			require.Equal(tb, value, l.Labels[key], "%v: %s", at, key)
		}
	}
}

// place returns the place of the line's entry.
func (l logLine) place(tb testing.TB) place {
	tb.Helper()
	number, err := strconv.Atoi(l.Labels["log_file_record_number"])
	require.NoError(tb, err, "%v", l)
	return place{dayFile{l.Labels["saberloop_signal"], l.Labels["log_file_name"]}, number}
}

func (l logLine) shown(signal string) shown {
	s := shown{
		Time: l.Time, Text: l.Text,
		Session: l.Labels["session_id"], Release: l.Labels["service_version"], Level: l.Labels["severity_text"],
		TraceID: l.Labels["trace_id"], SpanID: l.Labels["span_id"],
	}
	switch signal {
	case "traces":
		s.Name, s.Quantity = l.Labels["span_name"], l.Labels["span_duration_ms"]
	case "metrics":
		s.Name, s.Quantity = l.Labels["metric_name"], l.Labels["metric_value"]
	}
	if quantity, ok := number(s.Quantity); ok {
		s.Quantity = plain(quantity)
	}
	return s
}

func (e entry) shown(at place) shown {
	s := shown{Time: e.Time().Add(time.Duration(at.Number % 1e6)), Session: label(e.Session()), Release: label(e.Release())}
	switch at.Signal {
	case "logs":
		s.Level, _ = e.Level.(string)
		s.Level = label(s.Level)
		s.Text = text(e.Message)
		if object, ok := e.Context.(map[string]any); ok {
			s.TraceID = hexID(object["traceId"], 16)
		}
	case "traces":
		if e.Failed() {
			s.Level = "error"
		}
		s.TraceID, s.SpanID = e.IDs(at)
		s.Name, _ = e.Name.(string)
		s.Quantity = plain(float64(e.Took()) / 1e6)
		s.Text = s.Name + " " + s.Quantity + " ms"
	case "metrics":
		s.Name, _ = e.Name.(string)
		s.Text = s.Name
		if value, ok := number(e.Value); ok {
			s.Quantity = plain(value)
			s.Text += " " + s.Quantity
		}
	}
	return s
}

// label returns a text as it is in Loki's labels: without U+FFFD.
func label(text string) string { return strings.ReplaceAll(text, "\ufffd", " ") }

// plain returns the spelling of a number for comparisons.
func plain(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// plainKey matches a key that Loki does not change.
var plainKey = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*$`)

// flatMembers returns the members of objects by the names that Loki gives them:
// {"a":{"b":1}} has a_b. It leaves out keys that Loki changes.
func flatMembers(values ...any) map[string]string {
	flat := map[string]string{}
	var add func(prefix string, value any)
	add = func(prefix string, value any) {
		object, _ := value.(map[string]any)
		for key, member := range object {
			if !plainKey.MatchString(key) {
				continue
			}
			if _, ok := member.(map[string]any); ok {
				add(prefix+key+"_", member)
			} else {
				flat[prefix+key] = text(member)
			}
		}
	}
	for _, value := range values {
		add("", value)
	}
	return flat
}

// sample is a point as Prometheus stores it.
type sample struct {
	Time         time.Time
	Value        float64
	Name, Labels string
}

func (p prometheus) requireHolds(tb testing.TB, files dayFiles) {
	tb.Helper()
	want := map[sample]int{}
	files.Each(tb, "metrics", func(_ place, e entry) {
		if s, ok := e.sample(); ok {
			want[s]++
		}
	})
	got := map[sample]int{}
	files.eachSpan(tb, aDay, func(_, to time.Time) {
		// A range excludes its start and includes its end.
		for _, s := range p.Instant(tb, `{__name__=~".+",__name__!="target_info"}[1d]`, to.Add(-time.Millisecond)) {
			name := s.Labels["__name__"]
			require.Equal(tb, "saberloop", s.Labels["job"])
			// The marks are not labels of the client.
			for _, own := range []string{"__name__", "job", "saberloop_occurrence"} {
				delete(s.Labels, own)
			}
			for _, point := range s.Points {
				got[sample{point.Time, point.Value, name, spelt(s.Labels)}]++
			}
		}
	})
	requireSameCounts(tb, want, got, func(s sample) string { return s.Time.Format(time.DateOnly) })
}

// sample returns the sample that Prometheus has to store, if the point can be one.
func (e entry) sample() (sample, bool) {
	name, _ := e.Name.(string)
	value, ok := number(e.Value)
	if name == "" || !ok {
		return sample{}, false
	}
	labels := members(e.Labels)
	maps.DeleteFunc(labels, func(key, _ string) bool {
		return key == "job" || key == "instance" || strings.HasPrefix(key, "__")
	})
	for _, key := range []string{"", "_"} { // not names in Prometheus
		if value, ok := labels[key]; ok {
			delete(labels, key)
			labels["key "+key] = value
		}
	}
	if e.Release() != "" {
		labels["service.version"] = e.Release()
	}
	if received := e.ReceivedAt.Format(time.DateOnly); received != e.Time().Format(time.DateOnly) {
		labels["saberloop_received"] = received
	}
	return sample{e.Time(), value, name, spelt(labels)}, true
}

// spelt returns a set of labels as a string.
func spelt(labels map[string]string) string {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		b.WriteString(key + "=" + strconv.Quote(labels[key]) + " ")
	}
	return b.String()
}

// stored is a span as Jaeger stores it: in microseconds.
type stored struct {
	TraceID, SpanID  string
	Start            time.Time
	Microseconds     int64
	Name             string
	Session, Release string
	Failed           bool
}

func (j jaeger) requireHolds(tb testing.TB, files dayFiles) {
	tb.Helper()
	want, got := map[stored]int{}, map[stored]int{}
	files.Each(tb, "traces", func(at place, e entry) {
		want[e.stored(at)] = 1 // also if it was sent twice
	})
	files.eachSpan(tb, aDay, func(from, to time.Time) {
		for _, span := range j.Search(tb, "saberloop", nil, from, to.Add(-time.Microsecond), 1_000_000) {
			s := span.stored()
			// Jaeger returns whole traces, even if only a part is of this day.
			if !s.Start.Before(from) && s.Start.Before(to) {
				got[s]++
			}
		}
	})
	requireSameCounts(tb, want, got, func(s stored) string { return s.Start.Format(time.DateOnly) })
}

func (e entry) stored(at place) stored {
	trace, span := e.IDs(at)
	name, _ := e.Name.(string)
	return stored{
		TraceID: trace, SpanID: span, Name: name,
		Start:        e.Start().Truncate(time.Microsecond),
		Microseconds: max(0, e.Took().Microseconds()), // Jaeger has no negative durations
		Session:      e.Session(), Release: e.Release(), Failed: e.Failed(),
	}
}

func (s span) stored() stored {
	return stored{
		TraceID: s.TraceID, SpanID: s.SpanID, Name: s.OperationName,
		Start: time.UnixMicro(s.StartTime).UTC(), Microseconds: s.Duration,
		Session: tagOf(s.Tags, "session.id"), Release: tagOf(s.Process, "service.version"), Failed: slices.Contains(s.Tags, jaegerValue{"error", "bool", true}),
	}
}

// requireSameCounts compares counts: first in sums per day, which are easy to read, then
// one by one.
func requireSameCounts[K comparable](tb testing.TB, want, got map[K]int, day func(K) string) {
	tb.Helper()
	perDay := func(counts map[K]int) map[string]int {
		sums := map[string]int{}
		for key, n := range counts {
			sums[day(key)] += n
		}
		return sums
	}
	require.Equal(tb, perDay(want), perDay(got), "per day")
	for key, n := range want {
		require.Equal(tb, n, got[key], "%+v", key)
	}
	require.Len(tb, got, len(want))
}
