// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"go.uber.org/zap"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/reader"
)

// replay hands the lines of one signal's day files to its pipeline, in order.
// It is one goroutine's.
type replay struct {
	cfg       *Config
	signal    dayfile.Signal
	pipeline  pipeline
	marker    *marker
	telemetry *telemetry
	log       *zap.Logger
	// room is what all signals share.
	room *room

	// Set by Start.
	reader *reader.Reader
	stored *checkpoints
	health *health
	// sending is the context of what is handed to the pipeline. It outlives
	// the one that run gets for a while, so that no batch is cut off.
	sending context.Context

	progress progress
	tallies  []*tally
	days     map[dayfile.Day]*dayRecord
	bad      badLines
	batch    batch // what it held is used again
}

// dayRecord is what is known of a day since the start.
type dayRecord struct {
	checkpoint
	// tried is true when what was refused before the start had its turn.
	tried bool
	// doubtful is the version of the files that were seen to be damaged or
	// cut, and since when they are like that.
	doubtful string
	since    time.Time
	// given up is the version of the files that will not be looked at again.
	givenUp string
	tally   *tally
}

// settleTime is how long damaged or cut files must stay as they are to be
// believed: until then they may just be being downloaded.
const settleTime = 10 * time.Second

// doubt says whether files that look damaged or cut may yet change. Who reads
// once can't wait for it.
func (r *replay) doubt(d *dayRecord, version string) bool {
	if r.cfg.Mode == ModeOnce {
		return false
	}
	if d.doubtful != version {
		d.doubtful, d.since = version, time.Now()
	}
	return time.Since(d.since) < settleTime
}

// run delivers what is there and, with the mode follow, what comes, until ctx
// ends.
func (r *replay) run(ctx context.Context) {
	for {
		if err := r.pass(ctx); err != nil || r.cfg.Mode == ModeOnce {
			return
		}
		if !sleep(ctx, r.cfg.PollInterval) {
			return
		}
	}
}

// pass delivers what there is now. It fails only when ctx ends.
func (r *replay) pass(ctx context.Context) error {
	first, last, err := r.cfg.days()
	if err != nil {
		return err // Validate has refused it.
	}
	var days []reader.DayState
	err = r.persistently(ctx, func() (err error) {
		days, err = r.reader.Days(first, last)
		return err
	})
	if err != nil {
		return err
	}
	for _, path := range r.reader.LeftOut() {
		r.log.Warn("A day file is left out because it is not a regular file", zap.String("file", path))
	}
	r.progress.begin(days)
	for _, day := range days {
		if err := r.deliverDay(ctx, day); err != nil {
			return err
		}
		r.progress.passed(day.Size)
	}
	return ctx.Err()
}

// deliverDay delivers what is new in a day. It fails only when ctx ends.
func (r *replay) deliverDay(ctx context.Context, day reader.DayState) error {
	d, err := r.record(ctx, day.Day)
	if err != nil {
		return err
	}
	mustTry := len(d.Refused) > 0 && !d.tried
	if d.givenUp == day.Version || d.Files == day.Version && !mustTry {
		return nil
	}
	began := time.Now()
	defer func() { d.tally.took += time.Since(began) }()
	if mustTry {
		if err := r.deliverRefused(ctx, day.Day, d); err != nil {
			return err
		}
	}
	d.tried = true // What is refused from now on waits for the next start.
	err = r.deliverNew(ctx, day, d)
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case errors.Is(err, fs.ErrNotExist): // It was removed just now.
		return nil
	case r.doubt(d, day.Version):
		r.log.Debug("Can't read a day to its end yet", zap.Stringer("day", day.Day), zap.Error(err))
		return nil
	}
	d.givenUp = day.Version
	d.tally.unreadable++
	r.telemetry.add(r.telemetry.unreadable, r.signal, 1)
	r.log.Error("Can't read a day to its end; going on with the next one", zap.Stringer("day", day.Day), zap.Error(err))
	return nil
}

