// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package dayfile

import "os"

// newOSFile leaves Sync to the standard library, which knows that macOS
// needs F_FULLFSYNC.
func newOSFile(f *os.File) (file, error) { return f, nil }
