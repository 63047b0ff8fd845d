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

func (f *osFile) Sync() error {
	var syncErr error
	err := f.conn.Control(func(fd uintptr) {
		var done bool
		if done, syncErr = f.aio.fdatasync(fd); done {
			return
		}
		for {
			if syncErr = unix.Fdatasync(int(fd)); !errors.Is(syncErr, unix.EINTR) {
				return
			}
		}
	})
	return errors.Join(err, os.NewSyscallError("fdatasync", syncErr))
}
