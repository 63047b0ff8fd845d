// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package backends

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
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

// This file does what Grafana 13 does with our dashboards: it replaces variables, turns
// queries into requests and transforms the answers. A setting that it does not know
// fails the test.

// dashboard is a Grafana dashboard.
type dashboard struct {
	UID  string `json:"uid"`
	Time struct {
		From string `json:"from"`
		To   string `json:"to"`
	} `json:"time"`
	Templating struct {
		List []dashboardVariable `json:"list"`
	} `json:"templating"`
	Panels []panel `json:"panels"`
}

// dashboardVariable is a variable of a dashboard.
type dashboardVariable struct {
	Name       string          `json:"name"`
	Type       string          `json:"type"`
	Query      json.RawMessage `json:"query"` // the value of a textbox, else an object
	Multi      bool            `json:"multi"`
	IncludeAll bool            `json:"includeAll"`
	AllValue   string          `json:"allValue"`
	Current    struct {
		Value string `json:"value"`
	} `json:"current"`
}

// everything is the value of a variable with "All" selected.
const everything = "$__all"

type panel struct {
	Type            string           `json:"type"`
	Title           string           `json:"title"`
	Targets         []strictTarget   `json:"targets"`
	Transformations []transformation `json:"transformations"`
	Options         struct {
		SortBy []struct {
			DisplayName string `json:"displayName"`
		} `json:"sortBy"`
		SortOrder     string `json:"sortOrder"`
		ReduceOptions struct {
			Calcs []string `json:"calcs"`
		} `json:"reduceOptions"`
	} `json:"options"`
	FieldConfig struct {
		Defaults struct {
			Thresholds thresholds `json:"thresholds"`
		} `json:"defaults"`
		Overrides []struct {
			Matcher struct {
				ID      string `json:"id"`
				Options string `json:"options"`
			} `json:"matcher"`
			Properties []struct {
				ID    string          `json:"id"`
				Value json.RawMessage `json:"value"`
			} `json:"properties"`
		} `json:"overrides"`
	} `json:"fieldConfig"`
}

// thresholds are the lower bounds of the colours.
type thresholds struct {
	Steps []struct {
		Value *float64 `json:"value"` // nil for the lowest
	} `json:"steps"`
}

// target is a query.
type target struct {
	RefID      string `json:"refId"`
	Datasource struct {
		Type string `json:"type"`
		UID  string `json:"uid"`
	} `json:"datasource"`
	// For Loki and Prometheus.
	Expr         string `json:"expr"`
	LegendFormat string `json:"legendFormat"`
	// For Loki and Jaeger.
	QueryType string `json:"queryType"`
	// For Loki.
	Step          string `json:"step"`
	SplitDuration string `json:"splitDuration"`
	Direction     string `json:"direction"`
	MaxLines      int    `json:"maxLines"`
	// For Prometheus.
	Range    bool   `json:"range"`
	Interval string `json:"interval"`
	// For Jaeger.
	Service string `json:"service"`
	Tags    string `json:"tags"`
	Limit   int    `json:"limit"`
}

// strictTarget is a query without unknown keys.
type strictTarget struct{ target }

func (t *strictTarget) UnmarshalJSON(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	return decoder.Decode(&t.target)
}

type transformation struct {
	ID      string `json:"id"`
	Options struct {
		ExcludeByName map[string]bool   `json:"excludeByName"`
		IndexByName   map[string]int    `json:"indexByName"`
		RenameByName  map[string]string `json:"renameByName"`
	} `json:"options"`
}

// dashboards returns the dashboards that Grafana is provisioned with.
func dashboards(tb testing.TB) []dashboard {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(harness.Root(tb), "analysis/grafana/dashboards/*.json"))
	require.NoError(tb, err)
	require.NotEmpty(tb, files)
	boards := make([]dashboard, len(files))
	for i, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(tb, err)
		require.NoError(tb, json.Unmarshal(text, &boards[i]), file)
		boards[i].Panels = slices.DeleteFunc(boards[i].Panels, func(p panel) bool { return p.Type == "row" })
	}
	return boards
}

// opened is a dashboard that is open at a time.
type opened struct {
	*servers
	dashboard
	from, to time.Time
	// chosen are the values of the variables.
	chosen map[string]string
}

// open opens a dashboard at a time, with the default values of its variables.
func (s *servers) open(tb testing.TB, d dashboard, now time.Time) opened {
	tb.Helper()
	o := opened{servers: s, dashboard: d, from: relative(tb, d.Time.From, now), to: relative(tb, d.Time.To, now), chosen: map[string]string{}}
	for _, v := range d.Templating.List {
		o.chosen[v.Name] = v.Current.Value
	}
	return o
}

