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

// A plain file next to a compressed file means that its lines arrived after the day
// was compressed. So a crash must never leave a plain file whose lines are also in
// the compressed file. A marker with the size of the new compressed file ensures
// that:
//
//	1. 2025-12-21.jsonl.gz.tmp is written, synced and verified
//	2. 2025-12-21.jsonl.gz.swap is written and synced: the marker
//	3. .gz.tmp is renamed to .gz
//	4. .jsonl is removed
//	5. .gz.swap is removed
//
// After a crash, the size of .gz is compared with the marker. If they are equal, step
// 3 was done, and steps 4 and 5 follow. If not, the marker and .gz.tmp are removed.
// This happens before anything is appended to the plain file. The directory is synced
// after each step, so that a power cut cannot reorder them.

// swap replaces the plain file with the verified compressed file of the given size.
// The caller prevents appends.
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

// finishSwap finishes or undoes a swap if there is a marker. The caller prevents
// appends.
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

// readMarker returns the size in a marker, or noSize if a crash left the marker
// incomplete.
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

// noSize differs from the size of every file.
const noSize = -1

// finishSwaps finishes the swaps of a day's files that a crash interrupted.
func (s *Store) finishSwaps(signal dayfile.Signal, day dayfile.Day) error {
	return errors.Join(s.finishSwap(signal, day, dayfile.Gzip), s.finishSwap(signal, day, dayfile.Zstd))
}

// Names of files that the store keeps next to a day file.
const (
	// tornInfix and a number follow the name of a day file whose torn last line was
	// set aside, as in 2025-12-22.jsonl.torn-1.
	tornInfix = ".torn-"
	// tempSuffix follows the name of a compressed file that is being written.
	tempSuffix = ".tmp"
	// swapSuffix follows the name of a compressed file that is replacing the plain
	// one. See swap.
	swapSuffix = ".swap"
	// probeName is the file that Open creates to check that it can.
	probeName = ".probe"
)

func tornName(name string, n int) string { return name + tornInfix + strconv.Itoa(n) }

// parseTornName returns the day of a file that tornName named.
func parseTornName(name string) (dayfile.Day, bool) {
	base, number, found := strings.Cut(name, tornInfix)
	if !found {
		return dayfile.Day{}, false
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || tornName(base, n) != name {
		return dayfile.Day{}, false
	}
	day, form, ok := dayfile.ParseFileName(base)
	return day, ok && form == dayfile.Plain
}

// parseSpareName returns the day and the form of a compressed file whose name is
// followed by suffix, which is tempSuffix or swapSuffix.
func parseSpareName(name, suffix string) (dayfile.Day, dayfile.Form, bool) {
	base, found := strings.CutSuffix(name, suffix)
	day, form, ok := dayfile.ParseFileName(base)
	return day, form, found && ok && form != dayfile.Plain
}
