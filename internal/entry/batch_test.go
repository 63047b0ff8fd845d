// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"pgregory.net/rapid"
)

func TestEnvelope(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		want Batch
	}{
		"batch id":                      {`{"batchId":"b-1"}`, Batch{ID: "b-1"}},
		"batch id of 128 bytes":         {`{"batchId":"` + strings.Repeat("x", 128) + `"}`, Batch{ID: strings.Repeat("x", 128)}},
		"batch id of 129 bytes":         {`{"batchId":"` + strings.Repeat("x", 129) + `"}`, Batch{}},
		"batch id that is not a string": {`{"batchId":7}`, Batch{}},
		"repeated batch id":             {`{"batchId":"a","batchId":"b"}`, Batch{ID: "b"}},
		"dropped":                       {`{"dropped":[{"signal":"logs","reason":"size","count":2},{"count":3,"signal":"logs"},{"signal":"metrics","count":1}]}`, Batch{Dropped: Counts{Logs: 5, Metrics: 1}}},
		"dropped is not an array":       {`{"dropped":{"signal":"logs","count":2}}`, Batch{}},
		"dropped has unusable elements": {`{"dropped":[1,null,{"signal":1,"count":"2"},{"signal":"traces","count":-1},{"signal":"traces","count":1.5},{"signal":"other","count":1}]}`, Batch{}},
		"dropped above the limit":       {`{"dropped":[{"signal":"traces","count":1000000},{"signal":"traces","count":9}]}`, Batch{Dropped: Counts{Traces: maxDropped}}},
		"repeated logs":                 {`{"logs":[{},1],"logs":[{}]}`, Batch{Received: Counts{Logs: 1}}},
		"repeated logs, last one null":  {`{"logs":5,"logs":null}`, Batch{}},
		"refused": {
			`{"logs":[1,{"a":1e999,"b":[{}]},{}],"metrics":[[]]}`,
			Batch{
				Received: Counts{Logs: 1},
				Rejected: Counts{Logs: 2, Metrics: 1},
				Errors:   []string{"logs[0]: not an object", "logs[1]: number out of range at byte 21", "metrics[0]: not an object"},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := testDecoder.Decode([]byte(c.body), receivedAt)
			require.NoError(t, err)
			assert.Equal(t, c.want.Received.Logs, got.Logs.LogRecordCount())
			c.want.Logs, c.want.Traces, c.want.Metrics = got.Logs, got.Traces, got.Metrics
			assert.Equal(t, &c.want, got)
		})
	}
}

func TestErrorsAreLimited(t *testing.T) {
	t.Parallel()
	batch, err := testDecoder.Decode([]byte(`{"logs":[`+strings.Repeat("1,", 99)+`{}],"traces":[1]}`), receivedAt)
	require.NoError(t, err)
	assert.Equal(t, Counts{Logs: 99, Traces: 1}, batch.Rejected)
	assert.Len(t, batch.Errors, MaxErrors)
	assert.Equal(t, 1, batch.Logs.LogRecordCount())
}

