// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package disk

import "os"

// osFile keeps the Sync of the standard library, which uses F_FULLFSYNC on macOS.
type osFile struct{ *os.File }

func newOSFile(f *os.File, _ *aio) (File, error) { return osFile{f}, nil }

func (f osFile) SyncParked() error { return f.Sync() }

// aio is for Linux.
type aio struct{}

func (*aio) close() error { return nil }
