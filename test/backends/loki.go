// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package backends

import (
	"encoding/json"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// maxLines is what loki.yaml lets one query return.
const maxLines = 50_000

// loki asks a Loki.
type loki struct{ url string }

// logLine is a line with all its labels, structured metadata among them.
type logLine struct {
	Time   time.Time
	Text   string
	Labels map[string]string
}

// Instant evaluates a metric query at one time.
func (l loki) Instant(tb testing.TB, query string, at time.Time) []series {
	tb.Helper()
	var a answered
	post(tb, l.url+"/loki/api/v1/query", url.Values{"query": {query}, "time": {nanoseconds(at)}}, &a)
	return a.series(tb)
}

// Range evaluates a metric query in steps.
func (l loki) Range(tb testing.TB, query string, from, to time.Time, step time.Duration) []series {
	tb.Helper()
	var a answered
	post(tb, l.url+"/loki/api/v1/query_range", url.Values{
		"query": {query}, "start": {nanoseconds(from)}, "end": {nanoseconds(to)}, "step": {step.String()},
	}, &a)
	return a.series(tb)
}

// Lines are the lines that a query selects from a span of time, without its
// end, the oldest first. There must be less of them than Loki returns at once.
func (l loki) Lines(tb testing.TB, query string, from, to time.Time) []logLine {
	tb.Helper()
	var a answered
	post(tb, l.url+"/loki/api/v1/query_range", url.Values{
		"query": {query}, "start": {nanoseconds(from)}, "end": {nanoseconds(to)},
		"direction": {"forward"}, "limit": {strconv.Itoa(maxLines)},
	}, &a)
	require.Equal(tb, "streams", a.Data.ResultType)
	var streams []struct {
		Stream map[string]string `json:"stream"`
		Values [][2]string       `json:"values"`
	}
	require.NoError(tb, json.Unmarshal(a.Data.Result, &streams))
	var lines []logLine
	for _, s := range streams {
		for _, v := range s.Values {
			ns, err := strconv.ParseInt(v[0], 10, 64)
			require.NoError(tb, err)
			lines = append(lines, logLine{time.Unix(0, ns).UTC(), v[1], s.Stream})
		}
	}
	require.Less(tb, len(lines), maxLines, "not all lines of %s were returned", query)
	return lines
}

// Labels are the names of the labels of all streams.
func (l loki) Labels(tb testing.TB, from, to time.Time) []string {
	tb.Helper()
	var a struct {
		Data []string `json:"data"`
	}
	get(tb, l.url+"/loki/api/v1/labels", url.Values{"start": {nanoseconds(from)}, "end": {nanoseconds(to)}}, &a)
	return a.Data
}

// Series are the label sets of the streams that a selector matches.
func (l loki) Series(tb testing.TB, selector string, from, to time.Time) []map[string]string {
	tb.Helper()
	var a struct {
		Data []map[string]string `json:"data"`
	}
	post(tb, l.url+"/loki/api/v1/series", url.Values{
		"match[]": {selector}, "start": {nanoseconds(from)}, "end": {nanoseconds(to)},
	}, &a)
	return a.Data
}

func nanoseconds(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }
