// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package faultfs is a directory on which writing, syncing and truncating fail
// when they are told to.
package faultfs

import (
	"context"
	"fmt"
	"sync/atomic"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// Fault is what fails. Faults are combined by |.
type Fault uint32

// The faults, each as long as it is set.
const (
	// WriteFails fails every write with EIO.
	WriteFails Fault = 1 << iota
	// WriteStops writes the first half of what is to be written, and fails
	// with ENOSPC what is left.
	WriteStops
	// SyncFails fails every fsync and fdatasync with EIO.
	SyncFails
	// TruncateFails fails every truncation with EIO.
	TruncateFails
)

// Dir is the directory.
type Dir struct {
	faults atomic.Uint32
	server *fuse.Server
}

// Mount mounts the directory over target, where it shows the contents of
// source. Only root may mount. Unmount it after use.
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

// Set lets just those faults happen from now on; 0 is for none.
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

// WrapChild makes the nodes below one of the same kind.
func (n *node) WrapChild(_ context.Context, child fs.InodeEmbedder) fs.InodeEmbedder {
	return &node{child.(*fs.LoopbackNode), n.dir}
}

// Open opens the file; errors of writing are told at once, not at some later
// sync.
func (n *node) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	handle, _, errno := n.LoopbackNode.Open(ctx, flags)
	if errno != fs.OK {
		return nil, 0, errno
	}
	return &file{handle.(*fs.LoopbackFile), n.dir}, fuse.FOPEN_DIRECT_IO, fs.OK
}

// Create makes and opens a file.
func (n *node) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	inode, handle, _, errno := n.LoopbackNode.Create(ctx, name, flags, mode, out)
	if errno != fs.OK {
		return nil, nil, 0, errno
	}
	return inode, &file{handle.(*fs.LoopbackFile), n.dir}, fuse.FOPEN_DIRECT_IO, fs.OK
}

// Setattr truncates, among other things.
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

// PassthroughFd keeps the kernel from writing past this file.
func (f *file) PassthroughFd() (int, bool) { return 0, false }

// Write writes what the faults let through.
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

// Writev writes what the faults let through.
func (f *file) Writev(ctx context.Context, data [][]byte, offset int64) (uint32, syscall.Errno) {
	var all []byte
	for _, part := range data {
		all = append(all, part...)
	}
	return f.Write(ctx, all, offset)
}

// Fsync syncs, unless the faults forbid it.
func (f *file) Fsync(ctx context.Context, flags uint32) syscall.Errno {
	if f.dir.has(SyncFails) {
		return syscall.EIO
	}
	return f.LoopbackFile.Fsync(ctx, flags)
}
