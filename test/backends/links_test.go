// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package backends

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/demodata"
	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// The links between the servers, followed as Grafana does with its provisioning.
const (
	logsUID   = "saberloop-loki"
	tracesUID = "saberloop-jaeger"
)

// derived returns a derived field of a datasource.
func (d datasource) derived(t *testing.T, name string) derivedField {
	t.Helper()
	i := slices.IndexFunc(d.JSONData.DerivedFields, func(f derivedField) bool { return f.Name == name })
	require.GreaterOrEqual(t, i, 0, "no derived field %s", name)
	return d.JSONData.DerivedFields[i]
}

// linesOf returns the lines of a session as a log panel shows them.
func (f *filled) linesOf(t *testing.T, id string) []logLine {
	t.Helper()
	from, to := f.sessions[id].around()
	return f.Loki.Lines(t, "{service_name=\"saberloop\"} | session_id = `"+id+"`", from, to)
}

// spansOfSession returns the spans of a session as a search shows them.
func (f *filled) spansOfSession(t *testing.T, id string) []span {
	t.Helper()
	from, to := f.sessions[id].around()
	return ofSession(id, f.Jaeger.Search(t, "saberloop", map[string]string{"session.id": id}, from, to, 1000))
}

func TestFromALineToItsTrace(t *testing.T) {
	m := sharedMonth(t)
	link := provisioned(t)[logsUID].derived(t, "Trace")
	require.Equal(t, tracesUID, link.DatasourceUID)
	ofLogs := 0
	follow := func(line logLine) {
		at := line.place(t)
		id, ok := link.query(t, line)
		if !ok {
			require.Empty(t, m.files.Entry(t, at).shown(at).TraceID, "%v", at)
			return
		}
		require.Contains(t, m.traces, id, "%v", at)
		require.Contains(t, m.traces[id].places, at)
		require.ElementsMatch(t, m.spansOf(t, m.traces[id]), allStored(m.Jaeger.Trace(t, id)), "%v", at)
		if at.Signal == "logs" {
			ofLogs++
		}
	}
	for _, id := range m.someSessions() {
		for _, line := range m.linesOf(t, id) {
			follow(line)
		}
	}
	// Few logs name their trace.
	day := m.First.AddDate(0, 0, demodata.IncidentDay+1)
	for _, line := range m.Loki.Lines(t, `{saberloop_signal="logs"} | traceId != ""`, day, day.Add(aDay)) {
		follow(line)
	}
	require.Greater(t, ofLogs, 10)
}

func TestFromALineToItsSessionsPage(t *testing.T) {
	m := sharedMonth(t)
	link := provisioned(t)[logsUID].derived(t, "Session")
	require.Empty(t, link.DatasourceUID, "it leads to a page")
	for _, id := range m.someSessions() {
		lines := m.linesOf(t, id)
		page, ok := link.query(t, lines[0])
		require.True(t, ok)
		for _, line := range lines {
			other, ok := link.query(t, line)
			require.True(t, ok, "%v", line.place(t))
			require.Equal(t, page, other, "%v", line.place(t))
		}
		query := logsPanel(t, page)
		from, to := m.sessions[id].around()
		require.ElementsMatch(t, m.sessions[id].places, placesOf(t, m.Loki.Lines(t, query, from, to)), query)
	}
	page, ok := link.query(t, logLine{Labels: map[string]string{"service_name": "saberloop"}})
	require.False(t, ok, "a line without a session leads to %s", page)
}

