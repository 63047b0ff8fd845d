// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"iter"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// LogLines yields a line for every log record of ld: its received_at, which
// is now for a record that brings none along (or one that lies in the
// future), and the line with its '\n'. The line is valid until the next one
// is asked for.
func LogLines(ld plog.Logs, now time.Time) iter.Seq2[time.Time, []byte] { panic("not written yet") }

// SpanLines yields a line for every span of td, as LogLines does.
func SpanLines(td ptrace.Traces, now time.Time) iter.Seq2[time.Time, []byte] {
	panic("not written yet")
}

// MetricLines yields a line for every metric of md, as LogLines does.
func MetricLines(md pmetric.Metrics, now time.Time) iter.Seq2[time.Time, []byte] {
	panic("not written yet")
}

// LogReader collects the records of log lines. The zero value is ready.
type LogReader struct{}

// Add decodes one line, with or without its '\n'. A line that is refused
// leaves the records collected so far as they are.
func (r *LogReader) Add(line []byte) error { panic("not written yet") }

// Take returns what was added since the last Take.
func (r *LogReader) Take() plog.Logs { panic("not written yet") }

// SpanReader collects the spans of trace lines, as LogReader does.
type SpanReader struct{}

// Add decodes one line.
func (r *SpanReader) Add(line []byte) error { panic("not written yet") }

// Take returns what was added since the last Take.
func (r *SpanReader) Take() ptrace.Traces { panic("not written yet") }

// MetricReader collects the points of metric lines, as LogReader does.
type MetricReader struct{}

// Add decodes one line.
func (r *MetricReader) Add(line []byte) error { panic("not written yet") }

// Take returns what was added since the last Take.
func (r *MetricReader) Take() pmetric.Metrics { panic("not written yet") }
