// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package backends

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// series is a series in an answer of Loki or Prometheus.
type series struct {
	Labels map[string]string `json:"metric"`
	Points []point           `json:"values"`
}

// point is a value at a time in milliseconds.
type point struct {
	Time  time.Time
	Value float64
}

// UnmarshalJSON reads `[1766397600.123,"1250"]`.
func (p *point) UnmarshalJSON(data []byte) error {
	var at json.Number
	var value string
	if err := json.Unmarshal(data, &[]any{&at, &value}); err != nil {
		return err
	}
	seconds, err := at.Float64()
	if err != nil {
		return err
	}
	p.Time = time.UnixMilli(int64(math.Round(seconds * 1000))).UTC()
	p.Value, err = strconv.ParseFloat(value, 64)
	return err
}

// answered is an answer of the query APIs of Loki and Prometheus.
type answered struct {
	Data struct {
		ResultType string          `json:"resultType"`
		Result     json.RawMessage `json:"result"`
	} `json:"data"`
}

// series returns the series of the answer. Those of an instant query have one point.
func (a answered) series(tb testing.TB) []series {
	tb.Helper()
	var all []struct {
		series
		Value *point `json:"value"`
	}
	require.Contains(tb, []string{"vector", "matrix"}, a.Data.ResultType)
	require.NoError(tb, json.Unmarshal(a.Data.Result, &all))
	result := make([]series, len(all))
	for i, s := range all {
		result[i] = s.series
		if s.Value != nil {
			result[i].Points = []point{*s.Value}
		}
	}
	return result
}

// unixTime formats a time for both servers, in milliseconds.
func unixTime(t time.Time) string { return fmt.Sprintf("%d.%03d", t.Unix(), t.Nanosecond()/1e6) }

// post sends a query as a form: it may be too long for a URL.
func post(tb testing.TB, address string, form url.Values, answer any) {
	tb.Helper()
	res, err := http.PostForm(address, form)
	require.NoError(tb, err)
	readJSON(tb, res, form, answer)
}

// get sends a query in the URL.
func get(tb testing.TB, address string, query url.Values, answer any) {
	tb.Helper()
	res, err := http.Get(address + "?" + query.Encode())
	require.NoError(tb, err)
	readJSON(tb, res, query, answer)
}

func readJSON(tb testing.TB, res *http.Response, asked url.Values, answer any) {
	tb.Helper()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(tb, err)
	require.Equal(tb, http.StatusOK, res.StatusCode, "%s %v: %s", res.Request.URL.Path, asked, body)
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.UseNumber()
	require.NoError(tb, decoder.Decode(answer))
}

// prometheus queries Prometheus.
type prometheus struct{ url string }

// Instant evaluates a query at a time. A range selector returns the raw samples.
func (p prometheus) Instant(tb testing.TB, query string, at time.Time) []series {
	tb.Helper()
	var a answered
	post(tb, p.url+"/api/v1/query", url.Values{"query": {query}, "time": {unixTime(at)}}, &a)
	return a.series(tb)
}

// Range evaluates a query in steps.
func (p prometheus) Range(tb testing.TB, query string, from, to time.Time, step time.Duration) []series {
	tb.Helper()
	var a answered
	post(tb, p.url+"/api/v1/query_range", url.Values{
		"query": {query}, "start": {unixTime(from)}, "end": {unixTime(to)}, "step": {step.String()},
	}, &a)
	return a.series(tb)
}

// Labels returns the names of all labels.
func (p prometheus) Labels(tb testing.TB, from, to time.Time) []string {
	tb.Helper()
	var a struct {
		Data []string `json:"data"`
	}
	post(tb, p.url+"/api/v1/labels", url.Values{"start": {unixTime(from)}, "end": {unixTime(to)}}, &a)
	return a.Data
}

// LabelValues returns the values of a label.
func (p prometheus) LabelValues(tb testing.TB, name string, from, to time.Time) []string {
	tb.Helper()
	return p.labelValues(tb, name, "", from, to)
}

// labelValues returns the values of a label in the series that match a selector. An empty
// selector matches all.
func (p prometheus) labelValues(tb testing.TB, name, selector string, from, to time.Time) []string {
	tb.Helper()
	query := url.Values{"start": {unixTime(from)}, "end": {unixTime(to)}}
	if selector != "" {
		query.Set("match[]", selector)
	}
	var a struct {
		Data []string `json:"data"`
	}
	get(tb, p.url+"/api/v1/label/"+url.PathEscape(name)+"/values", query, &a)
	return a.Data
}
