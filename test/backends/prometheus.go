// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package backends

import (
	"net/url"
	"testing"
	"time"
)

// prometheus asks a Prometheus.
type prometheus struct{ url string }

// Instant evaluates a query at one time. A range selector gives the raw
// samples.
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

// Labels are the names of all labels.
func (p prometheus) Labels(tb testing.TB, from, to time.Time) []string {
	tb.Helper()
	var a struct {
		Data []string `json:"data"`
	}
	post(tb, p.url+"/api/v1/labels", url.Values{"start": {unixTime(from)}, "end": {unixTime(to)}}, &a)
	return a.Data
}

// LabelValues are the values that a label has.
func (p prometheus) LabelValues(tb testing.TB, name string, from, to time.Time) []string {
	tb.Helper()
	return p.labelValues(tb, name, "", from, to)
}

// labelValues are those that a label has in the series that a selector
// matches; an empty one matches all.
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