// record returns what is known of a day.
func (r *replay) record(ctx context.Context, day dayfile.Day) (*dayRecord, error) {
	if d := r.days[day]; d != nil {
		return d, nil
	}
	d := &dayRecord{tally: &tally{signal: r.signal, day: day}}
	err := r.persistently(ctx, func() (err error) {
		d.checkpoint, err = r.stored.load(ctx, r.signal, day)
		if _, bad := errors.AsType[*badCheckpointError](err); bad {
			r.log.Warn("The storage holds no position of a day that can be used; delivering it from its beginning",
				zap.Stringer("day", day), zap.Error(err))
			return nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	r.days[day] = d
	r.tallies = append(r.tallies, d.tally)
	return d, nil
}

func (r *replay) save(ctx context.Context, day dayfile.Day, d *dayRecord) error {
	// What was delivered is noted even when it is time to end.
	return r.persistently(ctx, func() error {
		return r.stored.save(context.WithoutCancel(ctx), r.signal, day, &d.checkpoint)
	})
}

// deliverNew delivers the lines behind the position of a day.
func (r *replay) deliverNew(ctx context.Context, day reader.DayState, d *dayRecord) error {
	lines, err := r.open(ctx, day.Day, d.Position)
	if errors.Is(err, reader.ErrOtherLines) || errors.Is(err, reader.ErrShorter) && !r.doubt(d, day.Version) {
		r.log.Warn("A day has other lines than those that were delivered; delivering it from its beginning",
			zap.Stringer("day", day.Day), zap.Int64("delivered_lines", d.Line), zap.Error(err))
		d.checkpoint = checkpoint{}
		lines, err = r.open(ctx, day.Day, d.Position)
	}
	if err != nil {
		return err
	}
	defer func() { _ = lines.Close() }() // It was only read.
	r.progress.opened(lines)
	err = r.deliver(ctx, lines, toTheEnd, d.tally, func(b *batch, taken bool) error {
		if !taken {
			d.refuse(span{From: b.from, To: b.to.Offset})
		}
		d.Position = b.to
		return r.save(ctx, day.Day, d)
	})
	r.bad.flush(r.log)
	if err != nil {
		return err
	}
	d.Files = day.Version
	r.telemetry.add(r.telemetry.days, r.signal, 1)
	return r.save(ctx, day.Day, d)
}

// open opens a day's lines from a position on, and sees to it that the data
// points before it are counted.
func (r *replay) open(ctx context.Context, day dayfile.Day, from reader.Position) (*reader.Lines, error) {
	if err := r.countBefore(ctx, day, from); err != nil {
		return nil, err
	}
	return r.reader.Open(day, from)
}

// countBefore counts the data points of a day before a position.
func (r *replay) countBefore(ctx context.Context, day dayfile.Day, until reader.Position) error {
	points := r.marker.points
	if points == nil || points.knows(day, until) {
		return nil
	}
	points.begin(day)
	if until.Offset == 0 {
		return nil
	}
	// It is there, and so is everything before it.
	lines, err := r.reader.Open(day, until)
	if err != nil {
		return err
	}
	if err = lines.Close(); err != nil {
		return err
	}
	if lines, err = r.reader.Open(day, reader.Position{}); err != nil {
		return err
	}
	defer func() { _ = lines.Close() }() // It was only read.
	for lines.Offset() < until.Offset {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.passBatch(ctx, lines, day, until); err != nil {
			return err
		}
	}
	points.reached = until
	return nil
}

// passBatch decodes and marks some lines, and hands them to nobody. Bad ones
// were reported when their turn was.
func (r *replay) passBatch(ctx context.Context, lines *reader.Lines, day dayfile.Day, until reader.Position) error {
	b, err := r.fill(lines, until.Offset, true)
	if err != nil && lines.Offset() < until.Offset {
		return err
	}
	leave, err := r.room.enter(ctx, b.weight)
	if err != nil {
		return err
	}
	defer leave()
	r.marker.begin(day)
	r.decode(b, func(*batch, line, error) {})
	r.pipeline.pass(r.marker)
	return nil
}

// deliverRefused hands the pipeline once more what it refused before.
func (r *replay) deliverRefused(ctx context.Context, day dayfile.Day, d *dayRecord) error {
	spans := d.Refused
	d.Refused = nil
	for _, s := range spans {
		if err := r.deliverSpan(ctx, day, d, &s); err != nil {
			// It has its turn at the next start. If it can't be found, the
			// position can't be either, and all of the day is delivered anew.
			d.refuse(s)
		}
	}
	return r.save(ctx, day, d)
}

// deliverSpan delivers lines that were refused, and shortens s by what was
// delivered or refused once more.
func (r *replay) deliverSpan(ctx context.Context, day dayfile.Day, d *dayRecord, s *span) error {
	lines, err := r.open(ctx, day, s.From)
	if err != nil {
		return err
	}
	defer func() { _ = lines.Close() }() // It was only read.
	return r.deliver(ctx, lines, s.To, d.tally, func(b *batch, taken bool) error {
		if !taken {
			d.refuse(span{From: b.from, To: b.to.Offset})
		}
		s.From = b.to
		return nil
	})
}
