// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"errors"
	"io/fs"
	"os"
)

// openTries is how often OpenRegular retries when the file is replaced while it
// is being opened. Once is rare.
const openTries = 4

// OpenRegular opens a file for reading. It returns ErrNotRegular for anything
// but a regular file, such as a symbolic link, even if the path changes in
// between, and it never blocks on a named pipe.
func OpenRegular(path string) (*os.File, error) {
	for range openTries {
		expected, err := os.Lstat(path)
		if err != nil {
			return nil, err
		}
		if !expected.Mode().IsRegular() {
			return nil, &fs.PathError{Op: "open", Path: path, Err: ErrNotRegular}
		}
		f, err := openNoFollow(path)
		if err != nil {
			return nil, err
		}
		info, err := f.Stat()
		if err == nil && os.SameFile(expected, info) {
			return f, nil
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
	}
	return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("the file keeps being replaced")}
}