func TestShape(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"logs":[{}],"traces":{}}`:       "traces: not an array",
		`{"metrics":"x","logs":1}`:        "logs: not an array",
		`{"resource":{"a":[1e999]}}`:      "resource: number out of range at byte 23",
		`{"logs":[{}],"logs":false}`:      "logs: not an array",
		`{"logs":[1],"metrics":{"a":[]}}`: "metrics: not an array",
	} {
		_, err := testDecoder.Decode([]byte(body), receivedAt)
		var shape *ShapeError
		require.ErrorAs(t, err, &shape)
		assert.Equal(t, want, shape.Detail)
	}
	// Syntax errors take precedence.
	_, err := testDecoder.Decode([]byte(`{"logs":1,`), receivedAt)
	var syntax *SyntaxError
	require.ErrorAs(t, err, &syntax)
}

func TestDepth(t *testing.T) {
	t.Parallel()
	nested := func(levels int) []byte {
		// The batch, its logs and the entry are the first three levels.
		return []byte(`{"logs":[{"c":` + strings.Repeat("[", levels-3) + strings.Repeat("]", levels-3) + `}]}`)
	}
	_, err := testDecoder.Decode(nested(511), receivedAt)
	require.NoError(t, err)
	_, err = testDecoder.Decode(nested(512), receivedAt)
	require.ErrorContains(t, err, "nested 512 levels deep")
	// Also in a member that is ignored.
	_, err = testDecoder.Decode([]byte(`{"x":`+strings.Repeat("[", 511)+strings.Repeat("]", 511)+`}`), receivedAt)
	require.ErrorContains(t, err, "nested 512 levels deep")
}

func TestResource(t *testing.T) {
	t.Parallel()
	decoder := &BatchDecoder{
		ServiceName:        "shop",
		ResourceAttributes: map[string]string{"zone": "eu", "app.version": "server's"},
	}
	for body, want := range map[string]map[string]any{
		`{"logs":[{}]}`:                  {"service.name": "shop", "zone": "eu", "app.version": "server's"},
		`{"resource":null,"logs":[{}]}`:  {"service.name": "shop", "zone": "eu", "app.version": "server's"},
		`{"logs":[{}],"resource":"web"}`: {"service.name": "shop", "zone": "eu", "app.version": "server's", "saberloop.resource": "web"},
		`{"logs":[{}],"resource":{"service.name":"evil","app.version":"client's","release":"r1","n":1}}`: {
			"service.name": "shop", "zone": "eu", "app.version": "server's", "release": "r1", "n": int64(1),
		},
	} {
		batch, err := decoder.Decode([]byte(body), receivedAt)
		require.NoError(t, err)
		assert.Equal(t, want, batch.Logs.ResourceLogs().At(0).Resource().Attributes().AsRaw())
	}
}

// TestClockAhead tests records with a received_at in the future.
func TestClockAhead(t *testing.T) {
	t.Parallel()
	ahead := now.AddDate(1, 0, 0)
	t.Run("the server's clock was set back", func(t *testing.T) {
		t.Parallel()
		batch, err := testDecoder.Decode([]byte(`{"logs":[{}],"traces":[{}],"metrics":[{}]}`), ahead)
		require.NoError(t, err)
		for _, lines := range []iter.Seq2[time.Time, []byte]{LogLines(batch.Logs, now), SpanLines(batch.Traces, now), MetricLines(batch.Metrics, now)} {
			for at, line := range lines {
				assert.Equal(t, ahead, at)
				assert.Equal(t, `{"received_at":"2026-12-22T10:00:06Z"}`+"\n", string(line))
			}
		}
	})
	t.Run("the sender's clock is ahead", func(t *testing.T) {
		t.Parallel()
		ld := plog.NewLogs()
		observed := pcommon.NewTimestampFromTime(ahead.Add(time.Millisecond))
		ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().SetObservedTimestamp(observed)
		for at, line := range LogLines(ld, now.Add(time.Millisecond)) {
			assert.Equal(t, now, at, "in whole seconds")
			var r LogReader
			require.NoError(t, r.Add(line))
			assert.Equal(t, observed, r.Take().ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).ObservedTimestamp())
		}
	})
}

func TestBadLines(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		``:                        "unexpected end",
		`[]`:                      "not an object",
		`{"a":1}`:                 "received_at is missing",
		`{"received_at":"today"}`: "received_at is not an RFC 3339 time",
		`{"received_at":1}`:       "received_at is not an RFC 3339 time",
		"{\"a\":\"\xff\"}":        "invalid UTF-8",
		`{"received_at":"2025-12-22T10:00:05Z"}x`:                                       "at byte 38",
		`{"received_at":"2025-12-22T10:00:05Z","resourceLogs":[]}`:                      "must hold one resource",
		`{"received_at":"2025-12-22T10:00:05Z","resourceLogs":7}`:                       "not OTLP JSON",
		`{"received_at":"2025-12-22T10:00:05Z","resourceLogs":[{"scopeLogs":[{},{}]}]}`: "must hold one resource",
		`{"a":1e999,"received_at":"2025-12-22T10:00:05Z"}`:                              "number out of range",
		`{"level":"a","level":"b","a":1e999,"received_at":"2025-12-22T10:00:05Z"}`:      "number out of range",
		`{"level":"a","level":"b"`:                                                      "unexpected",
		`{"received_at":"2025-12-22T10:00:05Z","received_at":"no","a":1}`:               "received_at is not an RFC 3339 time",
	} {
		var r LogReader
		require.NoError(t, r.Add([]byte(`{"n":1,"received_at":"2025-12-22T10:00:05Z"}`)))
		require.ErrorContains(t, r.Add([]byte(line)), want, line)
		require.NoError(t, r.Add([]byte(`{"n":2,"received_at":"2025-12-22T10:00:05Z"}`)))
		assert.Equal(t, 2, r.Take().LogRecordCount())
	}
}

// Errors are logged by the daily_jsonl receiver, so they must not quote a line.
func TestErrorsQuoteNothing(t *testing.T) {
	t.Parallel()
	const line = `{"message":"a\u0041","n":-1.5e3,"t":true,"context":{"k":[null]},"received_at":"2025-12-22T10:00:05Z"}`
	rapid.Check(t, func(t *rapid.T) {
		const secret = "\u2603"
		at := rapid.IntRange(0, len(line)).Draw(t, "offset")
		end := rapid.IntRange(at, min(at+8, len(line))).Draw(t, "end")
		before := rapid.SampledFrom([]string{"", `\`, `\u`, `\ud83d\ud8`, `"`, "'", "`"}).Draw(t, "before")
		var r LogReader
		if err := r.Add([]byte(line[:at] + before + secret + line[end:])); err != nil {
			require.NotContains(t, err.Error(), secret)
			require.NotContains(t, err.Error(), `\u`)
		}
	})
}

// TestForeignLine tests a line written by the former PHP script for a client
// that sent a received_at.
func TestForeignLine(t *testing.T) {
	t.Parallel()
	var r LogReader
	require.NoError(t, r.Add([]byte(`{"received_at":"2025-12-22T10:00:05+00:00","message":"a\/b \u00e9","extra":"mine","level":"a","level":"info"}`+"\r\n")))
	for _, line := range LogLines(r.Take(), now) {
		assertSameJSON(t, []byte(`{"level":"info","message":"a/b é","extra":"mine","received_at":"2025-12-22T10:00:05Z"}`), line)
	}
}
