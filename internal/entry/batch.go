// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/xpdata"
)

// Counts is a number of entries per signal.
type Counts struct {
	Logs, Traces, Metrics int
}

// Total is the number of entries of all signals.
func (c Counts) Total() int { return c.Logs + c.Traces + c.Metrics }

// Batch is a decoded POST body.
type Batch struct {
	// The accepted entries. A signal without entries has read-only data.
	Logs    plog.Logs
	Traces  ptrace.Traces
	Metrics pmetric.Metrics

	// Received counts the entries in Logs, Traces and Metrics. Rejected counts
	// the entries that were refused.
	Received, Rejected Counts
	// Errors explains the first MaxErrors refused entries, for example
	// "logs[1]: not an object". It quotes nothing of the body.
	Errors []string

	// ID is the batchId of the envelope. It is empty if the client sent none,
	// or one that is not a string of 1 to 128 bytes.
	ID string
	// Dropped counts the entries that the client reports as dropped.
	Dropped Counts
}

// MaxErrors is the maximum number of refused entries that a Batch explains.
const MaxErrors = 10

// SyntaxError is returned for a body that is not one JSON object with members.
type SyntaxError struct {
	// Detail says what is wrong and where. It quotes nothing of the body.
	Detail string
}

func (e *SyntaxError) Error() string { return "invalid JSON: " + e.Detail }

// ShapeError is returned for a JSON object that is not a batch.
type ShapeError struct {
	// Detail names the member at fault, for example "logs: not an array".
	Detail string
}

func (e *ShapeError) Error() string { return "invalid batch: " + e.Detail }

// BatchDecoder decodes POST bodies. Set its fields before the first use. It is
// then safe for concurrent use.
type BatchDecoder struct {
	// ServiceName is the service.name of every resource.
	ServiceName string
	// ResourceAttributes are added to every resource. They take precedence
	// over the resource of the envelope.
	ResourceAttributes map[string]string
	Limits
}

// Decode decodes body, and does not retain it. receivedAt becomes the
// received_at of every entry. The error is a *SyntaxError, a *ShapeError or a
// *LimitError. Refused entries are not an error: the Batch counts them.
func (d *BatchDecoder) Decode(body []byte, receivedAt time.Time) (*Batch, error) {
	s, err := newSource(body, d.withDefaults())
	if err != nil {
		return nil, err
	}
	defer s.release()
	r := batchReaders.Get().(*batchReader)
	defer r.release()
	r.fieldReader = fieldReader{source: s}
	r.batch, r.at = &Batch{}, pcommon.NewTimestampFromTime(receivedAt)
	if err := r.envelope(); err != nil {
		if refused, ok := errors.AsType[*refusal](err); ok {
			return nil, &ShapeError{Detail: refused.reason}
		}
		return nil, err
	}
	if err := cmp.Or(r.logs.shape, r.traces.shape, r.metrics.shape, r.resourceErr); err != nil {
		return nil, err
	}
	if err := r.checkResource(); err != nil {
		return nil, err
	}
	b := r.batch
	b.Logs = finish(&logSignal, &r.logs, d, r.resource)
	b.Traces = finish(&spanSignal, &r.traces, d, r.resource)
	b.Metrics = finish(&metricSignal, &r.metrics, d, r.resource)
	b.Received = Counts{r.logs.received, r.traces.received, r.metrics.received}
	b.Rejected = Counts{r.logs.rejected, r.traces.rejected, r.metrics.rejected}
	for _, reasons := range [][]string{r.logs.reasons, r.traces.reasons, r.metrics.reasons} {
		b.Errors = append(b.Errors, reasons[:min(len(reasons), MaxErrors-len(b.Errors))]...)
	}
	return b, nil
}

// batchReader reads the envelope and the entries of a batch.
type batchReader struct {
	fieldReader
	batch *Batch
	at    pcommon.Timestamp
	// read is the number of entries read, refused and replaced ones included.
	read int

	logs    entries[plog.Logs, plog.ResourceLogs, plog.ScopeLogs]
	traces  entries[ptrace.Traces, ptrace.ResourceSpans, ptrace.ScopeSpans]
	metrics entries[pmetric.Metrics, pmetric.ResourceMetrics, pmetric.ScopeMetrics]

	resource     *pcommon.Value // nil if the envelope has none
	resourceText []byte         // its JSON
	resourceErr  error
}

