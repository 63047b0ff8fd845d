// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"time"

	"github.com/cenkalti/backoff/v7"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.uber.org/zap"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/reader"
)

// replay sends the lines of one signal's day files, in order. Everything but
// progress belongs to the goroutine of run.
type replay struct {
	cfg       *Config
	signal    dayfile.Signal
	sender    sender
	telemetry *telemetry
	logger    *zap.Logger

	// Set by Start.
	reader *reader.Reader
	stored *checkpoints
	health *health
	// consuming is the context of the consumer. It outlives the context of run
	// by up to shutdownGrace, so that no batch is interrupted.
	consuming context.Context

	progress progress
	tallies  []*tally
	days     map[dayfile.Day]*dayRecord
	badLines badLineLog
	batch    batch // reused
}

// dayRecord is what is known of a day since the start.
type dayRecord struct {
	checkpoint
	// resent is true once the lines that were refused before the start have been
	// sent again.
	resent bool
	// suspect is the version of files that look damaged or cut, since the time
	// suspectSince.
	suspect      string
	suspectSince time.Time
	// givenUp is the version of files that are not read again.
	givenUp string
	tally   *tally
}

// settleTime is how long damaged or cut files must not change before they are
// treated as such. Until then a download may be in progress.
const settleTime = 10 * time.Second

// mayChange reports whether files that look damaged or cut may be incomplete
// downloads. The mode once does not wait for them.
func (r *replay) mayChange(d *dayRecord, version string) bool {
	if r.cfg.Mode == ModeOnce {
		return false
	}
	if d.suspect != version {
		d.suspect, d.suspectSince = version, time.Now()
	}
	return time.Since(d.suspectSince) < settleTime
}

// run replays all days and, with the mode follow, keeps looking for new lines
// until ctx ends.
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

// pass sends the lines that are new in any day. It fails only when ctx ends.
func (r *replay) pass(ctx context.Context) error {
	first, last, err := r.cfg.days()
	if err != nil {
		return err // Validate has rejected it.
	}
	var days []reader.DayState
	err = r.retry(ctx, forever, func() (err error) {
		days, err = r.reader.Days(first, last)
		return err
	})
	if err != nil {
		return err
	}
	for _, path := range r.reader.LeftOut() {
		r.logger.Warn("Day file skipped because it is not a regular file", zap.String("file", path))
	}
	r.progress.begin(days)
	for _, day := range days {
		if err := r.replayDay(ctx, day); err != nil {
			return err
		}
		r.progress.passed(day.Size)
	}
	return ctx.Err()
}

// replayDay sends the lines that are new in a day. It fails only when ctx ends.
func (r *replay) replayDay(ctx context.Context, day reader.DayState) error {
	d, err := r.record(ctx, day.Day)
	if err != nil {
		return err
	}
	mustResend := len(d.Refused) > 0 && !d.resent
	if d.givenUp == day.Version || d.Files == day.Version && !mustResend {
		return nil
	}
	start := time.Now()
	defer func() { d.tally.took += time.Since(start) }()
	if mustResend {
		if err := r.resendRefused(ctx, day.Day, d); err != nil {
			return err
		}
	}
	d.resent = true // What is refused from now on waits for the next start.
	err = r.sendNew(ctx, day, d)
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case errors.Is(err, fs.ErrNotExist): // It was removed just now.
		return nil
	case r.mayChange(d, day.Version):
		r.logger.Debug("Can't read a day to its end yet", zap.Stringer("day", day.Day), zap.Error(err))
		return nil
	}
	d.givenUp = day.Version
	d.tally.unreadable++
	r.telemetry.add(r.telemetry.unreadable, r.signal, 1)
	r.logger.Error("Can't read a day to its end; continuing with the next day", zap.Stringer("day", day.Day), zap.Error(err))
	return nil
}

