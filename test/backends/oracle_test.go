// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package backends

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/demodata"
)

// event is a generated entry and what a dashboard shows of it.
type event struct {
	place
	at               time.Time // the end of a span
	shownAt          time.Time // in Loki
	session, release string    // empty if the client has none
	text             string    // the line

	level string // of a log, in lower case

	name string // of a span or point

	took   time.Duration
	failed bool
	trace  string

	value    float64
	measured bool // there is a value
	labels   map[string]string
}

// severe reports whether a log is an error.
func (e *event) severe() bool {
	return e.Signal == "logs" && slices.Contains([]string{"error", "fatal", "critical"}, e.level)
}

func (e *event) ms() float64 { return float64(e.took) / 1e6 }

// start returns the start of a span as Jaeger has it.
func (e *event) start() time.Time { return e.at.Add(-e.took).Truncate(time.Microsecond) }

// nameOrUnknown and releaseOrUnknown return names as panels show them.
func (e *event) nameOrUnknown() string { return orUnknown(e.name) }

func (e *event) releaseOrUnknown() string { return orUnknown(e.release) }

func orUnknown(text string) string {
	if text == "" {
		return "unknown"
	}
	return text
}

var digits = regexp.MustCompile(`[0-9]+([.,][0-9]+)*`)

// kind returns the message of a log with its numbers replaced, cut after 200 characters.
func (e *event) kind() string {
	if e.text == "" {
		return "(no message)"
	}
	kind := []rune(digits.ReplaceAllLiteralString(e.text, "#"))
	return string(kind[:min(len(kind), 200)])
}

// events are entries of a month.
type events []*event

// eventsOf returns the entries in the POSTs of a month, as they were generated.
func eventsOf(tb testing.TB, month demodata.Month) (all events) {
	tb.Helper()
	for day := range month.Days {
		file := month.First.AddDate(0, 0, day).Format(time.DateOnly) + ".jsonl"
		lines := map[string]int{}
		for _, post := range month.Posts(day) {
			var batch struct {
				Logs, Traces, Metrics []entry
				Resource              map[string]string
			}
			decoder := json.NewDecoder(bytes.NewReader(post.Body))
			decoder.UseNumber()
			require.NoError(tb, decoder.Decode(&batch))
			for signal, entries := range map[string][]entry{"logs": batch.Logs, "traces": batch.Traces, "metrics": batch.Metrics} {
				for _, e := range entries {
					e.ReceivedAt = post.ReceivedAt
					lines[signal]++
					all = append(all, newEvent(e, place{dayFile{signal, file}, lines[signal]}, batch.Resource["service.version"]))
				}
			}
		}
	}
	return all
}

func newEvent(e entry, at place, release string) *event {
	shown := e.shown(at)
	event := &event{
		place: at, at: e.Time(), shownAt: shown.Time, session: e.Session(), release: release,
		text: shown.Text, name: shown.Name,
	}
	switch at.Signal {
	case "logs":
		event.level = strings.ToLower(shown.Level)
	case "traces":
		event.took, event.failed, event.trace = e.Took(), e.Failed(), shown.TraceID
	case "metrics":
		event.value, event.measured = number(e.Value)
		event.labels = members(e.Labels)
	}
	return event
}

// where returns the events for which keep is true.
func (all events) where(keep func(*event) bool) (some events) {
	for _, e := range all {
		if keep(e) {
			some = append(some, e)
		}
	}
	return some
}

// of returns the events of a signal.
func (all events) of(signal string) events {
	return all.where(func(e *event) bool { return e.Signal == signal })
}

// by groups events by a key.
func by[K comparable](all events, key func(*event) K) map[K]events {
	groups := map[K]events{}
	for _, e := range all {
		k := key(e)
		groups[k] = append(groups[k], e)
	}
	return groups
}

// count returns the number of events.
func (all events) count() float64 { return float64(len(all)) }

// sessions returns the number of sessions.
func (all events) sessions() float64 {
	bySession := by(all, func(e *event) string { return e.session })
	delete(bySession, "")
	return float64(len(bySession))
}

// releases returns the number of releases. No release counts as one.
func (all events) releases() float64 {
	return float64(len(by(all, func(e *event) string { return e.release })))
}

// share returns the share of events for which is is true.
func share(is func(*event) bool) func(events) float64 {
	return func(all events) float64 { return all.where(is).count() / all.count() }
}

