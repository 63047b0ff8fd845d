// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package backends

import (
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// dashboard is one of Grafana's, as far as it asks servers for something.
type dashboard struct {
	Title      string `json:"title"`
	Templating struct {
		List []dashboardVariable `json:"list"`
	} `json:"templating"`
	Panels []panel `json:"panels"`
}

type dashboardVariable struct {
	Name    string `json:"name"`
	Type    string `json:"type"` // textbox, query
	Current struct {
		Value string `json:"value"`
	} `json:"current"`
	AllValue   string          `json:"allValue"`
	Query      json.RawMessage `json:"query"`
	Datasource struct {
		UID string `json:"uid"`
	} `json:"datasource"`
}

type panel struct {
	Title   string   `json:"title"`
	Targets []target `json:"targets"`
}

// target is a panel's question to a datasource.
type target struct {
	RefID      string `json:"refId"`
	Datasource struct {
		Type string `json:"type"`
	} `json:"datasource"`
	Expr      string `json:"expr"`
	QueryType string `json:"queryType"` // of Loki: range, instant; of Jaeger: search
	Step      string `json:"step"`      // of Loki
	Direction string `json:"direction"` // of Loki
	MaxLines  int    `json:"maxLines"`  // of Loki
	Range     bool   `json:"range"`     // of Prometheus
	Interval  string `json:"interval"`  // of Prometheus
	Service   string `json:"service"`   // of Jaeger
	Tags      string `json:"tags"`      // of Jaeger
	Limit     int    `json:"limit"`     // of Jaeger
}

// dashboards are those that Grafana is provisioned with, by the names of their
// files.
func dashboards(tb testing.TB) map[string]dashboard {
	tb.Helper()
	paths, err := filepath.Glob(filepath.Join(harness.Root(tb), "analysis/grafana/dashboards/*.json"))
	require.NoError(tb, err)
	require.NotEmpty(tb, paths)
	all := map[string]dashboard{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(tb, err)
		var d dashboard
		require.NoError(tb, json.Unmarshal(text, &d), path)
		all[strings.TrimSuffix(filepath.Base(path), ".json")] = d
	}
	return all
}

// view is what somebody looks at in Grafana: a time range and the variables'
// values.
type view struct {
	From, To  time.Time
	Variables map[string]string
}

// lastMonth is what all dashboards show at first.
func (d dashboard) lastMonth(now time.Time) view {
	v := view{From: now.Add(-30 * aDay), To: now, Variables: map[string]string{}}
	for _, variable := range d.Templating.List {
		v.Variables[variable.Name] = variable.Current.Value
		if variable.Current.Value == "$__all" {
			v.Variables[variable.Name] = variable.AllValue
		}
	}
	return v
}

// with is the view with some of the variables set.
func (v view) with(variables map[string]string) view {
	all := maps.Clone(v.Variables)
	maps.Copy(all, variables)
	v.Variables = all
	return v
}

// fill puts variables into a query, as Grafana does.
func (v view) fill(tb testing.TB, template string) string {
	tb.Helper()
	variables := map[string]any{"__range": strconv.Itoa(int(v.To.Sub(v.From)/time.Second)) + "s"}
	for name, value := range v.Variables {
		variables[name] = value
	}
	text, ok := interpolate(template, variables)
	require.True(tb, ok, "%s has a variable that nothing sets", template)
	return text
}

// values is what a query answers: by the labels of a series, and where it is
// not of one time the day that begins then, "a="1" on 2025-12-22".
type values map[string]float64

func valuesOf(tb testing.TB, all []series, days bool) values {
	tb.Helper()
	v := values{}
	for _, s := range all {
		maps.DeleteFunc(s.Labels, func(_, value string) bool { return value == "" })
		for _, p := range s.Points {
			key := spelt(s.Labels)
			if days {
				require.Equal(tb, p.Time, p.Time.Truncate(aDay), "a day begins at midnight")
				key = onDay(key, p.Time)
			}
			v[key] = p.Value
		}
	}
	return v
}

func onDay(key string, day time.Time) string { return key + "on " + day.Format(time.DateOnly) }

// ask asks what a panel's target asks of Loki or Prometheus.
func (f *filled) ask(tb testing.TB, t target, v view) values {
	tb.Helper()
	query := v.fill(tb, t.Expr)
	switch {
	case t.Datasource.Type == "loki" && t.QueryType == "instant":
		return valuesOf(tb, f.Loki.Instant(tb, query, v.To), false)
	case t.Datasource.Type == "loki" && t.QueryType == "range":
		require.Equal(tb, "1d", t.Step)
		return valuesOf(tb, f.Loki.Range(tb, query, v.From, v.To, aDay), true)
	case t.Datasource.Type == "prometheus" && t.Range:
		require.Equal(tb, "1d", t.Interval)
		// Grafana rounds the ends down to whole steps; Loki does it by itself.
		return valuesOf(tb, f.Prometheus.Range(tb, query, v.From.Truncate(aDay), v.To.Truncate(aDay), aDay), true)
	}
	require.FailNow(tb, "a kind of query that this test does not know", "%+v", t)
	return nil
}

// askLines are the lines that a logs panel shows, in its order.
func (f *filled) askLines(tb testing.TB, t target, v view) []logLine {
	tb.Helper()
	require.Equal(tb, "loki", t.Datasource.Type)
	lines := f.Loki.lines(tb, url.Values{
		"query": {v.fill(tb, t.Expr)}, "start": {nanoseconds(v.From)}, "end": {nanoseconds(v.To)},
		"direction": {t.Direction}, "limit": {strconv.Itoa(t.MaxLines)},
	})
	slices.SortStableFunc(lines, func(a, b logLine) int {
		if t.Direction == "forward" {
			return a.Time.Compare(b.Time)
		}
		return b.Time.Compare(a.Time)
	})
	return lines
}

// askTraces are the spans of the traces that a panel lists.
func (f *filled) askTraces(tb testing.TB, t target, v view) []span {
	tb.Helper()
	require.Equal(tb, "jaeger", t.Datasource.Type)
	require.Equal(tb, "search", t.QueryType)
	tags := map[string]string{}
	for tag := range strings.FieldsSeq(v.fill(tb, t.Tags)) { // logfmt, of values without quotes
		key, value, ok := strings.Cut(tag, "=")
		require.True(tb, ok, tag)
		tags[key] = value
	}
	return f.Jaeger.Search(tb, t.Service, tags, v.From, v.To, t.Limit)
}

// labelValues is how Prometheus' datasource is asked for a variable's values.
var labelValues = regexp.MustCompile(`^label_values\((.+), *(\w+)\)$`)

// options are the values that a variable offers.
func (f *filled) options(tb testing.TB, variable dashboardVariable, v view) []string {
	tb.Helper()
	require.Equal(tb, "saberloop-prometheus", variable.Datasource.UID)
	var query struct {
		Query string `json:"query"`
	}
	require.NoError(tb, json.Unmarshal(variable.Query, &query))
	parts := labelValues.FindStringSubmatch(query.Query)
	require.NotNil(tb, parts, query.Query)
	return f.Prometheus.labelValues(tb, parts[2], parts[1], v.From, v.To)
}
