// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package powercut

import (
	"context"
	"fmt"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// FileName is the name of the file in the mounted directory.
const FileName = "disk"

// Mount mounts the disk as a file in a directory, with FUSE. Attach a loop device
// to the file: a flush of the device is an fsync of the file. Mounting needs root.
// Unmount the server after use.
func (d *Disk) Mount(directory string) (*fuse.Server, error) {
	server, err := fs.Mount(directory, &root{disk: d}, &fs.Options{
		MountOptions: fuse.MountOptions{
			FsName:            "powercut",
			Name:              "powercut",
			DirectMountStrict: true,
			MaxWrite:          1 << 20,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("mount disk: %w", err)
	}
	return server, nil
}

// root is the directory.
type root struct {
	fs.Inode
	disk *Disk
}

var _ fs.NodeOnAdder = (*root)(nil)

// OnAdd adds the file to the directory.
func (r *root) OnAdd(ctx context.Context) {
	file := r.NewPersistentInode(ctx, &file{disk: r.disk}, fs.StableAttr{Mode: syscall.S_IFREG})
	r.AddChild(FileName, file, false)
}

// file is the disk as a file.
type file struct {
	fs.Inode
	disk *Disk
}

var (
	_ fs.NodeGetattrer = (*file)(nil)
	_ fs.NodeSetattrer = (*file)(nil)
	_ fs.NodeOpener    = (*file)(nil)
	_ fs.NodeReader    = (*file)(nil)
	_ fs.NodeWriter    = (*file)(nil)
	_ fs.NodeFsyncer   = (*file)(nil)
)

// Getattr returns the size of the disk.
func (f *file) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode = syscall.S_IFREG | 0o600
	out.Size = uint64(f.disk.Size())
	return fs.OK
}

// Setattr ignores changes: a disk has no times, and its size is fixed.
func (f *file) Setattr(ctx context.Context, h fs.FileHandle, _ *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	return f.Getattr(ctx, h, out)
}

// Open disables the kernel's cache.
func (f *file) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, fuse.FOPEN_DIRECT_IO, fs.OK
}

// Read reads from the disk.
func (f *file) Read(_ context.Context, _ fs.FileHandle, dest []byte, offset int64) (fuse.ReadResult, syscall.Errno) {
	return fuse.ReadResultData(dest[:f.disk.ReadAt(dest, offset)]), fs.OK
}

// Write writes to the cache of the disk.
func (f *file) Write(_ context.Context, _ fs.FileHandle, data []byte, offset int64) (uint32, syscall.Errno) {
	n := f.disk.WriteAt(data, offset)
	if n < len(data) {
		return uint32(n), syscall.ENOSPC
	}
	return uint32(n), fs.OK
}

// Fsync flushes the disk.
func (f *file) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	f.disk.Flush()
	return fs.OK
}
