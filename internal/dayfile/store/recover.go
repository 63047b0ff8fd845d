// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/disk"
)

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
