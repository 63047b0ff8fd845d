// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package disk

import "os"

// newOSFile leaves Sync to the standard library, which knows that macOS
// needs F_FULLFSYNC.
func newOSFile(f *os.File) (File, error) { return f, nil }
