// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

const errNotDir = windows.ERROR_DIRECTORY

// Limits says what this operating system cannot do.
const Limits = "permissions of files and directories are inherited, and directories are not synced but left to the journal of NTFS"

func tryLock(f *os.File) error {
	// Other processes cannot read locked bytes. They need to read the content, so
	// the lock is on a byte far beyond it.
	err := windows.LockFileEx(windows.Handle(f.Fd()),
		windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{OffsetHigh: 1})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return ErrLocked
	}
	return os.NewSyscallError("LockFileEx", err)
}

// syncDir does nothing: NTFS has a journal for names.
func syncDir(*os.File) error { return nil }

// openNoFollow opens a file for reading. It may follow a link: the caller checks
// which file it got.
func openNoFollow(path string) (*os.File, error) { return os.Open(path) }

// chmod does nothing: access control lists are inherited.
func chmod(*os.File, fs.FileMode) error { return nil }

// Linked reports whether a file has a name. An open file cannot lose it.
func Linked(fs.FileInfo) bool { return true }

func freeBytes(path string) (uint64, error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return 0, err
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(name, &free, nil, nil); err != nil {
		return 0, os.NewSyscallError("GetDiskFreeSpaceEx", err)
	}
	return free, nil
}

// IsFull reports whether err says that the disk, or a quota, is full.
func IsFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}
