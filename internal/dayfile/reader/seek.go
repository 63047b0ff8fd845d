// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package reader

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
)

// extent is the uncompressed size of a file.
type extent struct{ bytes, lines int64 }

// seek moves to a position. It is called once, before anything is read.
func (l *Lines) seek(to Position) error {
	l.offset, l.line, l.position = to.Offset, to.Line, to
	begin := to.Offset - int64(to.Checked)
	for begin > l.before.Offset && len(l.files) > 1 {
		size, err := l.reader.extent(l.files[0])
		if err != nil {
			return err
		}
		if begin < l.before.Offset+size.bytes {
			break
		}
		if err := l.leaveFile(size); err != nil {
			return err
		}
	}
	err := l.begin(begin - l.before.Offset)
	if err == nil {
		err = l.check(to)
	}
	switch {
	case errors.Is(err, io.EOF):
		return ErrShorter
	case err != nil && !errors.Is(err, ErrOtherLines):
		return fmt.Errorf("read %s: %w", l.files[0].path, err)
	default:
		return err
	}
}

// check reads the bytes before the position and compares them with its Check.
func (l *Lines) check(at Position) error {
	if least := max(2*l.reader.block, checkBytes); len(l.buf) < least {
		l.buf = make([]byte, least)
	}
	for l.end < at.Checked {
		n, err := io.ReadAtLeast(l.stream, l.buf[l.end:at.Checked], 1)
		l.end += n
		if !errors.Is(err, io.EOF) || len(l.files) == 1 {
			if err != nil {
				return err
			}
			continue
		}
		// They continue in the next file.
		size, err := l.reader.extent(l.files[0])
		if err == nil {
			err = l.leaveFile(size)
		}
		if err == nil {
			err = l.begin(0)
		}
		if err != nil {
			return err
		}
	}
	l.start, l.scanned = l.end, l.end
	if at.Line < l.before.Line || at.Checked > 0 && checkOf(l.buf[:l.end]) != at.Check {
		return ErrOtherLines
	}
	return nil
}

// begin starts to read files[0], after its first skip bytes.
func (l *Lines) begin(skip int64) (err error) {
	f := l.files[0]
	if f.form != dayfile.Plain {
		if _, err := f.file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		l.stored = storedBytes{r: f.file}
		if l.stream, err = l.reader.decompress(&l.stored, f.form); err != nil {
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

// decompress is the function decompress, but reuses the zstd decoder.
func (r *Reader) decompress(stored io.Reader, form dayfile.Form) (io.ReadCloser, error) {
	if form != dayfile.Zstd {
		return decompress(stored, form)
	}
	if r.zstd == nil {
		d, err := dayfile.NewZstdDecoder(nil)
		if err != nil {
			return nil, err
		}
		r.zstd = d
	}
	return io.NopCloser(r.zstd), r.zstd.Reset(stored)
}

// leaveFile closes files[0], whose extent is known.
func (l *Lines) leaveFile(size extent) error {
	f := l.files[0]
	l.reader.extents[f.state] = size
	l.before.Offset += size.bytes
	l.before.Line += size.lines
	l.drained += f.state.size
	l.closeStream()
	l.files = l.files[1:]
	return f.file.Close()
}

// extent returns the extent of a file that other files follow.
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

// Write counts. A store never compresses a torn last line, so '\n' counts lines.
func (e *extent) Write(p []byte) (int, error) {
	e.bytes += int64(len(p))
	e.lines += int64(bytes.Count(p, []byte{'\n'}))
	return len(p), nil
}
