// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"path"
	"slices"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
)

// stored is a file that retention may delete.
type stored struct {
	signal dayfile.Signal
	day    dayfile.Day
	name   string
	size   int64 // set by shrink only
}

// retain deletes files that are too old or exceed MaxBytes. If one cannot be deleted,
// the others are deleted nevertheless, and the next run tries it again.
func (s *Store) retain(ctx context.Context) {
	if s.opts.RetentionDays <= 0 && s.opts.MaxBytes <= 0 {
		return
	}
	today := s.today()
	files := s.stored()
	if s.opts.RetentionDays > 0 {
		oldest := today.AddDays(-s.opts.RetentionDays)
		files = slices.DeleteFunc(files, func(f stored) bool {
			return ctx.Err() == nil && f.day.Before(oldest) && s.delete(f, TooOld)
		})
	}
	if s.opts.MaxBytes > 0 {
		s.shrink(ctx, files, today)
	}
}

// shrink deletes whole closed days, oldest first, until the files do not exceed
// MaxBytes. It keeps today and days in the future.
func (s *Store) shrink(ctx context.Context, files []stored, today dayfile.Day) {
	var total int64
	for i := range files {
		info, err := s.dir.Lstat(files[i].name)
		if err != nil {
			continue // It was deleted in the meantime.
		}
		files[i].size = info.Size()
		total += info.Size()
	}
	var day dayfile.Day
	for i, f := range files {
		if total <= s.opts.MaxBytes && (i == 0 || f.day != day) || !f.day.Before(today) || ctx.Err() != nil {
			return
		}
		day = f.day
		if s.delete(f, TooMuch) {
			total -= f.size
		}
	}
}

// delete deletes a file and reports whether that succeeded.
func (s *Store) delete(f stored, reason Reason) bool {
	size := f.size
	if info, err := s.dir.Lstat(f.name); err == nil {
		size = info.Size()
	}
	err := s.alone(f.signal, f.day, func() error { return s.dir.Remove(f.name) })
	if err != nil {
		s.observer.Failed(OpDelete, f.name, err)
		return false
	}
	s.observer.Deleted(f.name, size, reason)
	return true
}

// alone runs f while the plain file of a day is closed and appends to it wait.
func (s *Store) alone(signal dayfile.Signal, day dayfile.Day, f func() error) error {
	s.mu.Lock()
	a := s.use(fileKey{signal, day})
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		a.users--
		s.mu.Unlock()
	}()
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.close(); err != nil {
		return err
	}
	return f()
}

// stored lists the day files of all signals and their torn ends, oldest day first.
func (s *Store) stored() []stored {
	var files []stored
	for _, signal := range dayfile.Signals() {
		entries, err := s.dir.ReadDir(string(signal))
		if err != nil {
			s.observer.Failed(OpDelete, string(signal), err)
			continue
		}
		for _, entry := range entries {
			day, _, ok := dayfile.ParseFileName(entry.Name())
			if !ok {
				day, ok = parseTornName(entry.Name())
			}
			if ok && entry.Type().IsRegular() {
				files = append(files, stored{signal: signal, day: day, name: path.Join(string(signal), entry.Name())})
			}
		}
	}
	slices.SortStableFunc(files, func(a, b stored) int { return a.day.Compare(b.day) })
	return files
}
