// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"math"
	"slices"

	"go.uber.org/zap"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/reader"
	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

// batch is a run of consecutive lines of a day that is sent in one piece. Where
// it ends depends on the lines alone: a replay that starts again at the same
// position sends the same batches.
type batch struct {
	day      dayfile.Day
	from, to reader.Position
	// lines are the lines to send. decode removes the bad ones.
	lines []line
	bad   []badLine
	// torn is a last line without '\n' that can't be decoded. It is not part of
	// the batch.
	torn *badLine
	// weight is the estimated memory of the decoded lines, in bytes.
	weight int64

	// text holds the lines shorter than longLine. It is reused.
	text []byte
	// beforeRest is where the batch ends if its last line turns out to be torn.
	beforeRest reader.Position

	// occurrences belongs to the marker. It has one element per data point once
	// the points are counted: a batch that is sent again is not counted again.
	occurrences []uint16
	counted     bool
}

// line is a line of a batch.
type line struct {
	text   []byte
	place  reader.Place
	number int64 // in its day, from 1
	noEnd  bool  // the file ends without '\n'
}

// badLine is a line that is skipped. The reason does not quote it.
type badLine struct {
	place  reader.Place
	number int64
	reason error
}

// longLine is the length in bytes from which a line ends its batch. It is not
// copied: its text stays valid until the next line is read.
const longLine = 256 << 10

func (b *batch) reset(day dayfile.Day, from reader.Position) {
	*b = batch{
		day: day, from: from, to: from,
		lines: b.lines[:0], bad: b.bad[:0], text: b.text[:0], occurrences: b.occurrences[:0],
	}
}

func (b *batch) add(l line) {
	if len(l.text) < longLine {
		start := len(b.text)
		b.text = append(b.text, l.text...)
		l.text = b.text[start:]
	}
	b.lines = append(b.lines, l)
	b.weight += entry.Weight(l.text)
}

// decode passes each line to add, and moves those that add rejects from lines
// to bad. It may be called again.
func (b *batch) decode(add func(line []byte) error) {
	b.lines = slices.DeleteFunc(b.lines, func(l line) bool {
		err := add(l.text)
		switch {
		case err == nil:
			return false
		case l.noEnd:
			b.torn, b.to = &badLine{l.place, l.number, err}, b.beforeRest
		default:
			b.bad = append(b.bad, badLine{l.place, l.number, err})
		}
		return true
	})
}

// lineCount is the number of lines that are sent or bad.
func (b *batch) lineCount() int { return len(b.lines) + len(b.bad) }

// batches splits the lines of a day into batches.
type batches struct {
	cfg   *Config
	day   dayfile.Day
	lines *reader.Lines
	// until is the offset to stop at.
	until int64
	// rest makes a last line without '\n' part of the last batch.
	rest bool

	batch   *batch
	lastErr error
}

// untilEnd is an offset behind every line.
const untilEnd = math.MaxInt64

// next reads the next batch. It returns false if none follows: err tells why.
func (s *batches) next() bool {
	if s.lastErr != nil || s.lines.Offset() >= s.until {
		return false
	}
	b := s.batch
	b.reset(s.day, s.lines.Position())
	for length := 0; s.lastErr == nil && length < longLine && !s.full() && s.lines.Offset() < s.until; {
		var text []byte
		text, s.lastErr = s.lines.Next()
		length = len(text)
		switch {
		case errors.Is(s.lastErr, reader.ErrLongLine):
			b.bad = append(b.bad, badLine{s.lines.Place(), s.lines.Line(), s.lastErr})
			s.lastErr = nil
		case s.lastErr == nil && len(bytes.TrimSpace(text)) > 0:
			b.add(line{text: text, place: s.lines.Place(), number: s.lines.Line()})
		}
	}
	b.to = s.lines.Position()
	if s.rest && errors.Is(s.lastErr, io.EOF) {
		s.addRest()
	}
	return b.to != b.from || b.torn != nil
}

func (s *batches) full() bool {
	return s.batch.lineCount() >= s.cfg.MaxBatchLines || s.batch.weight >= int64(s.cfg.MaxBatchBytes)
}

// addRest adds a last line without '\n' to the batch. It is complete if it can
// be decoded, because no JSON object is a prefix of another one. Otherwise it
// may be torn, and is left to be read again when its end is there.
func (s *batches) addRest() {
	b := s.batch
	text, err := s.lines.Rest()
	switch {
	case errors.Is(err, io.EOF):
	case err != nil:
		b.torn = &badLine{s.lines.Place(), s.lines.Line(), err}
	case len(bytes.TrimSpace(text)) > 0:
		b.beforeRest = b.to
		b.add(line{text: text, place: s.lines.Place(), number: s.lines.Line(), noEnd: true})
		b.to = s.lines.Position()
	}
}

// err returns what ended reading before until, or nil.
func (s *batches) err() error {
	if s.lines.Offset() >= s.until || s.until == untilEnd && errors.Is(s.lastErr, io.EOF) {
		return nil
	}
	return s.lastErr
}

// badLineLog logs bad lines: the first ones of a file one by one, then their
// number.
type badLineLog struct {
	logger *zap.Logger
	file   string
	count  int
}

// maxBadLineLogs is how many bad lines of a file are logged one by one.
const maxBadLineLogs = 10

func (l *badLineLog) log(b *batch) {
	slices.SortStableFunc(b.bad, func(x, y badLine) int { return cmp.Compare(x.number, y.number) })
	for _, bad := range b.bad {
		if bad.place.File != l.file {
			l.flush()
			l.file = bad.place.File
		}
		l.count++
		if l.count <= maxBadLineLogs {
			l.logger.Warn("Bad line skipped: " + bad.place.String() + ": " + bad.reason.Error())
		}
	}
	if b.torn != nil {
		l.logger.Warn("Last line without an end skipped: "+b.torn.place.String(), zap.Error(b.torn.reason))
	}
}

// flush logs the number of bad lines that were not logged one by one.
func (l *badLineLog) flush() {
	if l.count > maxBadLineLogs {
		l.logger.Warn("More bad lines skipped", zap.String("file", l.file), zap.Int("lines", l.count-maxBadLineLogs))
	}
	l.count = 0
}
