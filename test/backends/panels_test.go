// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package backends

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// expectation is what a panel's target is to answer, by the files.
type expectation func(o oracle) values

// What the panels that show numbers are to show, target by target. Those that
// show lines and traces have tests of their own below.
var numbers = map[string]map[string][]expectation{
	"overview":   overview,
	"errors":     errorPanels,
	"web-vitals": webVitals(),
	"api-calls":  apiCalls,
	"session":    sessionPanels,
}

// lists are the panels that show no numbers.
var lists = map[string][]string{
	"errors":    {"Latest errors"},
	"api-calls": {"Failed calls"},
	"session":   {"What happened", "Spans", "Sessions"},
}

func everything(row) bool   { return true }
func ofSessions(r row) bool { return r.Session != "" }
func all(sel ...selector) selector {
	return func(r row) bool {
		return !slices.ContainsFunc(sel, func(s selector) bool { return !s(r) })
	}
}
func ofSignal(signal string) selector { return func(r row) bool { return r.Signal == signal } }

var (
	bySignal  = by(map[string]func(row) string{"saberloop_signal": func(r row) string { return r.Signal }})
	byRelease = by(map[string]func(row) string{"service_version": row.release})
	bySpan    = by(map[string]func(row) string{"span_name": row.name})
	byMetric  = by(map[string]func(row) string{"metric_name": row.name})
	byMessage = by(map[string]func(row) string{"group": row.message})
	byPlace   = by(map[string]func(row) string{"device": label("device"), "page": label("page")})
)

func (r row) release() string { return r.Release }
func (r row) name() string    { return r.Name }
func label(key string) func(row) string {
	return func(r row) string { return r.Labels[key] }
}

// matches is what =~ is to Loki: the whole of the value counts, and an empty
// expression matches everything.
func matches(expression, value string) bool {
	return expression == "" || regexp.MustCompile("^(?s:"+expression+")$").MatchString(value)
}

var overview = map[string][]expectation{
	"Sessions": {func(o oracle) values { return o.inRange(ofSessions, together, sessions) }},
	"Entries":  {func(o oracle) values { return o.inRange(everything, together, count) }},
	"Errors":   {func(o oracle) values { return o.inRange(row.isError, together, count) }},
	"Sessions with an error": {func(o oracle) values {
		return o.inRange(ofSessions, together, func(rows []row) (float64, bool) {
			hit, _ := sessions(slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return !r.isError() }))
			visited, _ := sessions(rows)
			return hit / visited, true
		})
	}},
	"Sessions per day": {func(o oracle) values { return o.perDay(ofSessions, together, sessions) }},
	"Entries per day":  {func(o oracle) values { return o.perDay(everything, bySignal, count) }},
	"Logs per day by level": {func(o oracle) values {
		level := func(r row) string { return strings.ToLower(r.Level) }
		return o.perDay(ofSignal("logs"), by(map[string]func(row) string{"level": level}), count)
	}},
	"Sessions per day by release": {func(o oracle) values { return o.perDay(ofSessions, byRelease, sessions) }},
	"Mean of $metric per day":     {func(o oracle) values { return o.perDay(o.ofMetric, together, mean) }},
	"Points of $metric per day":   {func(o oracle) values { return o.perDay(o.ofMetric, together, count) }},
}

func (o oracle) ofMetric(r row) bool {
	return r.Signal == "metrics" && r.Valued && r.Name == o.Variables["metric"]
}

var errorPanels = map[string][]expectation{
	"Errors per day by release": {func(o oracle) values { return o.perDay(o.errors, byRelease, count) }},
	"Sessions hit per day":      {func(o oracle) values { return o.perDay(o.errors, together, sessions) }},
	"Errors": {
		func(o oracle) values { return o.inRange(o.errors, byMessage, count) },
		func(o oracle) values { return o.inRange(o.errors, byMessage, sessions) },
		func(o oracle) values { return o.inRange(o.errors, byMessage, extreme(math.Min, row.milliseconds)) },
		func(o oracle) values { return o.inRange(o.errors, byMessage, extreme(math.Max, row.milliseconds)) },
	},
	"Errors by release": {func(o oracle) values {
		return o.inRange(o.errors, by(map[string]func(row) string{"group": row.message, "service_version": row.release}), count)
	}},
}

