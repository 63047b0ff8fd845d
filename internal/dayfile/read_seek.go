// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dayfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// extent is how much a file holds, uncompressed.
type extent struct{ bytes, lines int64 }

// seek moves to a position, once, before anything is read.
func (l *Lines) seek(to Position) error {
	l.offset, l.line, l.position = to.Offset, to.Line, to
	for to.Offset > l.before.Offset && len(l.files) > 1 {
		size, err := l.reader.extent(l.files[0])
		if err != nil {
			return err
		}
		if to.Offset <= l.before.Offset+size.bytes {
			break
		}
		if err := l.leaveFile(size); err != nil {
			return err
		}
	}
	if len(l.buf) < 2*readBlock {
		l.buf = make([]byte, 2*readBlock)
	}
	skip := to.Offset - l.before.Offset - int64(to.Checked)
	if skip < 0 || to.Line < l.before.Line {
		return ErrOtherLines
	}
	checked := l.buf[:to.Checked]
	err := l.begin(skip)
	for n, got := 0, 0; err == nil && n < len(checked); n += got {
		got, err = readSome(l.stream, checked[n:])
	}
	switch {
	case errors.Is(err, io.EOF):
		return ErrOtherLines
	case err != nil:
		return fmt.Errorf("read %s: %w", l.files[0].path, err)
	case to.Checked > 0 && checkOf(checked) != to.Check:
		return ErrOtherLines
	}
	l.start, l.scanned, l.end = to.Checked, to.Checked, to.Checked
	return nil
}

// begin makes ready to read files[0], less the first bytes of it.
func (l *Lines) begin(skip int64) (err error) {
	f := l.files[0]
	if f.form != Plain {
		if _, err := f.file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		l.stored = storedBytes{r: f.file}
		if l.stream, err = decompress(&l.stored, f.form); err != nil {
			return err
		}
		_, err = io.CopyN(io.Discard, l.stream, skip)
		return err
	}
	l.stored = storedBytes{r: f.file, n: skip}
	l.stream = io.NopCloser(&l.stored)
	_, err = f.file.Seek(skip, io.SeekStart)
	return err
}

// leaveFile closes files[0], whose size was found out.
func (l *Lines) leaveFile(size extent) error {
	f := l.files[0]
	l.reader.extents[f.state] = size
	l.before.Offset += size.bytes
	l.before.Line += size.lines
	l.drained += f.state.size
	var err error
	if l.stream != nil {
		err = l.stream.Close()
		l.stream = nil
	}
	l.files = l.files[1:]
	return errors.Join(err, f.file.Close())
}

// extent finds out how much a file holds that others follow.
func (r *Reader) extent(f *dayFile) (extent, error) {
	if size, known := r.extents[f.state]; known {
		return size, nil
	}
	stream, err := f.rewind()
	if err != nil {
		return extent{}, err
	}
	var size extent
	_, err = io.Copy(&size, stream)
	if err = errors.Join(err, stream.Close()); err != nil {
		return extent{}, fmt.Errorf("read %s: %w", f.path, err)
	}
	return size, nil
}

// Write counts. A torn last line is not expected: a Store compresses none.
func (e *extent) Write(p []byte) (int, error) {
	e.bytes += int64(len(p))
	e.lines += int64(bytes.Count(p, []byte{'\n'}))
	return len(p), nil
}
