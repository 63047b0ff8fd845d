// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Counts is a number of entries per signal.
type Counts struct {
	Logs, Traces, Metrics int
}

// Total is the number of entries of all signals.
func (c Counts) Total() int { return c.Logs + c.Traces + c.Metrics }

// Batch is what one POST carried.
type Batch struct {
	Logs    plog.Logs
	Traces  ptrace.Traces
	Metrics pmetric.Metrics

	// Received counts the entries decoded into Logs, Traces and Metrics,
	// Rejected those that were refused.
	Received, Rejected Counts
	// Errors says which entries were refused and why ("logs[1]: not an
	// object"), for the first MaxErrors of them. It may quote keys that the
	// client sent: it goes into the answer, never into a log.
	Errors []string

	// ID is the envelope's batchId, empty where none (or none of 1 to 128
	// bytes) was sent.
	ID string
	// Dropped counts the entries that the client says it had to drop.
	Dropped Counts
}

// MaxErrors is the number of refused entries that a Batch explains.
const MaxErrors = 10

// SyntaxError is returned for a body that is not one JSON object with members.
type SyntaxError struct {
	// Detail says where and why. It may quote keys that the client sent.
	Detail string
}

func (e *SyntaxError) Error() string { return "invalid JSON: " + e.Detail }

// ShapeError is returned for a JSON object that is no batch.
type ShapeError struct {
	// Detail names the member at fault, as "logs: not an array".
	Detail string
}

func (e *ShapeError) Error() string { return "invalid batch: " + e.Detail }

// BatchDecoder decodes the bodies that browsers POST. Its fields are set
// before its first use; it may then be used by many goroutines at once.
type BatchDecoder struct {
	// ServiceName is the service.name of every batch's resource.
	ServiceName string
	// ResourceAttributes are put on every batch's resource. They win over
	// the envelope's: the operator knows better than the client.
	ResourceAttributes map[string]string
	// MaxDepth is the nesting level at which a body is refused, 1 being the
	// batch's own object.
	MaxDepth int
}

// Decode reads the whole of body, which it does not keep. receivedAt becomes
// every entry's received_at. The error is a *SyntaxError or a *ShapeError;
// refused entries are no error, but counted in the Batch.
func (d *BatchDecoder) Decode(body []byte, receivedAt time.Time) (*Batch, error) {
	panic("not written yet")
}
