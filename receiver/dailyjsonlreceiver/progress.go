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

// progress is how far a replay is, in bytes as they are stored, which alone are
// known before they are read. It may be looked at while the replay runs.
type progress struct {
	total atomic.Int64 // bytes of the files that were there at the last look
	done  atomic.Int64 // bytes of total that need not be read any more
	read  atomic.Int64 // bytes that were read since the start
	lines atomic.Int64 // lines that were read since the start

	// The replay's own.
	before int64 // bytes of the days before
	stored int64 // bytes of the day so far
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

func (p *progress) at(lines *reader.Lines, n int) {
	stored := lines.Stored()
	p.read.Add(max(0, stored-p.stored))
	p.stored = stored
	p.done.Store(p.before + stored)
	p.lines.Add(int64(n))
}

func (p *progress) passed(size int64) {
	p.before += size
	p.done.Store(p.before)
}

// left is how many bytes are still to be read.
func (p *progress) left() int64 { return max(0, p.total.Load()-p.done.Load()) }

// reportProgress logs how far the replays are until ctx ends.
func (r *dailyReceiver) reportProgress(ctx context.Context, began time.Time) {
	ticker := time.NewTicker(r.cfg.ProgressInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			r.logProgress(time.Since(began))
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
		wait := time.Duration(float64(elapsed) * float64(left) / float64(read))
		fields = append(fields, zap.Stringer("time_left", wait.Round(time.Second)))
	}
	r.log.Info("Replaying", fields...)
}

// tally is what became of the lines of a day since the start.
type tally struct {
	signal dayfile.Signal
	day    dayfile.Day

	lines, sent, bad, refused int64
	// unreadable is how often the files could not be read to their end.
	unreadable int
	took       time.Duration
}

func (t *tally) count(b *batch, taken bool) {
	t.lines += int64(len(b.lines) + b.bad)
	t.bad += int64(b.bad)
	if taken {
		t.sent += int64(len(b.lines))
	} else {
		t.refused += int64(len(b.lines))
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

// logSummary logs what became of every day and signal that had something new,
// and all of them together.
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
		r.log.Info("Replayed", append([]zap.Field{zap.Stringer("day", t.day), zap.String("signal", string(t.signal))}, t.fields()...)...)
	}
	r.log.Info("Replay is complete", append(all.fields(), zap.Int("days_without_new_lines", unchanged))...)
	return all
}
