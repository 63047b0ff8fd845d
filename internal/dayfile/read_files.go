// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dayfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
)

// dayFile is an open file of a day that is being read.
type dayFile struct {
	path  string
	form  Form
	file  *os.File
	state fileState
}

// readTries is how often a day is looked at again when its files change in
// just that moment.
const readTries = 8

var errRestless = errors.New("its files keep changing")

// openDay opens the files of a day that hold its lines, in the order of the
// lines, each line in one of them.
// damage is what is wrong with a file that was left out and may have held more.
func (r *Reader) openDay(day Day) (files []*dayFile, damage, err error) {
	for range readTries {
		files, err := r.openForms(day)
		if err != nil {
			return nil, nil, err
		}
		settled, err := r.leaveSwapped(day, &files)
		if err == nil && settled {
			damage, err = r.leaveTwins(&files)
		}
		if err == nil && settled {
			return files, damage, nil
		}
		if err = errors.Join(err, closeAll(files)); err != nil {
			return nil, nil, err
		}
	}
	return nil, nil, errRestless
}

// openForms opens whatever files a day has.
func (r *Reader) openForms(day Day) ([]*dayFile, error) {
	var files []*dayFile
	// The plain file first: see leaveSwapped.
	for _, form := range slices.Backward(forms()) {
		f, err := r.openFile(FileName(day, form), form)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, errors.Join(err, closeAll(files))
		}
		files = append(files, f)
	}
	if len(files) == 0 {
		return nil, fs.ErrNotExist
	}
	slices.Reverse(files)
	return files, nil
}

func (r *Reader) openFile(name string, form Form) (*dayFile, error) {
	path := r.path(name)
	// Opening a named pipe would wait for somebody to write to it.
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("open %s: %w", path, errNotRegular)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &dayFile{path: path, form: form, file: file, state: stateOf(name, info)}, nil
}

// leaveSwapped leaves the plain file out where a Store has just compressed it
// and is about to remove it: the marker says so (see swap). Because the store
// removes the plain file before the marker, whoever finds the plain file still
// there after looking for the marker has not missed it. settled is false where
// it is gone by now, and everything must be looked at again.
func (r *Reader) leaveSwapped(day Day, files *[]*dayFile) (settled bool, err error) {
	plain := slices.IndexFunc(*files, func(f *dayFile) bool { return f.form == Plain })
	if plain < 0 || len(*files) == 1 {
		return true, nil
	}
	swapped := false
	for _, f := range (*files)[:plain] {
		size, err := r.markerSize(FileName(day, f.form) + swapSuffix)
		if err != nil {
			return false, err
		}
		swapped = swapped || size == f.state.size
	}
	there, err := os.Stat((*files)[plain].path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	opened, err := (*files)[plain].file.Stat()
	if err != nil || !os.SameFile(there, opened) {
		return false, err
	}
	if swapped {
		return true, leave(files, plain)
	}
	return true, nil
}

// markerSize is the size that a swap marker holds, or one that no file has.
func (r *Reader) markerSize(name string) (int64, error) {
	text, err := os.ReadFile(r.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return -1, nil
	}
	if err != nil {
		return -1, err
	}
	line, whole := strings.CutSuffix(string(text), "\n")
	size, err := strconv.ParseInt(line, 10, 64)
	if err != nil || !whole {
		return -1, nil
	}
	return size, nil
}

// leave closes a file and leaves it out.
func leave(files *[]*dayFile, i int) error {
	err := (*files)[i].file.Close()
	*files = slices.Delete(*files, i, i+1)
	return err
}

func closeAll(files []*dayFile) (err error) {
	for _, f := range files {
		err = errors.Join(err, f.file.Close())
	}
	return err
}