func (o oracle) errors(r row) bool {
	return r.isError() && matches(o.Variables["release"], r.Release)
}

var apiCalls = map[string][]expectation{
	"p50 per day":        {func(o oracle) values { return o.perDay(o.calls, bySpan, quantile(0.5)) }},
	"p95 per day":        {func(o oracle) values { return o.perDay(o.calls, bySpan, quantile(0.95)) }},
	"p99 per day":        {func(o oracle) values { return o.perDay(o.calls, bySpan, quantile(0.99)) }},
	"Error rate per day": {func(o oracle) values { return o.perDay(o.calls, bySpan, share(row.failed)) }},
	"Calls per day":      {func(o oracle) values { return o.perDay(o.calls, bySpan, count) }},
	"Operations": {
		func(o oracle) values { return o.inRange(o.calls, bySpan, count) },
		func(o oracle) values { return o.inRange(o.calls, bySpan, share(row.failed)) },
		func(o oracle) values { return o.inRange(o.calls, bySpan, quantile(0.5)) },
		func(o oracle) values { return o.inRange(o.calls, bySpan, quantile(0.95)) },
		func(o oracle) values { return o.inRange(o.calls, bySpan, quantile(0.99)) },
	},
}

func (o oracle) calls(r row) bool {
	return r.Signal == "traces" && matches(o.Variables["operation"], r.Name)
}

func (r row) failed() bool { return r.Level == "error" }

// The thresholds are those of https://web.dev/articles/vitals.
func webVitals() map[string][]expectation {
	panels := map[string][]expectation{}
	for name, rating := range map[string]struct{ good, poor float64 }{
		"LCP": {2500, 4000}, "INP": {200, 500}, "CLS": {0.1, 0.25},
	} {
		points := func(o oracle) selector {
			return func(r row) bool {
				return r.Name == "web_vital_"+strings.ToLower(name) && r.Valued &&
					matches(o.Variables["device"], r.Labels["device"]) && matches(o.Variables["page"], r.Labels["page"])
			}
		}
		good := func(r row) bool { return r.Value <= rating.good }
		poor := func(r row) bool { return r.Value > rating.poor }
		between := func(r row) bool { return !good(r) && !poor(r) }
		perDay := func(which selector) expectation {
			return func(o oracle) values { return o.perDay(points(o), together, share(which)) }
		}
		perPlace := func(what aggregate) expectation {
			return func(o oracle) values { return o.inRange(points(o), byPlace, what) }
		}
		panels[name+" p75"] = []expectation{func(o oracle) values { return o.inRange(points(o), byMetric, quantile(0.75)) }}
		panels[name+" p75 per day"] = []expectation{func(o oracle) values { return o.perDay(points(o), byMetric, quantile(0.75)) }}
		panels[name+" per day: good, needs improvement, poor"] = []expectation{perDay(good), perDay(between), perDay(poor)}
		panels[name+" by device and page"] = []expectation{
			perPlace(quantile(0.75)), perPlace(count), perPlace(share(good)), perPlace(share(between)), perPlace(share(poor)),
		}
	}
	return panels
}

var sessionPanels = map[string][]expectation{
	"Entries": {func(o oracle) values { return o.inRange(o.ofSession, together, count) }},
	"Errors": {func(o oracle) values {
		found := o.inRange(all(o.ofSession, row.isError), together, count)
		found[""] += 0 // A session without errors has none, rather than no number.
		return found
	}},
	"Vitals": {func(o oracle) values {
		return o.inRange(all(o.ofSession, row.isVital), byMetric, extreme(math.Max, func(r row) float64 { return r.Value }))
	}},
}

func (o oracle) ofSession(r row) bool { return r.Session == o.Variables["session"] }

func (r row) isVital() bool {
	return r.Signal == "metrics" && r.Valued && strings.HasPrefix(r.Name, "web_vital_")
}

