// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package reader

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/cespare/xxhash/v2"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
)

// compareBuffer is how many bytes of a line are compared at once.
const compareBuffer = 64 << 10

// notHeld says that the file whole does not have the first line of another file.
type notHeld struct {
	whole fileState
	first uint64 // the hash of that line
}

// dropDuplicates removes every file whose lines another file has too. A directory
// has such files after downloads before and after the day was compressed. damage
// describes removed files that may have more lines than could be read.
func (r *Reader) dropDuplicates(files *[]*dayFile) (damage, err error) {
	for i := 0; i < len(*files); {
		held, broken, err := r.heldByAnother(*files, i)
		if err != nil {
			return nil, err
		}
		if !held {
			i++
			continue
		}
		damage = errors.Join(damage, broken)
		if err := leave(files, i); err != nil {
			return nil, err
		}
	}
	return damage, nil
}

func (r *Reader) heldByAnother(files []*dayFile, i int) (held bool, damage, err error) {
	for j, other := range files {
		if i == j {
			continue
		}
		if held, damage, err = r.holds(other, files[i]); held || err != nil {
			return held, damage, err
		}
	}
	return false, nil, nil
}

// holds reports whether whole has all lines of part that can be read. damage says
// why the others, if any, cannot be read.
func (r *Reader) holds(whole, part *dayFile) (held bool, damage, err error) {
	p, err := part.rewind()
	if err != nil {
		return false, nil, err
	}
	defer p.Close()
	lines := bufio.NewReaderSize(p, compareBuffer)
	first, err := lines.ReadSlice('\n')
	switch {
	case errors.Is(err, io.EOF):
		return false, nil, nil // It has no complete line yet.
	case err != nil && !errors.Is(err, bufio.ErrBufferFull):
		return true, fmt.Errorf("read %s: %w", part.path, err), nil
	}
	key := notHeld{whole: whole.state, first: xxhash.Sum64(first)}
	if _, known := r.apart[key]; known {
		return false, nil, nil
	}

	w, err := whole.rewind()
	if err != nil {
		return false, nil, err
	}
	defer w.Close()
	others := bufio.NewReaderSize(w, compareBuffer)
	// Lines that arrived after compression are in the plain file, so a compressed
	// file can only match the plain file from its beginning.
	if !find(others, first, whole.form != dayfile.Plain) {
		if whole.form != dayfile.Plain {
			r.apart[key] = struct{}{}
		}
		return false, nil, nil
	}
	held, damage = follow(others, lines)
	if damage != nil {
		damage = fmt.Errorf("read %s: %w", part.path, damage)
	}
	return held, damage, nil
}

// find reads up to the end of the line sought, and reports whether it is there. It
// compares all lines if anywhere is true, otherwise the first one.
func find(r *bufio.Reader, sought []byte, anywhere bool) bool {
	for begins := true; ; {
		line, err := r.ReadSlice('\n')
		whole := err == nil
		if !whole && !errors.Is(err, bufio.ErrBufferFull) {
			return false
		}
		if begins && bytes.Equal(line, sought) {
			return true
		}
		if !anywhere {
			return false
		}
		begins = whole
	}
}

// follow reports whether the remaining lines of part are next in whole.
func follow(whole, part *bufio.Reader) (held bool, damage error) {
	for {
		line, err := part.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF):
			return true, nil // A torn last line does not count.
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return true, err
		}
		// Peek returns less only at the end or at an error of whole.
		next, _ := whole.Peek(len(line))
		if !bytes.Equal(next, line) {
			return false, nil
		}
		_, _ = whole.Discard(len(line)) // It is in the buffer.
	}
}

// rewind returns the content of the file from its beginning. If it cannot be
// decompressed, reads return the error.
func (f *dayFile) rewind() (io.ReadCloser, error) {
	if _, err := f.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	r, broken := decompress(f.file, f.form)
	if broken != nil {
		r = io.NopCloser(brokenReader{broken})
	}
	return r, nil
}

// decompress is dayfile.NewDecompressor for files that may be truncated.
func decompress(r io.Reader, form dayfile.Form) (io.ReadCloser, error) {
	d, err := dayfile.NewDecompressor(r, form)
	switch {
	case errors.Is(err, io.EOF):
		// A compressed file is never empty.
		return nil, io.ErrUnexpectedEOF
	case err != nil:
		return nil, err
	default:
		return d, nil
	}
}

// brokenReader returns an error for every read.
type brokenReader struct{ err error }

func (r brokenReader) Read([]byte) (int, error) { return 0, r.err }
