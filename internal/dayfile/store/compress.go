// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/disk"
)

// closeGrace is how long a day stays open after its end and after its last line:
// entries that were received just before midnight take a moment to arrive.
const closeGrace = 10 * time.Minute

// keepCompressing compresses closed days on request.
func (s *Store) keepCompressing(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.compressNow:
			s.compressClosed(ctx)
		}
	}
}

// compressClosed compresses the closed days, oldest first. If one fails, the others
// are compressed nevertheless, and the next run tries it again.
func (s *Store) compressClosed(ctx context.Context) {
	last := dayfile.DayOf(s.opts.Now().Add(-closeGrace), s.opts.Location)
	for _, f := range s.stored() {
		if _, form, ok := dayfile.ParseFileName(path.Base(f.name)); !ok || form != dayfile.Plain {
			continue
		}
		if ctx.Err() != nil || !f.day.Before(last) {
			return
		}
		if s.appendedLately(f) {
			continue
		}
		err := s.compress(ctx, f)
		if err == nil || ctx.Err() != nil || errors.Is(err, errTouched) || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		s.observer.Failed(OpCompress, f.name, err)
	}
}

func (s *Store) appendedLately(f stored) bool {
	s.mu.Lock()
	a := s.appenders[fileKey{f.signal, f.day}]
	s.mu.Unlock()
	if a == nil {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.lastUse.IsZero() && time.Since(a.lastUse) < closeGrace
}

// compression compresses one plain file. If the day already has a compressed file,
// the lines are appended to it.
type compression struct {
	store  *Store
	signal dayfile.Signal
	day    dayfile.Day
	form   dayfile.Form

	plainName, packedName, tempName string
	plain, packed                   fs.FileInfo // packed is nil if there is none
}

// compress replaces the plain file of a closed day: it writes a compressed file
// next to it, syncs it, verifies it and swaps the two.
func (s *Store) compress(ctx context.Context, f stored) error {
	start := time.Now()
	c := &compression{store: s, signal: f.signal, day: f.day, plainName: f.name}
	if err := s.alone(f.signal, f.day, func() error { return s.repairTail(f.name) }); err != nil {
		return err
	}
	if err := c.look(); err != nil || c.plain.Size() == 0 {
		return err
	}
	if done, err := c.dropDuplicate(ctx); done || err != nil {
		return err
	}
	size, err := c.writeTemp(ctx)
	if err == nil {
		err = c.verify(ctx)
	}
	if err == nil {
		err = s.alone(f.signal, f.day, func() error { return c.swap(size) })
	}
	if err != nil {
		return errors.Join(err, s.removeIfThere(c.tempName))
	}
	s.observer.Compressed(c.packedName, c.plain.Size(), size, time.Since(start))
	return nil
}

// look finds the files of the day.
func (c *compression) look() (err error) {
	if c.plain, err = c.store.dir.Lstat(c.plainName); err != nil {
		return err
	}
	c.form = c.store.opts.Compression
	for _, form := range []dayfile.Form{c.form, dayfile.Gzip, dayfile.Zstd} {
		name := dayfile.Path(c.signal, c.day, form)
		info, err := c.store.dir.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("compress to %s: %w", name, disk.ErrNotRegular)
		}
		c.form, c.packed = form, info
		break
	}
	c.packedName = dayfile.Path(c.signal, c.day, c.form)
	c.tempName = c.packedName + tempSuffix
	return nil
}

// dropDuplicate removes the plain file if the compressed file has the same lines:
// somebody compressed it by hand and kept it.
func (c *compression) dropDuplicate(ctx context.Context) (done bool, err error) {
	if c.packed == nil {
		return false, nil
	}
	err = c.reading(c.plainName, dayfile.Plain, func(plain io.Reader) error {
		return c.reading(c.packedName, c.form, func(packed io.Reader) error {
			return same(&pacedReader{ctx: ctx, r: plain}, packed)
		})
	})
	if errors.Is(err, errDiffers) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, c.store.alone(c.signal, c.day, func() error {
		if err := c.unchanged(); err != nil {
			return err
		}
		return c.store.removeIfThere(c.plainName)
	})
}

// writeTemp writes the compressed file and returns its size.
func (c *compression) writeTemp(ctx context.Context) (int64, error) {
	if err := c.store.space.spare(c.plain.Size()); err != nil {
		return 0, err
	}
	if err := c.store.removeIfThere(c.tempName); err != nil {
		return 0, err
	}
	temp, err := c.store.dir.OpenFile(c.tempName, os.O_WRONLY|os.O_CREATE|os.O_EXCL, c.store.opts.FileMode)
	if err != nil {
		return 0, err
	}
	out := &pacedWriter{store: c.store, file: temp, plain: c.plain.Size()}
	err = c.copyTo(ctx, out)
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err != nil {
		return 0, fmt.Errorf("write %s: %w", c.tempName, err)
	}
	return out.size, nil
}

func (c *compression) copyTo(ctx context.Context, out io.Writer) error {
	buf := make([]byte, pacePiece)
	if c.packed != nil {
		err := c.reading(c.packedName, dayfile.Plain, func(r io.Reader) error {
			_, err := io.CopyBuffer(out, &pacedReader{ctx: ctx, r: r}, buf)
			return err
		})
		if err != nil {
			return err
		}
	}
	packer, err := dayfile.NewCompressor(out, c.form)
	if err != nil {
		return err
	}
	err = c.reading(c.plainName, dayfile.Plain, func(r io.Reader) error {
		_, err := io.CopyBuffer(packer, &pacedReader{ctx: ctx, r: io.LimitReader(r, c.plain.Size())}, buf)
		return err
	})
	return errors.Join(err, packer.Close())
}

// verify compares the compressed file with the lines that it must have.
func (c *compression) verify(ctx context.Context) error {
	return c.reading(c.tempName, c.form, func(got io.Reader) error {
		return c.reading(c.plainName, dayfile.Plain, func(plain io.Reader) error {
			plain = io.LimitReader(plain, c.plain.Size())
			if c.packed == nil {
				return same(got, &pacedReader{ctx: ctx, r: plain})
			}
			return c.reading(c.packedName, c.form, func(packed io.Reader) error {
				return same(got, &pacedReader{ctx: ctx, r: io.MultiReader(packed, plain)})
			})
		})
	})
}

// reading calls f with the content of a file.
func (c *compression) reading(name string, form dayfile.Form, f func(io.Reader) error) error {
	file, err := c.store.dir.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	r, err := dayfile.NewDecompressor(file, form)
	if err != nil {
		return errors.Join(fmt.Errorf("read %s: %w", name, err), file.Close())
	}
	return errors.Join(f(r), r.Close(), file.Close())
}

// errTouched means that a file was changed or removed in the meantime. The next run
// tries again.
var errTouched = errors.New("the file changed during compression")

// unchanged returns errTouched if a file has changed since look.
func (c *compression) unchanged() error {
	for name, before := range map[string]fs.FileInfo{c.plainName: c.plain, c.packedName: c.packed} {
		now, err := c.store.dir.Lstat(name)
		gone := errors.Is(err, fs.ErrNotExist)
		if before == nil && gone {
			continue
		}
		if err != nil && !gone {
			return err
		}
		if before == nil || gone || !os.SameFile(now, before) || now.Size() != before.Size() {
			return fmt.Errorf("%s: %w", name, errTouched)
		}
	}
	return nil
}

func (s *Store) removeIfThere(name string) error {
	if err := s.dir.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

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