var batchReaders = sync.Pool{New: func() any { return &batchReader{} }}

// release clears the reader and returns it to the pool.
func (r *batchReader) release() {
	*r = batchReader{}
	batchReaders.Put(r)
}

// entries holds the entries of one signal.
type entries[D any, R resourceGroup, S scopeGroup] struct {
	data     D
	resource R
	scope    S

	received, rejected int
	reasons            []string // for the first MaxErrors rejected entries
	long               []longEntry
	shape              error // set if the member is not an array
}

// longEntry is an accepted entry that may have too long a line.
type longEntry struct {
	index  int // in the batch
	record int // index of its record
}

// reject counts a rejected entry.
func (e *entries[D, R, S]) reject(signal string, index int, reason string) {
	e.rejected++
	if len(e.reasons) < MaxErrors {
		e.reasons = append(e.reasons, fmt.Sprintf("%s[%d]: %s", signal, index, reason))
	}
}

// envelope reads the object of the batch. If a member is repeated, the last
// one wins.
func (r *batchReader) envelope() error {
	if r.dec.PeekKind() != '{' {
		if err := r.skip(); err != nil {
			return err
		}
		return &SyntaxError{Detail: "not an object"}
	}
	if err := r.open(); err != nil {
		return err
	}
	members := 0
	for r.dec.PeekKind() != '}' {
		name, err := r.str()
		if err != nil {
			return err
		}
		members++
		switch name {
		case logSignal.name:
			err = readEntries(&logSignal, r, &r.logs)
		case spanSignal.name:
			err = readEntries(&spanSignal, r, &r.traces)
		case metricSignal.name:
			err = readEntries(&metricSignal, r, &r.metrics)
		case "batchId":
			r.batch.ID, err = r.batchID()
		case "resource":
			err = r.readResource()
		case "dropped":
			r.batch.Dropped, err = r.dropped()
		default:
			err = r.skip()
		}
		if err != nil {
			return err
		}
	}
	if err := r.token(); err != nil {
		return err
	}
	if members == 0 {
		return &SyntaxError{Detail: "an object without members"}
	}
	return r.end()
}

// readEntries reads the entries of one signal.
func readEntries[D any, R resourceGroup, S scopeGroup, E record[E]](g *signal[D, R, S, E], r *batchReader, to *entries[D, R, S]) error {
	*to = entries[D, R, S]{}
	switch r.dec.PeekKind() {
	case '[':
	case 'n':
		return r.skip()
	default:
		to.shape = &ShapeError{Detail: g.name + ": not an array"}
		return r.skip()
	}
	if err := r.fieldReader.open(); err != nil {
		return err
	}
	to.data = g.newData()
	to.resource = g.resources.add(to.data)
	to.scope = g.scopes.add(to.resource)

	// The record of a refused entry is reused for the next entry. Removing it
	// from the slice would take quadratic time for many refused entries.
	var rec E
	spare := false
	for i := 0; r.dec.PeekKind() != ']'; i++ {
		if r.read++; r.read > r.limits.MaxEntries {
			return &LimitError{Detail: fmt.Sprintf("more than %d entries", r.limits.MaxEntries)}
		}
		if !spare {
			rec, spare = g.records.add(to.scope), true
		}
		before := r.dec.InputOffset()
		err := readEntry(g, r, rec)
		var refused *refusal
		switch {
		case err == nil:
			if int(r.dec.InputOffset()-before) > longEntryBytes {
				to.long = append(to.long, longEntry{i, to.received})
			}
			to.received++
			spare = false
		case errors.As(err, &refused):
			g.empty.CopyTo(rec)
			to.reject(g.name, i, refused.reason)
		default:
			return err
		}
	}
	if spare {
		g.remove(to.scope, func(i int) bool { return i == to.received })
	}
	return r.token()
}

