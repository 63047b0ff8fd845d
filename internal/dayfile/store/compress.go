// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
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

// closeGrace is how long after its end, or after its last line, a day is
// closed: what was received just before midnight is on its way for a moment.
const closeGrace = 10 * time.Minute

// keepCompressing compresses closed days whenever it is asked to.
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

// compressClosed compresses the closed days, the oldest first. What fails now
// is tried again the next time, and keeps nothing else from being compressed.
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
		s.tell.Failed(OpCompress, f.name, err)
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

// compression is the compressing of one plain file. The lines go behind those
// of the compressed file where the day has one already.
type compression struct {
	store  *Store
	signal dayfile.Signal
	day    dayfile.Day
	form   dayfile.Form

	plainName, packedName, tempName string
	plain, packed                   fs.FileInfo // packed is nil where there is none
}

// compress puts the compressed form of a closed day in the place of the plain
// file: written aside, synced, verified, swapped.
func (s *Store) compress(ctx context.Context, f stored) error {
	start := time.Now()
	c := &compression{store: s, signal: f.signal, day: f.day, plainName: f.name}
	if err := s.alone(f.signal, f.day, func() error { return s.repairTail(f.name) }); err != nil {
		return err
	}
	if err := c.look(); err != nil || c.plain.Size() == 0 {
		return err
	}
	if done, err := c.dropTwin(ctx); done || err != nil {
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
	s.tell.Compressed(c.packedName, c.plain.Size(), size, time.Since(start))
	return nil
}

// look finds out what there is.
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
			return fmt.Errorf("look at %s: %w", name, disk.ErrNotRegular)
		}
		c.form, c.packed = form, info
		break
	}
	c.packedName = dayfile.Path(c.signal, c.day, c.form)
	c.tempName = c.packedName + tempSuffix
	return nil
}

// dropTwin removes the plain file where the compressed one holds the same
// lines: somebody compressed it by hand and kept it.
func (c *compression) dropTwin(ctx context.Context) (done bool, err error) {
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

// writeTemp writes the compressed file aside and returns its size.
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

// verify reads back what was written.
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

// reading calls f with the contents of a file.
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

// errTouched is returned where somebody changed or removed a file meanwhile.
// The next time it may be left alone.
var errTouched = errors.New("changed meanwhile")

// unchanged fails where somebody changed a file since look.
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
