// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package disk

import "os"

// newOSFile keeps the Sync of the standard library, which uses F_FULLFSYNC on
// macOS.
func newOSFile(f *os.File, _ *aio) (File, error) { return f, nil }

// aio is for Linux.
type aio struct{}

func (*aio) close() error { return nil }
