// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package backends

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/demodata"
)

// TestDashboards compares every panel and variable of every dashboard with the generated
// data.
func TestDashboards(t *testing.T) {
	boards := map[string]expectations{
		"saberloop-overview":   overview,
		"saberloop-errors":     errorsBoard,
		"saberloop-web-vitals": webVitals(),
		"saberloop-api-calls":  apiCalls,
		"saberloop-session":    session,
	}
	m := sharedMonth(t)
	happened := eventsOf(t, m.Month)
	// In the middle of a day, so that the first and the last day are not whole.
	now := m.End().Add(9*time.Hour + 41*time.Minute + 23*time.Second + 456*time.Millisecond)

	all := dashboards(t)
	require.Len(t, all, len(boards))
	for _, d := range all {
		require.Contains(t, boards, d.UID)
		expected := boards[d.UID]
		t.Run(d.UID, func(t *testing.T) {
			require.ElementsMatch(t, slices.Collect(maps.Keys(expected)), titles(d.Panels), "expectations and panels")
			asItComes := m.open(t, d, now)

			t.Run("variables", func(t *testing.T) { requireOffers(t, asItComes, happened) })
			t.Run("as it comes", func(t *testing.T) {
				for _, p := range d.Panels {
					p.requireOverridden(t, asItComes.requireShows(t, p, expected[p.Title], happened))
				}
			})
			t.Run("a week", func(t *testing.T) {
				week := asItComes
				week.from, week.to = m.First.AddDate(0, 0, demodata.ReleaseDay-3), m.First.AddDate(0, 0, demodata.ReleaseDay+4)
				for _, p := range d.Panels {
					week.requireShows(t, p, expected[p.Title], happened)
				}
			})
			for _, choice := range m.choices(d.UID, happened) {
				t.Run(fmt.Sprint(choice), func(t *testing.T) {
					chosen := asItComes
					chosen.chosen = maps.Clone(asItComes.chosen)
					maps.Copy(chosen.chosen, choice)
					for _, p := range d.Panels {
						if slices.ContainsFunc(slices.Collect(maps.Keys(choice)), p.uses) {
							chosen.requireShows(t, p, expected[p.Title], happened)
						}
					}
				})
			}
		})
	}
}

// The colours of a vital have the same thresholds as its shares.
func TestThresholds(t *testing.T) {
	for _, w := range []vital{lcp, inp, cls} {
		coloured := 0
		for _, d := range dashboards(t) {
			for _, p := range d.Panels {
				if !strings.HasPrefix(p.Title, w.title+" ") {
					continue
				}
				all := []thresholds{p.FieldConfig.Defaults.Thresholds}
				for _, override := range p.FieldConfig.Overrides {
					for _, property := range override.Properties {
						if property.ID == "thresholds" {
							all = append(all, thresholds{})
							require.NoError(t, json.Unmarshal(property.Value, &all[len(all)-1]))
						}
					}
				}
				for _, of := range all {
					if len(of.Steps) == 0 {
						continue
					}
					require.Len(t, of.Steps, 3, p.Title)
					require.Nil(t, of.Steps[0].Value, p.Title)
					require.Equal(t, []float64{w.good, w.poor}, []float64{*of.Steps[1].Value, *of.Steps[2].Value}, p.Title)
					coloured++
				}
			}
		}
		require.Equal(t, 4, coloured, "%s in the overview, and p75, p75 per day and by device and page of the vitals", w.title)
	}
}

func titles(panels []panel) (titles []string) {
	for _, p := range panels {
		titles = append(titles, p.Title)
	}
	return titles
}

// choices returns values for the variables of a dashboard other than the defaults.
func (f *filled) choices(uid string, happened events) (choices []map[string]string) {
	switch uid {
	case "saberloop-overview":
		for _, name := range happened.metricNames() {
			choices = append(choices, map[string]string{"metric": name})
		}
	case "saberloop-errors":
		choices = []map[string]string{{"release": "1.9.0"}, {"release": "2.0.0"}}
	case "saberloop-web-vitals":
		choices = []map[string]string{{"device": "mobile"}, {"page": "/quiz"}, {"device": "tablet", "page": "/"}}
	case "saberloop-api-calls":
		choices = []map[string]string{{"operation": `api\.saveResult`}, {"operation": ".*"}, {"operation": "nothing"}}
	case "saberloop-session":
		for _, id := range f.someSessions() {
			choices = append(choices, map[string]string{"session": id})
		}
	}
	return choices
}

// metricNames returns the names of points with a value.
func (all events) metricNames() []string {
	byName := by(all.where(func(e *event) bool { return e.measured && e.name != "" }), nameOf)
	return slices.Sorted(maps.Keys(byName))
}