// readEntry reads one entry into rec, which must be empty. It reads to the end
// of the entry, unless the error is a syntax error.
func readEntry[D any, R resourceGroup, S scopeGroup, E record[E]](g *signal[D, R, S, E], r *batchReader, rec E) error {
	if r.dec.PeekKind() != '{' {
		return r.refuse()
	}
	depth, before := r.dec.StackDepth(), r.dec.InputOffset()
	r.reset(r.at)
	err := g.read(&r.fieldReader, rec)
	if err == nil {
		return nil
	}
	var refused *refusal
	duplicate := errors.Is(err, errDuplicate)
	if !duplicate && !errors.As(err, &refused) {
		return err
	}
	if r.dec.StackDepth() > depth {
		if err := r.skipTo(depth); err != nil {
			return err
		}
	}
	if !duplicate {
		return err
	}
	g.empty.CopyTo(rec)
	// Only white space and a comma precede the entry.
	text := r.body[before:r.dec.InputOffset()]
	return r.withoutDuplicates(text[bytes.IndexByte(text, '{'):], func(f *fieldReader) error { return g.read(f, rec) })
}

// longEntryBytes is the length of an entry from which its line is measured. A
// shorter entry cannot have a line of MaxLineBytes, because numbers grow to less
// than three times their length, and the tail is shorter than 128 KiB.
const longEntryBytes = (MaxLineBytes - 128<<10) / 3

// finish sets the resource of one signal's entries and rejects those with a line
// longer than MaxLineBytes.
func finish[D any, R resourceGroup, S scopeGroup, E record[E]](g *signal[D, R, S, E], e *entries[D, R, S], d *BatchDecoder, envelope *pcommon.Value) D {
	if e.received > 0 {
		d.setResource(e.resource.Resource().Attributes(), envelope)
		rejectLong(g, e)
	}
	if e.received == 0 {
		return g.nothing
	}
	return e.data
}

// rejectLong rejects entries with a line longer than MaxLineBytes.
func rejectLong[D any, R resourceGroup, S scopeGroup, E record[E]](g *signal[D, R, S, E], e *entries[D, R, S]) {
	if len(e.long) == 0 {
		return
	}
	w := fieldWriters.Get().(*fieldWriter)
	defer w.release()
	tail := g.contextTail(e.resource, e.scope)
	var remove []int
	for _, long := range e.long {
		g.writeLine(w, e.resource, e.scope, g.records.at(e.scope, long.record), tail)
		if len(w.buf) > MaxLineBytes {
			e.reject(g.name, long.index, fmt.Sprintf("its line of %d bytes is longer than %d bytes", len(w.buf), MaxLineBytes))
			remove = append(remove, long.record)
		}
	}
	e.received -= len(remove)
	g.remove(e.scope, func(i int) bool { return slices.Contains(remove, i) })
}

// setResource adds the attributes of a resource.
func (d *BatchDecoder) setResource(attributes pcommon.Map, envelope *pcommon.Value) {
	if envelope == nil && len(d.ResourceAttributes) == 0 {
		attributes.PutStr(attrServiceName, d.ServiceName)
		return
	}
	var members xpdata.MapBuilder
	members.AppendEmpty(attrServiceName).SetStr(cmp.Or(d.ResourceAttributes[attrServiceName], d.ServiceName))
	switch {
	case envelope == nil:
	case envelope.Type() == pcommon.ValueTypeMap:
		for key, v := range envelope.Map().All() {
			if _, configured := d.ResourceAttributes[key]; key != attrServiceName && !configured {
				v.CopyTo(members.AppendEmpty(key))
			}
		}
	default:
		envelope.CopyTo(members.AppendEmpty(attrResource))
	}
	// Sorted, so that equal resources give equal lines.
	for _, key := range slices.Sorted(maps.Keys(d.ResourceAttributes)) {
		if key != attrServiceName {
			members.AppendEmpty(key).SetStr(d.ResourceAttributes[key])
		}
	}
	members.UnsafeIntoMap(attributes)
}

