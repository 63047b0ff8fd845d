// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/disk"
)

// tailBlock is how many bytes are read at once.
const tailBlock = 64 << 10

// wholeLines returns how many of the first size bytes of r are whole lines. The rest
// was left by a crash during an append: a part of a line, or zeros if the file system
// had extended the file without writing it. A line of JSON has no zero byte.
func wholeLines(r io.ReaderAt, size int64) (int64, error) {
	buf := make([]byte, min(size, tailBlock))
	keep := int64(-1) // the end of the last line, once its '\n' is found
	for at := size; at > 0; {
		block := buf[:min(at, int64(len(buf)))]
		at -= int64(len(block))
		if _, err := r.ReadAt(block, at); err != nil {
			return 0, fmt.Errorf("read end of file: %w", err)
		}
		for len(block) > 0 {
			if keep < 0 {
				end := bytes.LastIndexByte(block, '\n')
				if end < 0 {
					break
				}
				keep, block = at+int64(end)+1, block[:end]
			}
			start := bytes.LastIndexByte(block, '\n') + 1
			switch damaged := bytes.IndexByte(block[start:], 0) >= 0; {
			case damaged && start > 0:
				keep, block = at+int64(start), block[:start-1]
			case damaged:
				keep, block = -1, nil
			case start > 0:
				return keep, nil
			default:
				block = nil
			}
		}
	}
	return max(keep, 0), nil
}

// repairTail sets aside what follows the last whole line of a file.
func (s *Store) repairTail(name string) error {
	f, err := s.dir.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(s.repairTailOf(f, name), f.Close())
}

func (s *Store) repairTailOf(f disk.File, name string) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return disk.ErrNotRegular
	}
	keep, err := wholeLines(f, info.Size())
	if err != nil || keep == info.Size() {
		return err
	}
	return s.setAside(f, name, keep, info.Size())
}

// setAside moves the end of a file to a new file next to it. A crash can leave the
// end in both files, but not in none.
func (s *Store) setAside(f disk.File, name string, from, to int64) error {
	aside, out, err := s.makeTorn(name)
	if err != nil {
		return fmt.Errorf("create file for torn end: %w", err)
	}
	_, err = io.Copy(out, io.NewSectionReader(f, from, to-from))
	if err == nil {
		err = out.Sync()
	}
	err = errors.Join(err, out.Close())
	if err == nil {
		err = s.dir.SyncDir(path.Dir(name))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", aside, err), s.dir.Remove(aside))
	}
	if err := errors.Join(f.Truncate(from), f.Sync()); err != nil {
		return fmt.Errorf("truncate torn end: %w", err)
	}
	s.observer.SetAside(name, aside, to-from)
	return nil
}

// makeTorn creates the next file for a torn end of name.
func (s *Store) makeTorn(name string) (string, disk.File, error) {
	for n := 1; ; n++ {
		aside := tornName(name, n)
		out, err := s.dir.OpenFile(aside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, s.opts.FileMode)
		if !errors.Is(err, fs.ErrExist) {
			return aside, out, err
		}
	}
}

// recentDays is how many of the newest plain files of a signal Open checks. The last
// writes before a crash went to these, except for late entries of other days. Other
// files are checked before they are appended to or compressed.
const recentDays = 2

// recover repairs what a crash left in a signal's folder. It lists the folder and
// opens only the newest files, so many old files cost nothing.
func (s *Store) recover(signal dayfile.Signal) error {
	entries, err := s.dir.ReadDir(string(signal))
	if err != nil {
		return fmt.Errorf("list files: %w", err)
	}
	if err := s.recoverSwaps(signal, entries); err != nil {
		return err
	}
	var days []dayfile.Day
	for _, entry := range entries {
		day, form, ok := dayfile.ParseFileName(entry.Name())
		if ok && form == dayfile.Plain && entry.Type().IsRegular() {
			days = append(days, day)
		}
	}
	slices.SortFunc(days, dayfile.Day.Compare)
	for _, day := range days[max(0, len(days)-recentDays):] {
		name := path.Join(string(signal), dayfile.FileName(day, dayfile.Plain))
		err := s.repairTail(name)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			continue // recoverSwaps may have removed it.
		}
		if day == s.today() && !disk.IsFull(err) {
			return fmt.Errorf("repair %s: %w", name, err)
		}
		s.observer.Failed(OpRepair, name, err)
	}
	return nil
}

// recoverSwaps finishes compressions that a crash interrupted.
func (s *Store) recoverSwaps(signal dayfile.Signal, entries []fs.DirEntry) error {
	for _, entry := range entries {
		if day, form, ok := parseSpareName(entry.Name(), swapSuffix); ok {
			if err := s.finishSwap(signal, day, form); err != nil {
				return fmt.Errorf("finish compressing %s: %w", day, err)
			}
		}
	}
	for _, entry := range entries {
		if _, _, ok := parseSpareName(entry.Name(), tempSuffix); ok {
			name := path.Join(string(signal), entry.Name())
			if err := s.removeIfThere(name); err != nil {
				return fmt.Errorf("remove %s: %w", name, err)
			}
		}
	}
	return nil
}