// quantile returns an interpolated quantile.
func quantile(q float64, of func(*event) float64) func(events) float64 {
	return func(all events) float64 {
		if len(all) == 0 {
			return math.NaN()
		}
		values := make([]float64, len(all))
		for i, e := range all {
			values[i] = of(e)
		}
		slices.Sort(values)
		rank := q * float64(len(values)-1)
		below := int(rank)
		above := min(below+1, len(values)-1)
		weight := rank - float64(below)
		return values[below]*(1-weight) + values[above]*weight
	}
}

// mean returns the mean of the points' values.
func (all events) mean() float64 {
	var sum float64
	for _, e := range all {
		sum += e.value
	}
	return sum / all.count()
}

// worst returns the largest of the points' values.
func (all events) worst() float64 {
	worst := math.Inf(-1)
	for _, e := range all {
		worst = max(worst, e.value)
	}
	return worst
}

// firstSeen and lastSeen return times in milliseconds, as in Grafana.
func (all events) firstSeen() float64 {
	return float64(slices.MinFunc(all, byTime).at.UnixMilli())
}

func (all events) lastSeen() float64 {
	return float64(slices.MaxFunc(all, byTime).at.UnixMilli())
}

func byTime(a, b *event) int { return a.at.Compare(b.at) }

func byShownTime(a, b *event) int { return a.shownAt.Compare(b.shownAt) }

// view is what an opened dashboard has to show.
type view struct {
	events
	from, to time.Time
	chosen   map[string]string
}

// during returns the events in the time range, without its start and with its end, as in
// a metric query.
func (v view) during(some events) events {
	return some.where(func(e *event) bool { return v.from.Before(e.shownAt) && !v.to.Before(e.shownAt) })
}

// chose reports whether a value is selected.
func (v view) chose(name, value string) bool {
	return v.chosen[name] == everything || v.chosen[name] == value
}

// perDay returns a graph with a line per name and a value per day that has events. Days are
// whole UTC days.
func (v view) perDay(some events, name func(*event) string, value func(events) float64) graph {
	shown := graph{}
	byDay := by(some, func(e *event) time.Time { return e.at.Truncate(aDay) })
	for day := v.from.Truncate(aDay); !day.After(v.to); day = day.Add(aDay) {
		for name, ofDay := range by(byDay[day], name) {
			shown.add(name, day, value(ofDay))
		}
	}
	return shown
}

// column is a column of a table.
type column struct {
	title string
	value func(events) float64
}

// perKey returns a table with a row per key.
func perKey[K comparable](some events, titles []string, key func(*event) K, cells func(K) []any, columns ...column) table {
	shown := table{Columns: titles}
	for _, c := range columns {
		shown.Columns = append(shown.Columns, c.title)
	}
	for k, ofKey := range by(some, key) {
		row := cells(k)
		for _, c := range columns {
			row = append(row, c.value(ofKey))
		}
		shown.Rows = append(shown.Rows, row)
	}
	return shown
}

// named returns a function that gives all events the same name.
func named(name string) func(*event) string { return func(*event) string { return name } }

// cell returns the first cell of a row.
func cell(text string) []any { return []any{text} }

// firstOf is a table that shows at most Limit rows, those with the highest values.
type firstOf struct {
	Limit int
	table
}

// lines are the lines that a logs panel shows, from top to bottom. Lines of the same time
// may be in any order.
type lines []*event

// lines returns the first events in the time range, sorted.
func (v view) lines(some events, order func(a, b *event) int, limit int) lines {
	shown := some.where(func(e *event) bool { return !e.shownAt.Before(v.from) && e.shownAt.Before(v.to) })
	slices.SortFunc(shown, order)
	return lines(shown[:min(limit, len(shown))])
}

// traces returns the table of the latest traces of some spans.
func (v view) traces(some events, limit int) table {
	wanted := map[string]bool{}
	for _, e := range some {
		if start := e.start(); !start.Before(v.from) && !start.After(v.to) {
			wanted[e.trace] = true
		}
	}
	roots := map[string]*event{}
	for _, e := range v.of("traces") {
		if root := roots[e.trace]; wanted[e.trace] && (root == nil || e.start().Before(root.start())) {
			roots[e.trace] = e
		}
	}
	latest := slices.SortedFunc(maps.Values(roots), func(a, b *event) int { return b.start().Compare(a.start()) })
	shown := table{Columns: []string{"Trace ID", "Trace name", "Start time", "Duration"}}
	for _, e := range latest[:min(limit, len(latest))] {
		took := max(0, e.took.Microseconds()) // Jaeger has no negative durations
		shown.Rows = append(shown.Rows, []any{e.trace, "saberloop: " + e.name, e.start(), float64(took)})
	}
	return shown
}
