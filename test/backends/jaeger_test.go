// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package backends

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"testing"
	"time"
)

// jaeger queries Jaeger with the API that Grafana and Jaeger's UI use.
type jaeger struct{ url string }

// span is a span in Jaeger. Its times are in microseconds.
type span struct {
	TraceID       string        `json:"traceID"`
	SpanID        string        `json:"spanID"`
	OperationName string        `json:"operationName"`
	StartTime     int64         `json:"startTime"`
	Duration      int64         `json:"duration"`
	Tags          []jaegerValue `json:"tags"`
	ProcessID     string        `json:"processID"`

	// Process are the tags of the span's process: its resource.
	Process []jaegerValue `json:"-"`
}

type jaegerValue struct {
	Key   string `json:"key"`
	Type  string `json:"type"`
	Value any    `json:"value"`
}

// tagOf returns the text of a tag, or "" if there is none.
func tagOf(tags []jaegerValue, key string) string {
	for _, tag := range tags {
		if tag.Key == key {
			return fmt.Sprint(tag.Value)
		}
	}
	return ""
}

type jaegerTrace struct {
	Spans     []span `json:"spans"`
	Processes map[string]struct {
		ServiceName string        `json:"serviceName"`
		Tags        []jaegerValue `json:"tags"`
	} `json:"processes"`
}

// Services returns the names of the services that sent spans.
func (j jaeger) Services(tb testing.TB) []string {
	tb.Helper()
	var names []string
	j.get(tb, "/api/services", nil, &names)
	return names
}

// Operations returns the names of a service's spans.
func (j jaeger) Operations(tb testing.TB, service string) []string {
	tb.Helper()
	var names []string
	j.get(tb, "/api/services/"+url.PathEscape(service)+"/operations", nil, &names)
	return names
}

// Trace returns the spans of a trace. It fails if there are none.
func (j jaeger) Trace(tb testing.TB, id string) []span {
	tb.Helper()
	return j.spans(tb, "/api/traces/"+url.PathEscape(id), nil)
}

// Search returns the spans of all traces of a service with a span that began in a span
// of time and has all the given tags.
func (j jaeger) Search(tb testing.TB, service string, tags map[string]string, from, to time.Time, limit int) []span {
	tb.Helper()
	query := url.Values{
		"service": {service},
		"start":   {strconv.FormatInt(from.UnixMicro(), 10)},
		"end":     {strconv.FormatInt(to.UnixMicro(), 10)},
		"limit":   {strconv.Itoa(limit)},
	}
	if len(tags) > 0 {
		encoded, err := json.Marshal(tags)
		if err != nil {
			panic(err) // strings always marshal
		}
		query.Set("tags", string(encoded))
	}
	return j.spans(tb, "/api/traces", query)
}

func (j jaeger) spans(tb testing.TB, path string, query url.Values) []span {
	tb.Helper()
	var traces []jaegerTrace
	j.get(tb, path, query, &traces)
	var spans []span
	for _, trace := range traces {
		for _, s := range trace.Spans {
			s.Process = trace.Processes[s.ProcessID].Tags
			spans = append(spans, s)
		}
	}
	return spans
}

func (j jaeger) get(tb testing.TB, path string, query url.Values, data any) {
	tb.Helper()
	get(tb, j.url+path, query, &struct {
		Data any `json:"data"`
	}{data})
}