// record returns the record of a day. The first call loads its checkpoint.
func (r *replay) record(ctx context.Context, day dayfile.Day) (*dayRecord, error) {
	if d := r.days[day]; d != nil {
		return d, nil
	}
	d := &dayRecord{tally: &tally{signal: r.signal, day: day}}
	err := r.retry(ctx, forever, func() (err error) {
		d.checkpoint, err = r.stored.load(ctx, r.signal, day)
		if errors.Is(err, errBadCheckpoint) {
			r.logger.Warn("Stored position is invalid; replaying the day from its beginning",
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

// sendNew sends the lines behind the position of a day.
func (r *replay) sendNew(ctx context.Context, day reader.DayState, d *dayRecord) error {
	b, err := r.open(ctx, day.Day, d.Position, untilEnd)
	if errors.Is(err, reader.ErrOtherLines) || errors.Is(err, reader.ErrShorter) && !r.mayChange(d, day.Version) {
		r.logger.Warn("Day files no longer hold the lines that were sent; replaying the day from its beginning",
			zap.Stringer("day", day.Day), zap.Int64("lines_sent", d.Line), zap.Error(err))
		d.checkpoint = checkpoint{}
		b, err = r.open(ctx, day.Day, d.Position, untilEnd)
	}
	if err != nil {
		return err
	}
	r.progress.opened(b.lines)
	err = r.sendAll(ctx, b, d, func(b *batch) error {
		d.Position = b.to
		return r.save(ctx, day.Day, d)
	})
	r.badLines.flush()
	if err != nil {
		return err
	}
	d.Files = day.Version
	r.telemetry.add(r.telemetry.days, r.signal, 1)
	return r.save(ctx, day.Day, d)
}

// resendRefused sends the lines again that the pipeline refused before the
// start.
func (r *replay) resendRefused(ctx context.Context, day dayfile.Day, d *dayRecord) error {
	spans := d.Refused
	d.Refused = nil
	for _, s := range spans {
		b, err := r.open(ctx, day, s.From, s.To)
		if err == nil {
			err = r.sendAll(ctx, b, d, func(b *batch) error {
				s.From = b.to
				return nil
			})
		}
		if err != nil {
			// The rest waits for the next start. If the lines have changed, so
			// has the position, and sendNew sends the whole day again.
			d.refuse(s)
		}
	}
	return r.save(ctx, day, d)
}

// open opens the lines of a day between two offsets.
func (r *replay) open(ctx context.Context, day dayfile.Day, from reader.Position, until int64) (*batches, error) {
	if !r.sender.marker.ready(day, from) {
		if err := r.countPoints(ctx, day, from); err != nil {
			return nil, err
		}
	}
	lines, err := r.reader.Open(day, from)
	if err != nil {
		return nil, err
	}
	return &batches{cfg: r.cfg, day: day, lines: lines, until: until, rest: r.cfg.Mode == ModeOnce, batch: &r.batch}, nil
}

// countPoints counts the data points of a day before a position. Their bad lines
// were logged when they were replayed.
func (r *replay) countPoints(ctx context.Context, day dayfile.Day, until reader.Position) error {
	r.sender.marker.restart(day)
	if until.Offset == 0 {
		return nil
	}
	// If the lines at the position are the same, those before it are, too.
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
	// The last line before the position may have had no end when it was sent.
	b := batches{cfg: r.cfg, day: day, lines: lines, until: until.Offset, rest: true, batch: &r.batch}
	for b.next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.sender.count(ctx, b.batch); err != nil {
			return err
		}
	}
	return b.err()
}

// sendAll sends batches one after the other, and closes their files. It calls
// done once the pipeline has accepted a batch or refused it for good.
func (r *replay) sendAll(ctx context.Context, batches *batches, d *dayRecord, done func(*batch) error) error {
	defer func() { _ = batches.lines.Close() }() // It was only read.
	for batches.next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := batches.batch
		err := r.retry(ctx, r.maxElapsedTime(), func() error { return r.sender.send(ctx, r.consuming, b) })
		refused := consumererror.IsPermanent(err)
		if err != nil && !refused {
			return err // ctx has ended.
		}
		if refused {
			r.logger.Error("Pipeline refused lines; they are sent again at the next start",
				zap.Stringer("from", b.lines[0].place), zap.Stringer("to", b.lines[len(b.lines)-1].place), zap.Error(err))
			d.refuse(span{From: b.from, To: b.to.Offset})
		}
		r.badLines.log(b)
		r.observe(batches.lines, b, d, refused)
		if b.to != b.from {
			if err := done(b); err != nil {
				return err
			}
		}
	}
	return batches.err()
}

// observe counts a batch that was sent or refused.
func (r *replay) observe(lines *reader.Lines, b *batch, d *dayRecord, refused bool) {
	d.tally.add(b, refused)
	r.progress.advance(lines, b.lineCount())
	r.telemetry.add(r.telemetry.lines, r.signal, int64(len(b.lines)))
	r.telemetry.add(r.telemetry.badLines, r.signal, int64(len(b.bad)))
	r.telemetry.add(r.telemetry.bytes, r.signal, b.to.Offset-b.from.Offset)
	if refused {
		r.telemetry.add(r.telemetry.refused, r.signal, int64(len(b.lines)))
	}
}

// save stores the checkpoint of a day, even if ctx has ended.
func (r *replay) save(ctx context.Context, day dayfile.Day, d *dayRecord) error {
	return r.retry(ctx, forever, func() error {
		return r.stored.save(context.WithoutCancel(ctx), r.signal, day, &d.checkpoint)
	})
}

const forever time.Duration = math.MaxInt64

// maxElapsedTime is how long a batch is tried again.
func (r *replay) maxElapsedTime() time.Duration {
	retry := r.cfg.RetryConfig
	switch {
	case !retry.Enabled:
		return 0
	case retry.MaxElapsedTime == 0:
		return forever
	default:
		return retry.MaxElapsedTime
	}
}

// retry calls try until it succeeds, fails permanently or ctx ends, and returns
// its last error. The error is made permanent if the next try would be later
// than maxElapsedTime after the first.
func (r *replay) retry(ctx context.Context, maxElapsedTime time.Duration, try func() error) error {
	backOff := backoff.ExponentialBackOff{
		InitialInterval:     r.cfg.RetryConfig.InitialInterval,
		RandomizationFactor: r.cfg.RetryConfig.RandomizationFactor,
		Multiplier:          r.cfg.RetryConfig.Multiplier,
		MaxInterval:         r.cfg.RetryConfig.MaxInterval,
	}
	backOff.Reset()
	start := time.Now()
	for {
		err := try()
		if err == nil || consumererror.IsPermanent(err) {
			if r.health.markHealthy(r) {
				r.logger.Info("Replay continues")
			}
			return err
		}
		if ctx.Err() != nil {
			return err
		}
		wait := backOff.NextBackOff()
		if time.Since(start) > maxElapsedTime-wait {
			return consumererror.NewPermanent(fmt.Errorf("no more retries left: %w", err))
		}
		r.telemetry.add(r.telemetry.retries, r.signal, 1)
		if r.health.markUnhealthy(r, err) {
			r.logger.Warn("Replay is held up; retrying until it can continue", zap.Error(err), zap.Duration("interval", wait))
		} else {
			r.logger.Debug("Replay is still held up", zap.Error(err), zap.Duration("interval", wait))
		}
		if !sleep(ctx, wait) {
			return err
		}
	}
}

// sleep returns false if ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
