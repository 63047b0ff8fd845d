// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"slices"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.uber.org/zap"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile/reader"
	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

// toTheEnd is behind all lines.
const toTheEnd = math.MaxInt64

// batch is consecutive lines of a day that go to the pipeline in one piece.
// Where it ends depends on the lines alone: who starts again at the same
// position, of files that did not grow, hands over the same batches.
type batch struct {
	from, to reader.Position
	// lines are those that were read, less those that turned out to be bad.
	lines []line
	bad   int
	// text holds all of them but a long one, and is used again.
	text []byte
	// weight is what the lines take, decoded.
	weight int64
	// whole is the end of the last line that has one, where another follows.
	whole reader.Position
}

// line is a line of a batch.
type line struct {
	text   []byte
	place  reader.Place
	number int64 // in its day
	rest   bool  // whether it has no end
}

// longLine is how long a line is that ends its batch: it need not be copied
// then, for it is valid until the next one is read.
const longLine = 256 << 10

func (b *batch) add(lines *reader.Lines, text []byte) {
	if len(text) < longLine {
		begin := len(b.text)
		b.text = append(b.text, text...)
		text = b.text[begin:]
	}
	b.lines = append(b.lines, line{text: text, place: lines.Place(), number: lines.Line()})
	b.weight += entry.Weight(text)
}

// deliver hands the lines up to an offset over, batch by batch. After each it
// calls done, with taken false where the pipeline refused it for good.
func (r *replay) deliver(ctx context.Context, lines *reader.Lines, until int64, t *tally, done func(b *batch, taken bool) error) error {
	for {
		r.marker.begin(t.day)
		b, readErr := r.fill(lines, until, r.cfg.Mode == ModeOnce)
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

// fill reads the next lines. The error says why they are the last. A last line
// without an end is one of them where rest is true.
func (r *replay) fill(lines *reader.Lines, until int64, rest bool) (*batch, error) {
	b := &r.batch
	*b = batch{from: lines.Position(), lines: b.lines[:0], text: b.text[:0]}
	var text []byte
	var err error
	for len(b.lines)+b.bad < r.cfg.MaxBatchLines && b.weight < int64(r.cfg.MaxBatchBytes) && len(text) < longLine && lines.Offset() < until {
		text, err = lines.Next()
		switch {
		case errors.Is(err, reader.ErrLongLine):
			b.bad++
			r.bad.add(r.log, lines.Place(), err)
			err = nil
		case err == nil && len(bytes.TrimSpace(text)) > 0:
			b.add(lines, text)
		}
		if err != nil {
			break
		}
	}
	b.to = lines.Position()
	if errors.Is(err, io.EOF) && rest {
		r.addRest(b, lines)
	}
	return b, err
}

// addRest adds a last line without '\n' to the batch. If it can be decoded it
// is whole, for no JSON object is the beginning of another one. If not, it may
// be torn, and is left for the time when it is whole.
func (r *replay) addRest(b *batch, lines *reader.Lines) {
	text, err := lines.Rest()
	switch {
	case errors.Is(err, io.EOF):
	case err != nil:
		r.leave(lines.Place(), err)
	case len(bytes.TrimSpace(text)) > 0:
		b.add(lines, text)
		b.lines[len(b.lines)-1].rest = true
		b.whole, b.to = b.to, lines.Position()
	}
}

func (r *replay) leave(place reader.Place, err error) {
	r.log.Warn("The last line has no end and is left: "+place.String(), zap.Error(err))
}

// handOver gives a batch to the pipeline, which has taken it when the error is
// nil, and never will when the error is permanent.
func (r *replay) handOver(ctx context.Context, b *batch) error {
	err := r.persistently(ctx, func() error {
		leave, err := r.room.enter(ctx, b.weight)
		if err != nil {
			return err
		}
		defer leave()
		// What was handed over before is the pipeline's, and may be changed.
		if r.decode(b, r.report); len(b.lines) == 0 {
			return nil
		}
		return r.pipeline.send(r.sending, r.marker)
	})
	if consumererror.IsPermanent(err) {
		r.log.Error("The pipeline refused lines for good; it gets them again at the next start",
			zap.Stringer("from", b.lines[0].place), zap.Stringer("to", b.lines[len(b.lines)-1].place), zap.Error(err))
	}
	return err
}

// decode decodes a batch into the pipeline, and keeps bad lines out of it.
func (r *replay) decode(b *batch, report func(b *batch, l line, err error)) {
	b.lines = slices.DeleteFunc(b.lines, func(l line) bool {
		err := r.pipeline.add(l.text)
		if err != nil {
			report(b, l, err)
		}
		return err != nil
	})
	r.marker.lines = b.lines
}

// report reports a bad line.
func (r *replay) report(b *batch, l line, err error) {
	if l.rest {
		r.leave(l.place, err)
		b.to = b.whole
		return
	}
	b.bad++
	r.bad.add(r.log, l.place, err)
}

// count counts a batch that is done with.
func (r *replay) count(lines *reader.Lines, b *batch, taken bool) {
	r.progress.at(lines, len(b.lines)+b.bad)
	r.telemetry.add(r.telemetry.lines, r.signal, int64(len(b.lines)))
	r.telemetry.add(r.telemetry.badLines, r.signal, int64(b.bad))
	r.telemetry.add(r.telemetry.bytes, r.signal, b.to.Offset-b.from.Offset)
	if !taken {
		r.telemetry.add(r.telemetry.refused, r.signal, int64(len(b.lines)))
	}
}

// badLines reports bad lines without flooding the log.
type badLines struct {
	file string
	n    int
}

// maxBadReports is how many bad lines of a file are reported one by one.
const maxBadReports = 10

func (b *badLines) add(log *zap.Logger, place reader.Place, reason error) {
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
