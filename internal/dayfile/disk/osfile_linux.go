// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// osFile is a file whose Sync skips metadata that is not needed after a power cut,
// such as the modification time.
type osFile struct {
	*os.File
	conn syscall.RawConn
	aio  *aio
}

func newOSFile(f *os.File, aio *aio) (File, error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &osFile{File: f, conn: conn, aio: aio}, nil
}

func (f *osFile) Sync() error { return f.sync(fdatasync) }

func (f *osFile) SyncParked() error {
	return f.sync(func(fd uintptr) error {
		if done, err := f.aio.fdatasync(fd); done {
			return err
		}
		return fdatasync(fd)
	})
}

func (f *osFile) sync(how func(fd uintptr) error) error {
	var syncErr error
	err := f.conn.Control(func(fd uintptr) { syncErr = how(fd) })
	return errors.Join(err, os.NewSyscallError("fdatasync", syncErr))
}

func fdatasync(fd uintptr) error {
	for {
		if err := unix.Fdatasync(int(fd)); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
