// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package reader

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// ErrLongLine is returned in the place of a line that is longer than the
// reader takes. Reading goes on behind it.
var ErrLongLine = errors.New("line is too long")

// readBlock is how much is read at once: hundreds of lines.
const readBlock = 128 << 10

// Lines reads the lines of a day.
//
// Invariants:
//
//   - Position is always the end of the line that was returned last, or where
//     reading began.
//   - A line is returned when its '\n' is there, and not before: what is being
//     written at this moment is waited for.
//   - Memory is bounded by the longest line that the reader takes.
type Lines struct {
	reader *Reader
	// files are those to read, and damage is returned at their end.
	files  []*dayFile
	damage error

	// The file that is being read is files[0]; what was read before is closed.
	stream  io.ReadCloser
	before  Position // the lines of the day before this file
	stored  storedBytes
	drained int64 // stored bytes of the files before

	// buf[start:end] was read and not returned yet, and up to scanned there
	// is no '\n' in it. At least checkBytes before start are kept.
	buf                 []byte
	start, scanned, end int
	// skipping is true in the midst of a line that is too long.
	skipping bool

	// offset is that of buf[start]; line is the number of lines before it.
	offset, line int64
	// number is the number of the line that was returned last.
	number int64
	// position is the one to return, unless it is stale.
	position Position
	stale    bool
	// last is where the line that was returned last stands.
	last Place
}

// Place is where a line stands.
type Place struct {
	File string
	Line int64 // from 1 on
}

func (p Place) String() string { return p.File + ":" + strconv.FormatInt(p.Line, 10) }

// storedBytes counts what is read of a file as it is stored.
type storedBytes struct {
	r io.Reader
	n int64
}

func (s *storedBytes) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.n += int64(n)
	return n, err
}

// Next returns the next line without its '\n', valid until the next call. It
// returns io.EOF where no whole line follows (yet), ErrLongLine for a line
// that is too long, and any other error where reading can't go on.
func (l *Lines) Next() ([]byte, error) {
	for {
		if i := bytes.IndexByte(l.buf[l.scanned:l.end], '\n'); i >= 0 {
			return l.take(l.scanned+i, l.scanned+i+1)
		}
		l.scanned = l.end
		if l.end-l.start >= l.reader.maxLine {
			l.skip()
		}
		err := l.fill()
		if !errors.Is(err, io.EOF) {
			if err != nil {
				return nil, err
			}
			continue
		}
		if len(l.files) == 1 {
			if l.damage != nil {
				return nil, l.damage
			}
			return nil, io.EOF
		}
		if l.end > l.start || l.skipping {
			// No line goes on in another file.
			return l.take(l.end, l.end)
		}
		if err := l.nextFile(); err != nil {
			return nil, err
		}
	}
}

// Rest returns what follows the last whole line once Next has returned io.EOF,
// and moves behind it: a line of which it is not known whether it is whole. It
// returns io.EOF where nothing does.
func (l *Lines) Rest() ([]byte, error) {
	if l.end == l.start && !l.skipping {
		return nil, io.EOF
	}
	rest, err := l.take(l.end, l.end)
	l.line-- // The line counts once its '\n' is there.
	return rest, err
}

// take returns the line that ends at end and moves on to next.
func (l *Lines) take(end, next int) ([]byte, error) {
	line := l.buf[l.start:end]
	l.offset += int64(next - l.start)
	l.line++
	l.number = l.line
	l.start, l.scanned = next, next
	l.stale = true
	l.last = Place{File: l.files[0].path, Line: l.line - l.before.Line}
	if l.skipping || len(line) >= l.reader.maxLine {
		l.skipping = false
		return nil, ErrLongLine
	}
	return line, nil
}

// skip forgets what was read of a line that is too long.
func (l *Lines) skip() {
	// The position stays where the line begins until its end is reached.
	l.Position()
	l.skipping = true
	l.offset += int64(l.end - l.start)
	l.start = l.end
}

// Place is where the line that was returned last stands, or the one that
// ErrLongLine was returned for.
func (l *Lines) Place() Place { return l.last }

// Position is the end of the line that was returned last.
func (l *Lines) Position() Position {
	if l.stale {
		checked := l.buf[max(0, l.start-checkBytes):l.start]
		l.position = Position{Offset: l.offset, Line: l.line, Check: checkOf(checked), Checked: len(checked)}
		l.stale = false
	}
	return l.position
}

// Offset is the one of Position, without the work of checking.
func (l *Lines) Offset() int64 {
	if !l.stale {
		return l.position.Offset
	}
	return l.offset
}

// Line is the number, in its day and from 1 on, of the line that was returned
// last.
func (l *Lines) Line() int64 { return l.number }

// Stored is how many bytes of the day's files are behind the position, as they
// are stored. It is not exact, for they are read in blocks.
func (l *Lines) Stored() int64 { return l.drained + l.stored.n }

// Close closes the files.
func (l *Lines) Close() error {
	l.closeStream()
	err := closeAll(l.files)
	l.files = nil
	// What one long line took is not held for good.
	if cap(l.buf) <= 4*l.reader.block {
		l.reader.spare = l.buf[:cap(l.buf)]
	}
	return err
}

// closeStream ends decompressing. What it has to complain of, reading has said.
func (l *Lines) closeStream() {
	if l.stream != nil {
		_ = l.stream.Close()
		l.stream = nil
	}
}

// fill reads what follows into the buffer.
func (l *Lines) fill() error {
	if len(l.buf)-l.end < l.reader.block/2 {
		l.makeRoom()
	}
	n, err := readSome(l.stream, l.buf[l.end:])
	l.end += n
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read %s: %w", l.files[0].path, err)
	}
	return err
}

// makeRoom moves what is still needed to the front, into a larger buffer if
// it takes most of this one.
func (l *Lines) makeRoom() {
	keep := max(0, l.start-checkBytes)
	to := l.buf
	if need := l.end - keep + l.reader.block/2; need > len(to) {
		to = make([]byte, max(2*l.reader.block, min(2*need, l.reader.maxLine+checkBytes+l.reader.block)))
	}
	copy(to, l.buf[keep:l.end])
	l.buf = to
	l.start, l.scanned, l.end = l.start-keep, l.scanned-keep, l.end-keep
}

// readSome reads at least a byte, or returns an error and no byte.
func readSome(r io.Reader, p []byte) (int, error) {
	const tries = 100
	for range tries {
		n, err := r.Read(p)
		if n > 0 {
			return n, nil // The error will be there again.
		}
		if err != nil {
			return 0, err
		}
	}
	return 0, io.ErrNoProgress
}

// nextFile goes on with the next file.
func (l *Lines) nextFile() error {
	l.Position() // It can't be told from the next file.
	if err := l.leaveFile(extent{bytes: l.offset - l.before.Offset, lines: l.line - l.before.Line}); err != nil {
		return err
	}
	l.start, l.scanned, l.end = 0, 0, 0
	if err := l.begin(0); err != nil {
		return fmt.Errorf("read %s: %w", l.files[0].path, err)
	}
	return nil
}
