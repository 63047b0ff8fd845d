// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package backends

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// maxLines is the limit for a query in loki.yaml.
const maxLines = 50_000

// loki queries Loki.
type loki struct{ url string }

// logLine is a line with its labels, including structured metadata.
type logLine struct {
	Time   time.Time
	Text   string
	Labels map[string]string
}

// Instant evaluates a metric query at a time.
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

// Lines returns the lines that a query selects in [from, to), the oldest first in each
// stream. It fails if there are more than Loki returns at once.
func (l loki) Lines(tb testing.TB, query string, from, to time.Time) []logLine {
	tb.Helper()
	lines := l.lines(tb, url.Values{
		"query": {query}, "start": {nanoseconds(from)}, "end": {nanoseconds(to)},
		"direction": {"forward"}, "limit": {strconv.Itoa(maxLines)},
	})
	require.Less(tb, len(lines), maxLines, "not all lines of %s were returned", query)
	return lines
}

func (l loki) lines(tb testing.TB, form url.Values) []logLine {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, l.url+"/loki/api/v1/query_range", strings.NewReader(form.Encode()))
	require.NoError(tb, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	// As Grafana does. Without it each line is a stream, and Loki takes twice as long.
	req.Header.Set("X-Loki-Response-Encoding-Flags", "categorize-labels")
	res, err := http.DefaultClient.Do(req)
	require.NoError(tb, err)
	var a answered
	readJSON(tb, res, form, &a)
	require.Equal(tb, "streams", a.Data.ResultType)
	var streams []struct {
		Stream map[string]string `json:"stream"`
		Values []logLine         `json:"values"`
	}
	require.NoError(tb, json.Unmarshal(a.Data.Result, &streams))
	var lines []logLine
	for _, s := range streams {
		for _, line := range s.Values {
			maps.Copy(line.Labels, s.Stream)
			lines = append(lines, line)
		}
	}
	return lines
}

// UnmarshalJSON reads `["1766397600123000000","Quiz started",{"structuredMetadata":{…},"parsed":{…}}]`.
func (l *logLine) UnmarshalJSON(data []byte) error {
	var at string
	var labels struct{ StructuredMetadata, Parsed map[string]string }
	if err := json.Unmarshal(data, &[]any{&at, &l.Text, &labels}); err != nil {
		return err
	}
	ns, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return err
	}
	l.Time = time.Unix(0, ns).UTC()
	l.Labels = map[string]string{}
	maps.Copy(l.Labels, labels.StructuredMetadata)
	maps.Copy(l.Labels, labels.Parsed)
	return nil
}

// Labels returns the names of the labels of all streams.
func (l loki) Labels(tb testing.TB, from, to time.Time) []string {
	tb.Helper()
	var a struct {
		Data []string `json:"data"`
	}
	get(tb, l.url+"/loki/api/v1/labels", url.Values{"start": {nanoseconds(from)}, "end": {nanoseconds(to)}}, &a)
	return a.Data
}

// Series returns the label sets of the streams that match a selector.
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

// received returns the number of lines that were sent to Loki, duplicates included.
func (l loki) received(tb testing.TB) float64 {
	tb.Helper()
	return l.metric(tb, "loki_distributor_lines_received_total")
}

// flush makes Loki write its memory to disk.
func (l loki) flush(tb testing.TB) {
	tb.Helper()
	res, err := http.Post(l.url+"/flush", "", nil)
	require.NoError(tb, err)
	defer res.Body.Close()
	require.Equal(tb, http.StatusNoContent, res.StatusCode)
	require.Eventually(tb, func() bool { return l.metric(tb, "loki_ingester_memory_chunks") == 0 },
		time.Minute, 100*time.Millisecond, "it keeps chunks in memory")
}

// metric returns the sum of one of Loki's own metrics.
func (l loki) metric(tb testing.TB, name string) (sum float64) {
	tb.Helper()
	res, err := http.Get(l.url + "/metrics")
	require.NoError(tb, err)
	defer res.Body.Close()
	metrics, err := io.ReadAll(res.Body)
	require.NoError(tb, err)
	sample := regexp.MustCompile(`(?m)^` + name + `(?:\{.*\})? (.*)$`)
	for _, match := range sample.FindAllSubmatch(metrics, -1) {
		n, err := strconv.ParseFloat(string(match[1]), 64)
		require.NoError(tb, err)
		sum += n
	}
	return sum
}

func nanoseconds(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }
