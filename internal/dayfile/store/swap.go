// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
)

// A plain file next to the compressed one of its day means: these lines came
// after the day was compressed. So there must be no moment at which a crash
// leaves a plain file whose lines the compressed one holds too. A marker next
// to them, with the size of the compressed file to be, makes it so:
//
//	1. 2025-12-21.jsonl.gz.tmp is written, synced and verified
//	2. 2025-12-21.jsonl.gz.swap is written and synced: the marker
//	3. .gz.tmp is renamed to .gz
//	4. .jsonl is removed
//	5. .gz.swap is removed
//
// Who finds a marker looks at .gz: if it has the marker's size, step 3 was
// done and the steps from 4 on follow; if not, it was not done, and marker and
// .gz.tmp go. Nothing is appended to the plain file before that. The directory
// is synced after each step, so that a power cut does not reorder them.

// swap puts the verified file, of the given size, in the place of the plain
// one. The caller keeps others from appending.
func (c *compression) swap(size int64) error {
	if err := c.unchanged(); err != nil {
		return err
	}
	dir, marker := c.store.dir, c.packedName+swapSuffix
	err := c.store.writeMarker(marker, size)
	if err == nil {
		err = dir.Rename(c.tempName, c.packedName)
	}
	if err == nil {
		err = dir.SyncDir(string(c.signal))
	}
	return errors.Join(err, c.store.finishSwap(c.signal, c.day, c.form))
}

func (s *Store) writeMarker(name string, size int64) error {
	f, err := s.dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, s.opts.FileMode)
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, strconv.FormatInt(size, 10)+"\n")
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return s.dir.SyncDir(path.Dir(name))
}

// finishSwap does what is left of a swap to do, or to undo, if there is a
// marker. The caller keeps others from appending.
func (s *Store) finishSwap(signal dayfile.Signal, day dayfile.Day, form dayfile.Form) error {
	packed := dayfile.Path(signal, day, form)
	marker := packed + swapSuffix
	size, err := s.readMarker(marker)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", marker, err)
	}
	info, err := s.dir.Lstat(packed)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil && info.Size() == size {
		if err := s.removeIfThere(dayfile.Path(signal, day, dayfile.Plain)); err != nil {
			return err
		}
		if err := s.dir.SyncDir(string(signal)); err != nil {
			return err
		}
	}
	if err := s.removeIfThere(marker); err != nil {
		return err
	}
	return s.dir.SyncDir(string(signal))
}

// readMarker returns the size that a marker holds, or noSize where a crash left
// the marker unfinished.
func (s *Store) readMarker(name string) (int64, error) {
	f, err := s.dir.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return 0, err
	}
	text, err := io.ReadAll(io.LimitReader(f, 32))
	if err = errors.Join(err, f.Close()); err != nil {
		return 0, err
	}
	line, whole := strings.CutSuffix(string(text), "\n")
	if size, err := strconv.ParseInt(line, 10, 64); err == nil && whole {
		return size, nil
	}
	return noSize, nil
}

// noSize is the size of no file.
const noSize = -1

// settle finishes what a crash may have left of swaps of a day's files.
func (s *Store) settle(signal dayfile.Signal, day dayfile.Day) error {
	return errors.Join(s.finishSwap(signal, day, dayfile.Gzip), s.finishSwap(signal, day, dayfile.Zstd))
}