func TestEveryPanelHasAnExpectation(t *testing.T) {
	want, got := map[string][]string{}, map[string][]string{}
	for name, d := range dashboards(t) {
		for _, p := range d.Panels {
			got[name] = append(got[name], p.Title)
			if expectations := numbers[name][p.Title]; expectations != nil {
				require.Len(t, p.Targets, len(expectations), "%s: %s", name, p.Title)
			}
		}
		slices.Sort(got[name])
		want[name] = slices.Sorted(maps.Keys(numbers[name]))
		want[name] = append(want[name], lists[name]...)
		slices.Sort(want[name])
	}
	require.Equal(t, want, got)
	require.Len(t, got, len(numbers))
}

// The variables' values beyond those that dashboards come with.
var selections = map[string][]map[string]string{
	"overview":   {{"metric": "web_vital_inp"}, {"metric": "odd name é"}},
	"errors":     {{"release": `2\.0\.0`}, {"release": "^$"}, {"release": ""}},
	"web-vitals": {{"device": "mobile"}, {"device": "desktop", "page": "/quiz"}},
	"api-calls":  {{"operation": `api\.saveResult`}, {"operation": `odd\..+`}},
}

// Every number that a panel shows is the one that the files give.
func TestPanelsShowWhatIsInTheFiles(t *testing.T) {
	m := sharedMonth(t)
	rows := m.files.rows(t)
	now := time.Now()
	for name, d := range dashboards(t) {
		views := []view{d.lastMonth(now)}
		for _, selection := range selections[name] {
			views = append(views, views[0].with(selection))
		}
		if name == "session" {
			views = nil
			for _, id := range m.someSessions() {
				views = append(views, d.lastMonth(now).with(map[string]string{"session": id}))
			}
		}
		for _, p := range d.Panels {
			for i, expect := range numbers[name][p.Title] {
				asked := map[string]bool{}
				for _, v := range views {
					query := v.fill(t, p.Targets[i].Expr)
					if asked[query] {
						continue // What this view differs in is not in the query.
					}
					asked[query] = true
					t.Run(fmt.Sprintf("%s/%s/%s/%v", name, p.Title, p.Targets[i].RefID, v.Variables), func(t *testing.T) {
						requireValues(t, expect(oracle{v, rows}), m.ask(t, p.Targets[i], v))
					})
				}
			}
		}
	}
}

// requireValues compares values, which differ in how they are rounded.
func requireValues(t *testing.T, want, got values) {
	t.Helper()
	for key, value := range got {
		w, ok := want[key]
		require.True(t, ok, "%q: %v is not in the files", key, value)
		require.InDelta(t, w, value, 1e-9*max(1, math.Abs(w)), "%q", key)
	}
	for key, value := range want {
		require.Contains(t, got, key, "where the files have %v", value)
	}
}

// A variable offers what is there.
func TestVariablesOfferWhatIsInTheFiles(t *testing.T) {
	m := sharedMonth(t)
	rows := m.files.rows(t)
	offered := func(which selector, value func(row) string) []string {
		found := map[string]bool{}
		for _, r := range rows {
			if v := value(r); v != "" && r.Signal == "metrics" && r.Valued && r.Name != "" && which(r) {
				found[v] = true
			}
		}
		return slices.Sorted(maps.Keys(found))
	}
	want := map[string][]string{
		"overview metric":   offered(everything, row.name),
		"web-vitals device": offered(row.isVital, label("device")),
		"web-vitals page":   offered(row.isVital, label("page")),
	}
	got := map[string][]string{}
	for name, d := range dashboards(t) {
		for _, variable := range d.Templating.List {
			if variable.Type == "textbox" {
				continue // It offers nothing.
			}
			// Some points are received long after their time, on days before.
			options := m.options(t, variable, view{From: m.First.Add(-maxBehind), To: time.Now()})
			slices.Sort(options)
			got[name+" "+variable.Name] = options
		}
	}
	require.Equal(t, want, got)
}

func panelOf(t *testing.T, d dashboard, title string) target {
	t.Helper()
	i := slices.IndexFunc(d.Panels, func(p panel) bool { return p.Title == title })
	require.GreaterOrEqual(t, i, 0, title)
	require.Len(t, d.Panels[i].Targets, 1)
	return d.Panels[i].Targets[0]
}

