// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/reader"
)

// progress is how far a replay is, in bytes as stored: the number of lines is
// unknown before they are read. Other goroutines may read the atomic fields.
type progress struct {
	total atomic.Int64 // bytes of the files that the last pass found
	done  atomic.Int64 // bytes of total that need no more reading
	read  atomic.Int64 // bytes read since the start
	lines atomic.Int64 // lines read since the start

	before int64 // bytes of the days before this one
	stored int64 // bytes of this day so far
}

func (p *progress) begin(days []reader.DayState) {
	var total int64
	for _, day := range days {
		total += day.Size
	}
	p.before = 0
	p.done.Store(0)
	p.total.Store(total)
}

func (p *progress) opened(lines *reader.Lines) { p.stored = lines.Stored() }

func (p *progress) advance(lines *reader.Lines, count int) {
	stored := lines.Stored()
	p.read.Add(max(0, stored-p.stored))
	p.stored = stored
	p.done.Store(p.before + stored)
	p.lines.Add(int64(count))
}

func (p *progress) passed(size int64) {
	p.before += size
	p.done.Store(p.before)
}

// left is the number of bytes still to read.
func (p *progress) left() int64 { return max(0, p.total.Load()-p.done.Load()) }

// reportProgress logs the progress regularly until ctx ends.
func (r *dailyReceiver) reportProgress(ctx context.Context, start time.Time) {
	ticker := time.NewTicker(r.cfg.ProgressInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			r.logProgress(time.Since(start))
		}
	}
}

func (r *dailyReceiver) logProgress(elapsed time.Duration) {
	var total, left, read, lines int64
	for _, replay := range r.replays {
		p := &replay.progress
		total += p.total.Load()
		left += p.left()
		read += p.read.Load()
		lines += p.lines.Load()
	}
	fields := []zap.Field{
		zap.Int64("lines", lines),
		zap.Int64("lines_per_second", int64(float64(lines)/elapsed.Seconds())),
	}
	if total > 0 {
		fields = append(fields, zap.Int64("percent", 100*(total-left)/total))
	}
	if read > 0 {
		timeLeft := time.Duration(float64(elapsed) * float64(left) / float64(read))
		fields = append(fields, zap.Stringer("time_left", timeLeft.Round(time.Second)))
	}
	r.logger.Info("Replaying", fields...)
}

// tally counts the lines of a day since the start.
type tally struct {
	signal dayfile.Signal
	day    dayfile.Day

	lines, sent, bad, refused int64
	// unreadable is how often the files could not be read to their end.
	unreadable int
	took       time.Duration
}

func (t *tally) add(b *batch, refused bool) {
	t.lines += int64(b.lineCount())
	t.bad += int64(len(b.bad))
	if refused {
		t.refused += int64(len(b.lines))
	} else {
		t.sent += int64(len(b.lines))
	}
}

func (t *tally) fields() []zap.Field {
	fields := []zap.Field{
		zap.Int64("lines", t.lines),
		zap.Int64("sent", t.sent),
		zap.Int64("bad", t.bad),
		zap.Float64("seconds", float64(t.took.Round(time.Millisecond))/float64(time.Second)),
	}
	if t.refused > 0 {
		fields = append(fields, zap.Int64("refused", t.refused))
	}
	if t.unreadable > 0 {
		fields = append(fields, zap.Bool("unreadable", true))
	}
	return fields
}

// logSummary logs the tally of every day and signal that had new lines, and
// their sum, which it returns.
func (r *dailyReceiver) logSummary(elapsed time.Duration) (all tally) {
	var tallies []*tally
	for _, replay := range r.replays {
		tallies = append(tallies, replay.tallies...)
	}
	slices.SortStableFunc(tallies, func(a, b *tally) int {
		if c := a.day.Compare(b.day); c != 0 {
			return c
		}
		return strings.Compare(string(a.signal), string(b.signal))
	})
	all.took = elapsed
	unchanged := 0
	for _, t := range tallies {
		if t.lines == 0 && t.unreadable == 0 {
			unchanged++
			continue
		}
		all.lines += t.lines
		all.sent += t.sent
		all.bad += t.bad
		all.refused += t.refused
		all.unreadable += t.unreadable
		r.logger.Info("Replayed", append([]zap.Field{zap.Stringer("day", t.day), zap.String("signal", string(t.signal))}, t.fields()...)...)
	}
	r.logger.Info("Replay is complete", append(all.fields(), zap.Int("days_without_new_lines", unchanged))...)
	return all
}