// logsPanel returns the query of a dashboard's log panel with the variables of a URL.
func logsPanel(t *testing.T, page string) string {
	t.Helper()
	address, err := url.Parse(page)
	require.NoError(t, err)
	dashboards, err := filepath.Glob(filepath.Join(harness.Root(t), "analysis/grafana/dashboards/*.json"))
	require.NoError(t, err)
	for _, file := range dashboards {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var dashboard struct {
			UID        string `json:"uid"`
			Templating struct {
				List []struct {
					Name string `json:"name"`
				} `json:"list"`
			} `json:"templating"`
			Panels []struct {
				Type    string `json:"type"`
				Targets []struct {
					Expr string `json:"expr"`
				} `json:"targets"`
			} `json:"panels"`
		}
		require.NoError(t, json.Unmarshal(text, &dashboard))
		if address.Path != "/d/"+dashboard.UID {
			continue
		}
		variables := map[string]any{}
		for _, v := range dashboard.Templating.List {
			variables[v.Name] = address.Query().Get("var-" + v.Name)
		}
		for _, panel := range dashboard.Panels {
			if panel.Type == "logs" {
				query, ok := interpolate(panel.Targets[0].Expr, variables)
				require.True(t, ok, panel.Targets[0].Expr)
				return query
			}
		}
	}
	require.FailNow(t, "no page with logs", page)
	return ""
}

func TestFromALineToItsSessionsSpans(t *testing.T) {
	m := sharedMonth(t)
	links := provisioned(t)[logsUID].Correlations
	require.Len(t, links, 1)
	require.Equal(t, tracesUID, links[0].TargetUID)
	for _, id := range m.someSessions() {
		var search map[string]any
		for _, line := range m.linesOf(t, id) {
			query, ok := links[0].query(t, map[string]any{"labels": line.Labels, "Line": line.Text})
			require.True(t, ok, "%v", line.place(t))
			if search == nil {
				search = query
			}
			require.Equal(t, search, query, "%v", line.place(t))
		}
		require.Equal(t, "search", search["queryType"])
		key, value, ok := strings.Cut(search["tags"].(string), "=") // Grafana reads logfmt
		require.True(t, ok)
		from, to := m.sessions[id].around()
		spans := m.Jaeger.Search(t, search["service"].(string), map[string]string{key: value}, from, to, search["limit"].(int))
		require.ElementsMatch(t, m.spansOf(t, m.sessions[id]), allStored(ofSession(id, spans)), id)
	}
}

func TestFromASpanToItsLines(t *testing.T) {
	m := sharedMonth(t)
	link := provisioned(t)[tracesUID].JSONData.TracesToLogsV2
	require.Equal(t, logsUID, link.DatasourceUID)
	followed := 0
	for _, id := range m.someSessions() {
		spans := m.spansOfSession(t, id)
		for _, span := range spans[:min(2, len(spans))] {
			query, from, to, ok := link.query(t, span)
			require.True(t, ok, "%+v", span)
			var want []place
			for _, at := range slices.Concat(m.sessions[id].places, m.traces[span.TraceID].places) {
				when := m.files.Entry(t, at).Time()
				if !when.Before(from) && when.Before(to) && !slices.Contains(want, at) {
					want = append(want, at)
				}
			}
			require.NotEmpty(t, want)
			require.ElementsMatch(t, want, placesOf(t, m.Loki.Lines(t, query, from, to)), query)
			followed++
		}
	}
	require.Greater(t, followed, 10)
}

func TestFromASpanToItsSession(t *testing.T) {
	m := sharedMonth(t)
	links := provisioned(t)[tracesUID].Correlations
	require.Len(t, links, 1)
	require.Equal(t, logsUID, links[0].TargetUID)
	for _, id := range m.someSessions() {
		var expr string
		for _, span := range m.spansOfSession(t, id) {
			query, ok := links[0].query(t, map[string]any{"tags": span.Tags, "traceID": span.TraceID})
			require.True(t, ok, "%+v", span)
			if expr == "" {
				expr = query["expr"].(string)
			}
			require.Equal(t, expr, query["expr"], "%+v", span)
		}
		if expr == "" {
			require.Empty(t, m.spansOf(t, m.sessions[id]))
			continue
		}
		from, to := m.sessions[id].around()
		require.ElementsMatch(t, m.sessions[id].places, placesOf(t, m.Loki.Lines(t, expr, from, to)), expr)
	}
}