// relative parses times such as now and now-30d.
func relative(tb testing.TB, text string, now time.Time) time.Time {
	tb.Helper()
	ago, ok := strings.CutPrefix(text, "now")
	require.True(tb, ok, text)
	if ago == "" {
		return now
	}
	return now.Add(-interval(tb, strings.TrimPrefix(ago, "-")))
}

// interval parses durations such as 1d.
func interval(tb testing.TB, text string) time.Duration {
	tb.Helper()
	days, ok := strings.CutSuffix(text, "d")
	require.True(tb, ok, "%q is not in days", text)
	n, err := strconv.Atoi(days)
	require.NoError(tb, err)
	return time.Duration(n) * aDay
}

// fill replaces the variables in a template.
func (o opened) fill(tb testing.TB, template string, escape func(string) string) string {
	tb.Helper()
	values := map[string]any{}
	for _, v := range o.Templating.List {
		value := o.chosen[v.Name]
		switch {
		case value == everything:
			require.NotEmpty(tb, v.AllValue, "Grafana would list all values of %s", v.Name)
			value = v.AllValue
		case v.IncludeAll || v.Multi:
			value = escape(value)
		}
		values[v.Name] = value
	}
	seconds := int64(math.Round(o.to.Sub(o.from).Seconds()))
	values["__range"] = fmt.Sprintf("%ds", seconds)
	text, ok := interpolate(template, values)
	require.True(tb, ok, "a variable of %s is unknown", template)
	return text
}

var special = regexp.MustCompile(`[$^*{}\[\]+?.()|]`)