// requireOffers compares the values that variables offer with the data.
func requireOffers(t *testing.T, o opened, happened events) {
	t.Helper()
	label := func(name string) []string {
		byValue := by(happened.where(func(e *event) bool {
			return e.measured && strings.HasPrefix(e.name, "web_vital_") && e.labels[name] != ""
		}), func(e *event) string { return e.labels[name] })
		return slices.Sorted(maps.Keys(byValue))
	}
	releases := by(happened.where(func(e *event) bool { return e.release != "" }), (*event).releaseOrUnknown)
	want := map[string][]string{
		"metric":  happened.metricNames(),
		"release": slices.Sorted(maps.Keys(releases)),
		"device":  label("device"),
		"page":    label("page"),
	}
	for _, v := range o.Templating.List {
		if v.Type == "textbox" {
			require.JSONEq(t, fmt.Sprintf("%q", v.Current.Value), string(v.Query))
			continue
		}
		require.Contains(t, want, v.Name, "no expectation")
		offers := o.offers(t, v)
		require.Equal(t, want[v.Name], offers, v.Name)
		if v.Current.Value != everything {
			require.Contains(t, offers, v.Current.Value, v.Name)
		}
	}
}

// requireShows compares a panel with the expectation and returns the expectation.
func (o opened) requireShows(t *testing.T, p panel, expected func(view) any, happened events) any {
	t.Helper()
	want := expected(view{happened, o.from, o.to, o.chosen})
	t.Run(p.Title, func(t *testing.T) {
		switch want := want.(type) {
		case graph:
			got := o.graph(t, p)
			want.near(got)
			require.Equal(t, want, got)
		case stat:
			got := o.stat(t, p)
			if !near(float64(want), float64(got)) {
				require.InDelta(t, float64(want), float64(got), 0)
			}
		case table:
			got := o.table(t, p)
			want.requireSame(t, got)
		case firstOf:
			want.requireSame(t, o.table(t, p))
		case lines:
			want.requireSame(t, o.logs(t, p))
		default:
			require.FailNow(t, "no such panel", "%T", want)
		}
	})
	return want
}

// requireOverridden fails on overrides of a panel for lines or columns that do not exist.
func (p panel) requireOverridden(t *testing.T, shown any) {
	t.Helper()
	var names []string
	switch shown := shown.(type) {
	case graph:
		names = slices.Collect(maps.Keys(shown))
	case table:
		names = shown.Columns
	case firstOf:
		names = shown.Columns
	}
	for _, override := range p.FieldConfig.Overrides {
		require.Equal(t, "byName", override.Matcher.ID)
		require.Contains(t, names, override.Matcher.Options, "%s", p.Title)
	}
}

// near reports whether two numbers are equal up to rounding.
func near(a, b float64) bool {
	return a == b || math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b))
}

// near copies values that are equal up to rounding to another graph, so that the graphs
// can be compared.
func (g graph) near(other graph) {
	for name, values := range g {
		for at, value := range values {
			if got, ok := other[name][at]; ok && near(value, got) {
				other[name][at] = value
			}
		}
	}
}

// requireSame compares tables, with rows in any order.
func (w table) requireSame(t *testing.T, got table) {
	t.Helper()
	if len(w.Rows) == 0 {
		require.Empty(t, got.Rows)
		return
	}
	require.Equal(t, w.Columns, got.Columns)
	w.sort()
	got.sort()
	require.Equal(t, w.texts(), got.texts())
	for i, row := range w.Rows {
		for k, want := range row {
			number, isNumber := want.(float64)
			other, _ := got.Rows[i][k].(float64)
			if !isNumber || !near(number, other) {
				require.Equal(t, want, got.Rows[i][k], "%s of %v", w.Columns[k], row)
			}
		}
	}
}

// texts returns the rows without their numbers.
func (w table) texts() (texts []string) {
	for _, row := range w.Rows {
		text := slices.DeleteFunc(slices.Clone(row), func(cell any) bool { _, isNumber := cell.(float64); return isNumber })
		texts = append(texts, fmt.Sprintf("%q", text))
	}
	return texts
}

func (w table) sort() {
	slices.SortFunc(w.Rows, func(a, b []any) int {
		one, other := table{Rows: [][]any{a}}.texts(), table{Rows: [][]any{b}}.texts()
		return slices.Compare(one, other)
	})
}

// requireSame compares text and number of each row. Rows with the same number as the last
// one are interchangeable.
func (w firstOf) requireSame(t *testing.T, got table) {
	t.Helper()
	require.Equal(t, w.Columns, got.Columns)
	byValue := func(a, b []any) int { return cmp.Compare(b[1].(float64), a[1].(float64)) }
	slices.SortFunc(w.Rows, byValue)
	slices.SortFunc(got.Rows, byValue)
	require.Len(t, got.Rows, min(w.Limit, len(w.Rows)))
	of := map[any]any{}
	for _, row := range w.Rows {
		of[row[0]] = row[1]
	}
	for i, row := range got.Rows {
		require.Equal(t, of[row[0]], row[1], "%v", row)
		require.Equal(t, w.Rows[i][1], row[1], "row %d", i+1)
	}
}

// requireSame compares lines. Each has to be there once.
func (w lines) requireSame(t *testing.T, got []logLine) {
	t.Helper()
	require.Len(t, got, len(w))
	want := map[place]*event{}
	for i, e := range w {
		require.Equal(t, e.shownAt, got[i].Time, "line %d", i+1)
		want[e.place] = e
	}
	for _, line := range got {
		e := want[line.place(t)]
		require.NotNil(t, e, "%v", line)
		require.Equal(t, e.text, line.Text)
		delete(want, e.place)
	}
}