func TestLatestErrors(t *testing.T) {
	m := sharedMonth(t)
	d := dashboards(t)["errors"]
	target := panelOf(t, d, "Latest errors")
	for _, release := range []string{".*", `2\.0\.0`} {
		v := d.lastMonth(time.Now()).with(map[string]string{"release": release})
		o := oracle{v, m.files.rows(t)}
		var want []row
		for _, r := range o.rows {
			if o.errors(r) && !r.Time.Before(v.From) && r.Time.Before(v.To) {
				want = append(want, r)
			}
		}
		slices.SortFunc(want, func(a, b row) int { return b.Time.Compare(a.Time) })
		require.Greater(t, len(want), target.MaxLines)
		lines := m.askLines(t, target, v)
		require.Len(t, lines, target.MaxLines)
		seen := map[place]bool{}
		for i, line := range lines {
			at := line.place(t)
			require.False(t, seen[at], "%v is shown twice", at)
			seen[at] = true
			require.Equal(t, want[i].Time, line.Time, "the %dth latest", i)
			require.True(t, slices.ContainsFunc(want, func(r row) bool { return r.place == at }), "%v is no error", at)
		}
	}
}

// One session's logs, spans and points, in the order in which they happened.
func TestSession(t *testing.T) {
	m := sharedMonth(t)
	rows := m.files.rows(t)
	d := dashboards(t)["session"]
	for _, id := range m.someSessions() {
		t.Run(id, func(t *testing.T) {
			v := d.lastMonth(time.Now()).with(map[string]string{"session": id})
			o := oracle{v, rows}
			want := map[place]bool{}
			spans := map[string]bool{}
			for _, r := range rows {
				if !o.ofSession(r) || r.Time.Before(v.From) || !r.Time.Before(v.To) {
					continue
				}
				want[r.place] = true
				if r.Signal == "traces" {
					spans[r.SpanID] = true
				}
			}
			got := map[place]bool{}
			var last time.Time
			for _, line := range m.askLines(t, panelOf(t, d, "What happened"), v) {
				require.False(t, line.Time.Before(last))
				last = line.Time
				got[line.place(t)] = true
			}
			require.Equal(t, want, got)

			found := map[string]bool{}
			for _, span := range ofSession(id, m.askTraces(t, panelOf(t, d, "Spans"), v)) {
				found[span.SpanID] = true
			}
			require.Equal(t, spans, found)
		})
	}
}

// The sessions to choose from are those that did most.
func TestSessions(t *testing.T) {
	m := sharedMonth(t)
	d := dashboards(t)["session"]
	v := d.lastMonth(time.Now())
	bySession := by(map[string]func(row) string{"session_id": func(r row) string { return r.Session }})
	want := oracle{v, m.files.rows(t)}.inRange(ofSessions, bySession, count)
	got := m.ask(t, panelOf(t, d, "Sessions"), v)
	for id, n := range got {
		require.InDelta(t, want[id], n, 0, id)
	}
	descending := func(a, b float64) int { return cmp.Compare(b, a) }
	most := slices.SortedFunc(maps.Values(want), descending)[:200]
	require.Equal(t, most, slices.SortedFunc(maps.Values(got), descending))
}

// The list of failed calls has the latest ones, and of a day all.
func TestFailedCalls(t *testing.T) {
	m := sharedMonth(t)
	d := dashboards(t)["api-calls"]
	target := panelOf(t, d, "Failed calls")
	failed := map[string]time.Time{}
	for _, r := range m.files.rows(t) {
		if r.Signal == "traces" && r.failed() {
			failed[r.TraceID] = r.Time
		}
	}
	traces := func(v view) map[string]bool {
		found := map[string]bool{}
		for _, span := range m.askTraces(t, target, v) {
			found[span.TraceID] = true
		}
		return found
	}
	month := traces(d.lastMonth(time.Now()))
	require.Greater(t, len(failed), target.Limit)
	require.Len(t, month, target.Limit)
	for id := range month {
		require.Contains(t, failed, id)
	}

	day := view{From: m.First.Add(3 * aDay), To: m.First.Add(4 * aDay)}
	want := map[string]bool{}
	for id, at := range failed {
		if at.After(day.From.Add(time.Minute)) && at.Before(day.To) {
			want[id] = true
		}
	}
	require.NotEmpty(t, want)
	require.Less(t, len(want), target.Limit)
	got := traces(day)
	for id := range want {
		require.True(t, got[id], id)
	}
	for id := range got {
		require.Contains(t, failed, id)
	}
}
