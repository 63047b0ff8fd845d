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

// twinBuffer is how much of a line is compared at once.
const twinBuffer = 64 << 10

// notHeld says that no line of a file is the first line of another one.
type notHeld struct {
	whole fileState
	first uint64 // the hash of the other one's first line
}

// leaveTwins leaves out every file whose lines another one holds too. That is
// how a directory looks into which files were downloaded both before and after
// they were compressed. damage is what is wrong with files that were left out,
// and may have held more lines than can be read.
func (r *Reader) leaveTwins(files *[]*dayFile) (damage, err error) {
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

// holds says whether whole holds all lines of part that can be read, and what
// is wrong with part where those are not all it has.
func (r *Reader) holds(whole, part *dayFile) (held bool, damage, err error) {
	p, err := part.rewind()
	if err != nil {
		return false, nil, err
	}
	defer p.Close()
	lines := bufio.NewReaderSize(p, twinBuffer)
	first, err := lines.ReadSlice('\n')
	switch {
	case errors.Is(err, io.EOF):
		return false, nil, nil // It has no whole line yet.
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
	others := bufio.NewReaderSize(w, twinBuffer)
	// Lines that came after a day was compressed lie in a plain file: what is
	// in that file's midst was not compressed before.
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

// find reads up to the end of a line that is the one sought. It looks at the
// first line only, or anywhere.
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

// follow says whether all lines that follow in part follow in whole.
func follow(whole, part *bufio.Reader) (held bool, damage error) {
	for {
		line, err := part.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF):
			return true, nil // A torn last line counts for nothing.
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return true, err
		}
		// Less is there only at the end, or where whole can't be read.
		next, _ := whole.Peek(len(line))
		if !bytes.Equal(next, line) {
			return false, nil
		}
		_, _ = whole.Discard(len(line)) // It is in the buffer.
	}
}

// rewind returns the contents of the file from its beginning. What can't be
// decompressed reads as an error.
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

// decompress is newDecompressor for files that may be cut short.
func decompress(r io.Reader, form dayfile.Form) (io.ReadCloser, error) {
	d, err := dayfile.NewDecompressor(r, form)
	switch {
	case errors.Is(err, io.EOF):
		// No compressed file is empty.
		return nil, io.ErrUnexpectedEOF
	case err != nil:
		return nil, err
	default:
		return d, nil
	}
}

// brokenReader only fails.
type brokenReader struct{ err error }

func (r brokenReader) Read([]byte) (int, error) { return 0, r.err }
