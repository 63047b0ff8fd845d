// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.uber.org/zap"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
)

// toTheEnd is behind all lines.
const toTheEnd = math.MaxInt64

// batch is consecutive lines of a day that go to the pipeline in one piece.
// Where it ends depends on the lines alone: who starts again at the same
// position, of files that did not grow, hands over the same batches.
type batch struct {
	from, to    dayfile.Position
	first, last dayfile.Place
	// text is the lines that were decoded, each with a '\n', kept to be
	// decoded again if need be.
	text  []byte
	lines int
	bad   int
	bytes int // of all lines, bad ones too
}

// deliver hands the lines up to an offset over, batch by batch. After each it
// calls done, with taken false where the pipeline refused it for good.
func (r *replay) deliver(ctx context.Context, lines *dayfile.Lines, until int64, t *tally, done func(b *batch, taken bool) error) error {
	for {
		r.marker.begin(t.day)
		b, readErr := r.fill(lines, until)
		err := r.handOver(ctx, b)
		taken := !consumererror.IsPermanent(err)
		if err != nil && taken {
			return err // It is time to end.
		}
		r.marker.reached(b.to)
		t.count(b, taken)
		r.count(lines, b, taken)
		if b.to != b.from {
			if err := done(b, taken); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(readErr, io.EOF), b.to.Offset >= until:
			return nil
		case readErr != nil:
			return readErr
		case ctx.Err() != nil:
			return ctx.Err()
		}
	}
}

// fill decodes the next lines. The error says why they are the last.
func (r *replay) fill(lines *dayfile.Lines, until int64) (*batch, error) {
	b := &batch{from: lines.Position(), text: r.text[:0]}
	var err error
	for b.lines < r.cfg.MaxBatchLines && b.bytes < r.cfg.MaxBatchBytes && lines.Offset() < until {
		var line []byte
		line, err = lines.Next()
		if err != nil && !errors.Is(err, dayfile.ErrLongLine) {
			break
		}
		r.take(b, lines, line, err)
		err = nil
	}
	b.to = lines.Position()
	if errors.Is(err, io.EOF) && r.cfg.Mode == ModeOnce {
		r.takeRest(b, lines)
	}
	r.text = b.text
	return b, err
}

// take puts a line into the batch, or counts it as a bad one.
func (r *replay) take(b *batch, lines *dayfile.Lines, line []byte, err error) {
	b.bytes += len(line)
	if err == nil {
		if len(bytes.TrimSpace(line)) == 0 {
			return
		}
		err = r.pipeline.add(line)
	}
	if err != nil {
		b.bad++
		r.bad.add(r.log, lines.Place(), err)
		return
	}
	r.keep(b, lines, line)
}

// keep notes a line that was decoded.
func (r *replay) keep(b *batch, lines *dayfile.Lines, line []byte) {
	r.marker.line(lines.Line())
	b.last = lines.Place()
	if b.lines == 0 {
		b.first = b.last
	}
	b.lines++
	b.text = append(append(b.text, line...), '\n')
}

// takeRest takes a last line without '\n' if it can be decoded: then it is
// whole, for no JSON object is the beginning of another one. If not, it may be
// torn, and is left for the time when it is whole.
func (r *replay) takeRest(b *batch, lines *dayfile.Lines) {
	rest, err := lines.Rest()
	if errors.Is(err, io.EOF) {
		return
	}
	if err == nil && len(bytes.TrimSpace(rest)) > 0 {
		if err = r.pipeline.add(rest); err == nil {
			r.keep(b, lines, rest)
			b.to = lines.Position()
		}
	}
	if err != nil {
		r.log.Warn("The last line has no end and is left: "+lines.Place().String(), zap.Error(err))
	}
}

// handOver gives a batch to the pipeline, which has taken it when the error is
// nil, and never will when the error is permanent.
func (r *replay) handOver(ctx context.Context, b *batch) error {
	if b.lines == 0 {
		return nil
	}
	decoded := true
	err := r.persistently(ctx, func() error {
		if !decoded {
			// What was handed over is the pipeline's, and may be changed.
			for line := range bytes.Lines(b.text) {
				if err := r.pipeline.add(line); err != nil {
					return err
				}
			}
		}
		decoded = false
		return r.pipeline.send(r.sending, r.marker)
	})
	if consumererror.IsPermanent(err) {
		r.log.Error("The pipeline refused lines for good; it gets them again at the next start",
			zap.Stringer("from", b.first), zap.Stringer("to", b.last), zap.Error(err))
	}
	return err
}

// count counts a batch that is done with.
func (r *replay) count(lines *dayfile.Lines, b *batch, taken bool) {
	r.progress.at(lines, b.lines+b.bad)
	r.telemetry.add(r.telemetry.lines, r.signal, int64(b.lines))
	r.telemetry.add(r.telemetry.badLines, r.signal, int64(b.bad))
	r.telemetry.add(r.telemetry.bytes, r.signal, b.to.Offset-b.from.Offset)
	if !taken {
		r.telemetry.add(r.telemetry.refused, r.signal, int64(b.lines))
	}
}

// badLines reports bad lines without flooding the log.
type badLines struct {
	file string
	n    int
}

// maxBadReports is how many bad lines of a file are reported one by one.
const maxBadReports = 10

func (b *badLines) add(log *zap.Logger, place dayfile.Place, reason error) {
	if place.File != b.file {
		b.flush(log)
		b.file = place.File
	}
	b.n++
	if b.n <= maxBadReports {
		log.Warn("Bad line kept out: " + place.String() + ": " + reason.Error())
	}
}

// flush says how many were not reported one by one.
func (b *badLines) flush(log *zap.Logger) {
	if b.n > maxBadReports {
		log.Warn("More bad lines kept out", zap.String("file", b.file), zap.Int("lines", b.n-maxBadReports))
	}
	b.n = 0
}
