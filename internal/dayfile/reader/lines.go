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

// ErrLongLine takes the place of a line that is too long. Reading continues after
// it.
var ErrLongLine = errors.New("line is too long")

// readBlock is how many bytes are read at once: hundreds of lines.
const readBlock = 128 << 10

// Lines reads the lines of a day.
//
// Invariants:
//
//   - Position is the end of the last returned line, or where reading began.
//   - Next returns a line only after its '\n' was written.
//   - Memory is bounded by the longest line that the reader returns.
type Lines struct {
	reader *Reader
	// files are the files to read. Next returns damage at their end.
	files  []*dayFile
	damage error

	// stream reads files[0]. Files are closed and removed when they end.
	stream  io.ReadCloser
	before  Position // the beginning of files[0] in the day
	stored  storedBytes
	drained int64 // stored bytes of the previous files

	// buf[start:end] was read but not returned, and buf[start:scanned] has no
	// '\n'. At least checkBytes bytes before start are kept.
	buf                 []byte
	start, scanned, end int
	// skipping is true inside a line that is too long.
	skipping bool

	// offset is that of buf[start]; line is the number of lines before it.
	offset, line int64
	// number is the number of the last returned line.
	number int64
	// position is what Position returns, unless it is stale.
	position Position
	stale    bool
	// last is the place of the last returned line.
	last Place
}

// Place is the file of a line and its number in that file.
type Place struct {
	File string
	Line int64 // from 1 on
}

func (p Place) String() string { return p.File + ":" + strconv.FormatInt(p.Line, 10) }

// storedBytes counts the bytes that are read from a file, before decompression.
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
// returns io.EOF if no complete line follows (yet), ErrLongLine for a line that is
// too long, and any other error if reading cannot continue.
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
			// A line does not continue in another file.
			return l.take(l.end, l.end)
		}
		if err := l.nextFile(); err != nil {
			return nil, err
		}
	}
}

// Rest returns a last line without '\n', after Next has returned io.EOF, and moves
// behind it. The line may be incomplete. Rest returns io.EOF if there is none.
func (l *Lines) Rest() ([]byte, error) {
	if l.end == l.start && !l.skipping {
		return nil, io.EOF
	}
	rest, err := l.take(l.end, l.end)
	l.line-- // Counted when its '\n' arrives.
	return rest, err
}

// take returns the line that ends at end and moves to next.
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

// skip drops what was read of a line that is too long.
func (l *Lines) skip() {
	// The position stays at the beginning of the line until its end is read.
	l.Position()
	l.skipping = true
	l.offset += int64(l.end - l.start)
	l.start = l.end
}

// Place returns the place of the last line, which may be one that is too long.
func (l *Lines) Place() Place { return l.last }

// Position returns the end of the last line.
func (l *Lines) Position() Position {
	if l.stale {
		checked := l.buf[max(0, l.start-checkBytes):l.start]
		l.position = Position{Offset: l.offset, Line: l.line, Check: checkOf(checked), Checked: len(checked)}
		l.stale = false
	}
	return l.position
}

// Offset returns Position().Offset, but is cheaper.
func (l *Lines) Offset() int64 {
	if !l.stale {
		return l.position.Offset
	}
	return l.offset
}

// Line returns the number of the last line in its day, from 1 on.
func (l *Lines) Line() int64 { return l.number }

// Stored returns how many bytes of the day's files were read, before
// decompression. They are read in blocks, so it can be ahead of Position.
func (l *Lines) Stored() int64 { return l.drained + l.stored.n }

// Close closes the files.
func (l *Lines) Close() error {
	l.closeStream()
	err := closeAll(l.files)
	l.files = nil
	// The buffer of a very long line is not kept.
	if cap(l.buf) <= 4*l.reader.block {
		l.reader.spare = l.buf[:cap(l.buf)]
	}
	return err
}

// closeStream ends decompression. Reads have already returned its errors.
func (l *Lines) closeStream() {
	if l.stream != nil {
		_ = l.stream.Close()
		l.stream = nil
	}
}

// fill reads more into the buffer.
func (l *Lines) fill() error {
	if len(l.buf)-l.end < l.reader.block/2 {
		l.makeRoom()
	}
	n, err := io.ReadAtLeast(l.stream, l.buf[l.end:], 1)
	l.end += n
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read %s: %w", l.files[0].path, err)
	}
	return err
}

// makeRoom moves what is still needed to the front of the buffer, or to a larger
// one.
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

// nextFile continues with the next file.
func (l *Lines) nextFile() error {
	l.Position() // It depends on the buffer, which is emptied.
	if err := l.leaveFile(extent{bytes: l.offset - l.before.Offset, lines: l.line - l.before.Line}); err != nil {
		return err
	}
	l.start, l.scanned, l.end = 0, 0, 0
	if err := l.begin(0); err != nil {
		return fmt.Errorf("read %s: %w", l.files[0].path, err)
	}
	return nil
}
