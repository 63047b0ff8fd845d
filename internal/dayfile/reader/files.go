// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package reader

import (
	"errors"
	"io/fs"
	"os"
	"slices"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/disk"
)

// dayFile is an open file of a day.
type dayFile struct {
	path  string
	form  dayfile.Form
	file  *os.File
	state fileState
}

// openDay opens the files of a day in the order of their lines, without
// duplicates. damage describes a file that was left out and may have more lines
// than could be read.
//
// A store may compress the day at the same time. Therefore the plain file is
// opened first. If the compressed file does not have its lines yet, both are
// read; if it does, the plain file is a duplicate.
func (r *Reader) openDay(day dayfile.Day) (files []*dayFile, damage, err error) {
	missing := fs.ErrNotExist
	for _, form := range slices.Backward(dayfile.Forms()) {
		f, err := r.openFile(dayfile.FileName(day, form), form)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case errors.Is(err, disk.ErrNotRegular):
			missing = err
			continue
		case err != nil:
			return nil, nil, errors.Join(err, closeAll(files))
		}
		files = append(files, f)
	}
	if len(files) == 0 {
		return nil, nil, missing
	}
	slices.Reverse(files)
	if damage, err = r.dropDuplicates(&files); err != nil {
		return nil, nil, errors.Join(err, closeAll(files))
	}
	return files, damage, nil
}

func (r *Reader) openFile(name string, form dayfile.Form) (*dayFile, error) {
	path := r.path(name)
	file, err := disk.OpenRegular(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &dayFile{path: path, form: form, file: file, state: stateOf(name, info)}, nil
}

// leave closes a file and removes it from files.
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
