// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package faultfs mounts a directory in which a test can make writes, syncs and
// truncations fail.
package faultfs

import (
	"context"
	"fmt"
	"sync/atomic"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// Fault is a set of faults. Combine them with |.
type Fault uint32

// The faults.
const (
	// WriteFails fails every write with EIO.
	WriteFails Fault = 1 << iota
	// WriteStops writes the first half of the data. A write of one byte fails with
	// ENOSPC.
	WriteStops
	// SyncFails fails every fsync and fdatasync with EIO.
	SyncFails
	// TruncateFails fails every truncation with EIO.
	TruncateFails
)

// Dir is a mounted directory.
type Dir struct {
	faults atomic.Uint32
	server *fuse.Server
}

// Mount mounts the contents of source at target. Mounting needs root. Unmount the
// directory after use.
func Mount(source, target string) (*Dir, error) {
	root, err := fs.NewLoopbackRoot(source)
	if err != nil {
		return nil, fmt.Errorf("open source: %w", err)
	}
	d := &Dir{}
	d.server, err = fs.Mount(target, &node{root.(*fs.LoopbackNode), d}, &fs.Options{
		MountOptions: fuse.MountOptions{
			FsName:            "faultfs",
			Name:              "faultfs",
			DirectMountStrict: true,
			MaxWrite:          1 << 20,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("mount: %w", err)
	}
	return d, nil
}

// Unmount unmounts the directory.
func (d *Dir) Unmount() error { return d.server.Unmount() }

// Set replaces the active faults; 0 is none.
func (d *Dir) Set(faults Fault) { d.faults.Store(uint32(faults)) }

func (d *Dir) has(fault Fault) bool { return Fault(d.faults.Load())&fault != 0 }

// node is a file or a directory.
type node struct {
	*fs.LoopbackNode
	dir *Dir
}

var (
	_ fs.NodeWrapChilder = (*node)(nil)
	_ fs.NodeOpener      = (*node)(nil)
	_ fs.NodeCreater     = (*node)(nil)
	_ fs.NodeSetattrer   = (*node)(nil)
)

// WrapChild wraps the nodes below.
func (n *node) WrapChild(_ context.Context, child fs.InodeEmbedder) fs.InodeEmbedder {
	return &node{child.(*fs.LoopbackNode), n.dir}
}

// Open opens the file without a cache, so that a write returns its own error.
func (n *node) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	handle, _, errno := n.LoopbackNode.Open(ctx, flags)
	if errno != fs.OK {
		return nil, 0, errno
	}
	return &file{handle.(*fs.LoopbackFile), n.dir}, fuse.FOPEN_DIRECT_IO, fs.OK
}

// Create creates and opens a file.
func (n *node) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	inode, handle, _, errno := n.LoopbackNode.Create(ctx, name, flags, mode, out)
	if errno != fs.OK {
		return nil, nil, 0, errno
	}
	return inode, &file{handle.(*fs.LoopbackFile), n.dir}, fuse.FOPEN_DIRECT_IO, fs.OK
}

// Setattr changes attributes. A change of the size is a truncation.
func (n *node) Setattr(ctx context.Context, h fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if _, truncates := in.GetSize(); truncates && n.dir.has(TruncateFails) {
		return syscall.EIO
	}
	return n.LoopbackNode.Setattr(ctx, h, in, out)
}

// file is an open file.
type file struct {
	*fs.LoopbackFile
	dir *Dir
}

var (
	_ fs.FileWriter          = (*file)(nil)
	_ fs.FileWritever        = (*file)(nil)
	_ fs.FileFsyncer         = (*file)(nil)
	_ fs.FilePassthroughFder = (*file)(nil)
)

// PassthroughFd keeps the kernel from writing to the file directly.
func (f *file) PassthroughFd() (int, bool) { return 0, false }

// Write writes unless a fault prevents it.
func (f *file) Write(ctx context.Context, data []byte, offset int64) (uint32, syscall.Errno) {
	switch {
	case f.dir.has(WriteFails):
		return 0, syscall.EIO
	case f.dir.has(WriteStops) && len(data) > 1:
		return f.LoopbackFile.Write(ctx, data[:len(data)/2], offset)
	case f.dir.has(WriteStops):
		return 0, syscall.ENOSPC
	default:
		return f.LoopbackFile.Write(ctx, data, offset)
	}
}

// Writev writes unless a fault prevents it.
func (f *file) Writev(ctx context.Context, data [][]byte, offset int64) (uint32, syscall.Errno) {
	var all []byte
	for _, part := range data {
		all = append(all, part...)
	}
	return f.Write(ctx, all, offset)
}

// Fsync syncs unless a fault prevents it.
func (f *file) Fsync(ctx context.Context, flags uint32) syscall.Errno {
	if f.dir.has(SyncFails) {
		return syscall.EIO
	}
	return f.LoopbackFile.Fsync(ctx, flags)
}