// escapeRegexp escapes the value of a variable with several values, as Grafana does for a
// regular expression in double quotes.
func escapeRegexp(value string) string {
	return special.ReplaceAllString(strings.ReplaceAll(value, `\`, `\\\\`), `\\$0`)
}

// uses reports whether a panel depends on a variable.
func (p panel) uses(name string) bool {
	return slices.ContainsFunc(p.Targets, func(t strictTarget) bool {
		for _, text := range []string{t.Expr, t.Tags} {
			for _, match := range variable.FindAllStringSubmatch(text, -1) {
				if match[1]+match[2] == name {
					return true
				}
			}
		}
		return false
	})
}

// graph has the value at every time for every name in the legend.
type graph map[string]map[string]float64

func (g graph) add(name string, at time.Time, value float64) {
	if g[name] == nil {
		g[name] = map[string]float64{}
	}
	// Grafana adds up answers to overlapping parts of a query.
	g[name][at.UTC().Format(time.RFC3339Nano)] += value
}

// graph returns what a time series panel shows.
func (o opened) graph(tb testing.TB, p panel) graph {
	tb.Helper()
	shown := graph{}
	for _, t := range p.Targets {
		for _, s := range o.series(tb, t.target) {
			name, ok := interpolate(strings.NewReplacer("{{", "${", "}}", "}").Replace(t.LegendFormat), asAny(s.Labels))
			require.True(tb, ok && name != "", "%v has no name as %q", s.Labels, t.LegendFormat)
			for _, point := range s.Points {
				shown.add(name, point.Time, point.Value)
			}
		}
	}
	return shown
}

func asAny(labels map[string]string) map[string]any {
	values := map[string]any{}
	for key, value := range labels {
		values[key] = value
	}
	return values
}

// series runs a range query.
func (o opened) series(tb testing.TB, t target) (all []series) {
	tb.Helper()
	switch t.Datasource.UID {
	case "saberloop-loki":
		require.Equal(tb, "range", t.QueryType)
		require.NotContains(tb, t.Expr, "$__range", "such a query is not divided")
		step := interval(tb, t.Step)
		for _, part := range divide(o.from, o.to, step, t.split(tb)) {
			var a answered
			get(tb, o.Loki.url+"/loki/api/v1/query_range", url.Values{
				"query": {o.fill(tb, t.Expr, escapeRegexp)}, "direction": {"backward"},
				"start": {nanoseconds(part[0])}, "end": {nanoseconds(part[1])}, "step": {fmt.Sprintf("%dms", step.Milliseconds())},
			}, &a)
			all = append(all, a.series(tb)...)
		}
	case "saberloop-prometheus":
		require.True(tb, t.Range)
		step := interval(tb, t.Interval) // if that is longer than a pixel
		var a answered
		post(tb, o.Prometheus.url+"/api/v1/query_range", url.Values{
			"query": {o.fill(tb, t.Expr, escapeRegexp)},
			"start": {unixTime(o.from.Truncate(step))}, "end": {unixTime(o.to.Truncate(step))}, "step": {fmt.Sprint(step.Seconds())},
		}, &a)
		all = a.series(tb)
	default:
		require.FailNow(tb, "no values over time", t.Datasource.UID)
	}
	return all
}

// split returns the time range of one request to Loki.
func (t target) split(tb testing.TB) time.Duration {
	tb.Helper()
	if t.SplitDuration == "" {
		return aDay
	}
	return interval(tb, t.SplitDuration)
}

// divide splits a metric query into requests of whole steps.
func divide(from, to time.Time, step, split time.Duration) (parts [][2]time.Time) {
	if split < step {
		return [][2]time.Time{{from, to}}
	}
	length := split.Truncate(step)
	for start := from.Truncate(step); start.Before(to); start = start.Add(length) {
		end := start.Add(length - step)
		if to.Before(end) {
			end = to
		}
		parts = append(parts, [2]time.Time{start, end})
	}
	return parts
}

// frame is a table before the transformations of a panel.
type frame struct {
	columns []string
	rows    []map[string]any
}

// instant runs an instant query at the end of the time range.
func (o opened) instant(tb testing.TB, t target) frame {
	tb.Helper()
	require.Equal(tb, "saberloop-loki", t.Datasource.UID)
	require.Equal(tb, "instant", t.QueryType)
	var a answered
	get(tb, o.Loki.url+"/loki/api/v1/query", url.Values{
		"query": {o.fill(tb, t.Expr, escapeRegexp)}, "direction": {"backward"}, "time": {nanoseconds(o.to)},
	}, &a)
	answer := a.series(tb)
	labels := map[string]bool{}
	for _, s := range answer {
		for name := range s.Labels {
			labels[name] = true
		}
	}
	sorted := slices.Sorted(maps.Keys(labels))
	value := "Value #" + t.RefID
	f := frame{columns: slices.Concat([]string{"Time"}, sorted, []string{value})}
	for _, s := range answer {
		row := map[string]any{"Time": s.Points[0].Time, value: s.Points[0].Value}
		for _, name := range sorted {
			row[name] = s.Labels[name]
		}
		f.rows = append(f.rows, row)
	}
	return f
}

// stat is the number that a stat panel shows.
type stat float64

// stat returns what a stat panel shows, or NaN for no value.
func (o opened) stat(tb testing.TB, p panel) stat {
	tb.Helper()
	require.Equal(tb, []string{"lastNotNull"}, p.Options.ReduceOptions.Calcs)
	require.Len(tb, p.Targets, 1)
	f := o.instant(tb, p.Targets[0].target)
	if len(f.rows) == 0 {
		return stat(math.NaN())
	}
	require.Len(tb, f.rows, 1)
	return stat(f.rows[0]["Value #"+p.Targets[0].RefID].(float64))
}

// table is what a table panel shows.
type table struct {
	Columns []string
	Rows    [][]any
}

// table returns what a table panel shows.
func (o opened) table(tb testing.TB, p panel) table {
	tb.Helper()
	var frames []frame
	for _, t := range p.Targets {
		if t.Datasource.UID == "saberloop-jaeger" {
			frames = append(frames, o.search(tb, t.target))
		} else if f := o.instant(tb, t.target); len(f.rows) > 0 {
			frames = append(frames, f)
		}
	}
	if len(frames) == 0 {
		return table{}
	}
	for _, t := range p.Transformations {
		switch t.ID {
		case "merge":
			frames = []frame{merge(frames)}
		case "organize":
			require.Len(tb, frames, 1, "organize needs one frame")
			frames[0] = t.organize(tb, frames[0])
		default:
			require.FailNow(tb, "unknown transformation", t.ID)
		}
	}
	require.Len(tb, frames, 1, "the panel would show one of them, and a choice")
	shown := table{Columns: frames[0].columns}
	for _, row := range frames[0].rows {
		var cells []any
		for _, column := range shown.Columns {
			cells = append(cells, row[column])
		}
		shown.Rows = append(shown.Rows, cells)
	}
	for _, by := range p.Options.SortBy {
		require.Contains(tb, shown.Columns, by.DisplayName, "sorted by")
	}
	return shown
}

// merge joins rows of several frames that are equal in all common columns.
func merge(frames []frame) frame {
	var merged frame
	for _, f := range frames {
		for _, column := range f.columns {
			if !slices.Contains(merged.columns, column) {
				merged.columns = append(merged.columns, column)
			}
		}
	}
	shared := slices.DeleteFunc(slices.Clone(merged.columns), func(column string) bool {
		return slices.ContainsFunc(frames, func(f frame) bool { return !slices.Contains(f.columns, column) })
	})
	if len(frames) == 1 {
		return frames[0]
	}
	fits := func(old, row map[string]any) bool {
		for column, value := range row {
			if was, ok := old[column]; ok && was != value {
				return false
			}
		}
		return true
	}
	byKey := map[string][]map[string]any{}
	for _, f := range frames {
		for _, row := range f.rows {
			var key strings.Builder
			for _, column := range shared {
				fmt.Fprint(&key, row[column])
			}
			known := byKey[key.String()]
			if i := slices.IndexFunc(known, func(old map[string]any) bool { return fits(old, row) }); i >= 0 {
				maps.Copy(known[i], row)
				continue
			}
			byKey[key.String()] = append(known, row)
			merged.rows = append(merged.rows, row)
		}
	}
	return merged
}

// organize removes, sorts and renames columns.
func (t transformation) organize(tb testing.TB, f frame) frame {
	tb.Helper()
	f.columns = slices.DeleteFunc(f.columns, func(column string) bool { return t.Options.ExcludeByName[column] })
	for _, column := range f.columns {
		require.Contains(tb, t.Options.IndexByName, column, "has no place")
		require.Contains(tb, t.Options.RenameByName, column, "has no name")
	}
	slices.SortFunc(f.columns, func(a, b string) int { return t.Options.IndexByName[a] - t.Options.IndexByName[b] })
	for _, row := range f.rows {
		for _, column := range f.columns {
			row[t.Options.RenameByName[column]] = row[column]
		}
	}
	for i, column := range f.columns {
		f.columns[i] = t.Options.RenameByName[column]
	}
	return f
}

// search returns a row per trace in Jaeger, for its first span.
func (o opened) search(tb testing.TB, t target) frame {
	tb.Helper()
	require.Equal(tb, "search", t.QueryType)
	require.Equal(tb, "saberloop", t.Service)
	key, value, ok := strings.Cut(o.fill(tb, t.Tags, escapeRegexp), "=") // one pair of logfmt
	require.True(tb, ok)
	f := frame{columns: []string{"Trace ID", "Trace name", "Start time", "Duration"}}
	roots := map[string]span{}
	for _, s := range o.Jaeger.Search(tb, t.Service, map[string]string{key: value}, o.from, o.to, t.Limit) {
		if root, ok := roots[s.TraceID]; !ok || s.StartTime < root.StartTime {
			roots[s.TraceID] = s
		}
	}
	for id, root := range roots {
		f.rows = append(f.rows, map[string]any{
			"Trace ID": id, "Trace name": "saberloop: " + root.OperationName,
			"Start time": time.UnixMicro(root.StartTime).UTC(), "Duration": float64(root.Duration),
		})
	}
	return f
}

// logs returns the lines that a logs panel shows, from top to bottom.
func (o opened) logs(tb testing.TB, p panel) []logLine {
	tb.Helper()
	require.Len(tb, p.Targets, 1)
	t := p.Targets[0]
	require.Equal(tb, "range", t.QueryType)
	require.GreaterOrEqual(tb, t.split(tb), o.to.Sub(o.from), "Grafana would ask in parts")
	lines := o.Loki.lines(tb, url.Values{
		"query": {o.fill(tb, t.Expr, escapeRegexp)}, "direction": {t.Direction}, "limit": {strconv.Itoa(t.MaxLines)},
		"start": {nanoseconds(o.from)}, "end": {nanoseconds(o.to)},
	})
	slices.SortStableFunc(lines, func(a, b logLine) int { return a.Time.Compare(b.Time) })
	if p.Options.SortOrder == "Descending" {
		slices.Reverse(lines)
	}
	return lines
}

var labelValues = regexp.MustCompile(`^label_values\((?:(.+),\s*)?(.+)\)$`)

// offers returns the values that a variable offers, without "All".
func (o opened) offers(tb testing.TB, v dashboardVariable) []string {
	tb.Helper()
	require.Equal(tb, "query", v.Type)
	var query struct {
		Query string `json:"query"`
	}
	require.NoError(tb, json.Unmarshal(v.Query, &query))
	match := labelValues.FindStringSubmatch(query.Query)
	require.NotNil(tb, match, query.Query)
	var answer struct {
		Data []string `json:"data"`
	}
	get(tb, o.Prometheus.url+"/api/v1/label/"+escapeName(match[2])+"/values", url.Values{
		"match[]": {match[1]}, "limit": {"40000"},
		"start": {unixTime(o.from.Truncate(time.Minute))}, "end": {unixTime(o.to.Truncate(time.Minute).Add(time.Minute))},
	}, &answer)
	return answer.Data
}

var plainName = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)

// escapeName escapes the name of a label in a path: service.version becomes
// U__service_2e_version.
func escapeName(name string) string {
	if plainName.MatchString(name) {
		return name
	}
	escaped := strings.Builder{}
	escaped.WriteString("U__")
	for _, r := range name {
		switch {
		case r == '_':
			escaped.WriteString("__")
		case plainName.MatchString("_" + string(r)):
			escaped.WriteRune(r)
		default:
			fmt.Fprintf(&escaped, "_%x_", r)
		}
	}
	return escaped.String()
}