// readResource reads the resource of the envelope.
func (r *batchReader) readResource() error {
	r.resource, r.resourceErr = nil, nil
	if r.dec.PeekKind() == 'n' {
		return r.skip()
	}
	depth, before := r.dec.StackDepth(), r.dec.InputOffset()
	r.dropKeys(0)
	resource := pcommon.NewValueEmpty()
	r.resource = &resource
	err := r.value(resource)
	r.resourceText = bytes.TrimLeft(r.body[before:r.dec.InputOffset()], ": \t\r\n")
	var refused *refusal
	if !errors.As(err, &refused) {
		return err
	}
	r.resourceErr = &ShapeError{Detail: "resource: " + refused.reason}
	if r.dec.StackDepth() == depth {
		return nil
	}
	return r.skipTo(depth)
}

// checkResource limits the resource, because it is written on every line.
func (r *batchReader) checkResource() error {
	if r.resource == nil {
		return nil
	}
	if size := len(r.resourceText); size > r.limits.MaxResourceBytes {
		return &ShapeError{Detail: fmt.Sprintf("resource: %d bytes, %d are allowed", size, r.limits.MaxResourceBytes)}
	}
	// Each signal has a copy of the resource, which EstimateDecodedSize does not
	// know of.
	if estimate(r.resourceText, 0) > copiedResource(r.limits) {
		return &ShapeError{Detail: "resource: too many values"}
	}
	const (
		factor, constant = 4, 256 << 10
		// The tail with a resource has at most this length, plus the length of the
		// resource times maxGrowth.
		emptyTail, maxGrowth = 256, 16
	)
	lines := r.logs.received + r.traces.received + r.metrics.received
	allowed := factor*len(r.body) + constant
	if lines*(emptyTail+maxGrowth*len(r.resourceText)) <= allowed {
		return nil // without encoding it
	}
	resource := plog.NewResourceLogs()
	(&BatchDecoder{}).setResource(resource.Resource().Attributes(), r.resource)
	if size := len(logSignal.contextTail(resource, plog.NewScopeLogs())); lines*size > allowed {
		return &LimitError{Detail: fmt.Sprintf("a resource of %d bytes on each of %d lines takes more than %d bytes", size, lines, allowed)}
	}
	return nil
}

// batchID reads a batchId. It returns "" for anything but a string of at most
// maxBatchID bytes.
func (r *batchReader) batchID() (string, error) {
	if r.dec.PeekKind() != '"' {
		return "", r.skip()
	}
	id, err := r.str()
	if err != nil || len(id) > maxBatchID {
		return "", err
	}
	return strings.Clone(id), nil // does not keep the body in memory
}

const maxBatchID = 128

// dropped reads the counts of dropped entries. Elements of another form are
// not counted, and are not an error.
func (r *batchReader) dropped() (Counts, error) {
	var counts Counts
	if r.dec.PeekKind() != '[' {
		return counts, r.skip()
	}
	if err := r.open(); err != nil {
		return counts, err
	}
	for r.dec.PeekKind() != ']' {
		if r.dec.PeekKind() != '{' {
			if err := r.skip(); err != nil {
				return counts, err
			}
			continue
		}
		signal, count, err := r.droppedOne()
		if err != nil {
			return counts, err
		}
		switch signal {
		case logSignal.name:
			counts.Logs = min(counts.Logs+count, maxDropped)
		case spanSignal.name:
			counts.Traces = min(counts.Traces+count, maxDropped)
		case metricSignal.name:
			counts.Metrics = min(counts.Metrics+count, maxDropped)
		}
	}
	return counts, r.token()
}

// maxDropped limits what one batch adds to the counter of a signal.
const maxDropped = 1_000_000

func (r *batchReader) droppedOne() (signal string, count int, err error) {
	if err := r.open(); err != nil {
		return "", 0, err
	}
	for r.dec.PeekKind() != '}' {
		name, err := r.str()
		if err != nil {
			return "", 0, err
		}
		switch kind := r.dec.PeekKind(); {
		case name == "signal" && kind == '"':
			signal, err = r.str()
		case name == "count" && kind == '0':
			var lit string
			lit, err = r.literal()
			if n, parseErr := strconv.Atoi(lit); parseErr == nil && 0 < n {
				count = min(n, maxDropped)
			}
		default:
			err = r.skip()
		}
		if err != nil {
			return "", 0, err
		}
	}
	return signal, count, r.token()
}
