// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile/disk"
)

// Background work is done in small pieces with pauses in between, so that it hardly
// delays appends.
const (
	pacePiece = 256 << 10
	// syncPiece is how many bytes are written between syncs. The journal of a file
	// system makes syncs of other files wait for unwritten data.
	syncPiece = 4 << 20
)

// pacedReader pauses before each piece for as long as its caller was busy with the
// previous one, so that the work uses at most half a processor. It ends with ctx.
type pacedReader struct {
	ctx   context.Context
	r     io.Reader
	since time.Time // when the previous piece was returned
}

func (p *pacedReader) Read(b []byte) (int, error) {
	if !p.since.IsZero() {
		rest := time.NewTimer(time.Since(p.since))
		select {
		case <-rest.C:
		case <-p.ctx.Done():
			rest.Stop()
		}
	}
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	p.since = time.Now()
	return p.r.Read(b[:min(len(b), pacePiece)])
}

// pacedWriter syncs after each syncPiece and fails before the disk is full.
type pacedWriter struct {
	store    *Store
	file     disk.File
	plain    int64 // size of the plain file
	size     int64 // bytes written
	unsynced int
}

func (p *pacedWriter) Write(b []byte) (int, error) {
	if p.unsynced >= syncPiece {
		if err := p.store.space.spare(p.plain); err != nil {
			return 0, err
		}
		if err := p.file.Sync(); err != nil {
			return 0, err
		}
		p.unsynced = 0
	}
	n, err := p.file.Write(b)
	p.size += int64(n)
	p.unsynced += n
	return n, err
}

// errDiffers is returned by same if the contents differ.
var errDiffers = errors.New("contents differ")

// same compares the contents of two readers.
func same(a, b io.Reader) error {
	var x, y [64 << 10]byte
	for {
		n, endA, errA := fill(a, x[:])
		m, endB, errB := fill(b, y[:])
		if err := errors.Join(errA, errB); err != nil {
			return fmt.Errorf("read back: %w", err)
		}
		if endA != endB || !bytes.Equal(x[:n], y[:m]) {
			return errDiffers
		}
		if endA {
			return nil
		}
	}
}

// fill is io.ReadFull, but returns io.ErrUnexpectedEOF only if the reader does, as
// decompressors do for a truncated file.
func fill(r io.Reader, b []byte) (n int, end bool, err error) {
	for n < len(b) {
		m, err := r.Read(b[n:])
		n += m
		if err == io.EOF {
			return n, n < len(b), nil
		}
		if err != nil {
			return n, false, err
		}
	}
	return n, false, nil
}
