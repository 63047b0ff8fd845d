// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"sync"
	"time"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/disk"
)

// appender appends to the plain file of one signal and day. Other programs may
// change, replace or remove that file at any time.
//
// Invariants:
//
//   - Lines are appended whole, with one write, and only at the beginning of the
//     file or after a '\n'.
//   - The bytes of a failed append are removed before the next append. Until that
//     succeeds, every append fails.
//   - Removed bytes that another program may have written are set aside.
type appender struct {
	store  *Store
	signal dayfile.Signal
	day    dayfile.Day
	name   string // of the file, inside the directory

	// users counts the calls that use the appender. The store's mutex guards it.
	users int

	// mu is held during writes and, with SyncCommit, during the syncs of appends.
	mu sync.Mutex
	// handle is nil while the file is not open.
	handle *handle
	// undo is what must be removed before the next append.
	undo *undo
	// lastUse is the time of the last append.
	lastUse time.Time
	// looked is when the path was looked at.
	looked time.Time
}

// undo is the end of a file that failed appends have written.
type undo struct {
	info     fs.FileInfo // identifies the file
	from, to int64
}

// write appends lines. It does not sync. The caller holds mu.
func (a *appender) write(lines []byte) error {
	if err := a.prepare(time.Now()); err != nil {
		return err
	}
	h := a.handle
	start := time.Now()
	n, err := h.file.Write(lines)
	if err != nil {
		a.store.observer.Failed(OpWrite, a.name, err)
		a.takeBack(h.end, h.end+int64(n))
		return fmt.Errorf("append to %s: %w", a.name, err)
	}
	h.end += int64(n)
	a.store.observer.Wrote(a.signal, n, time.Since(start))
	a.lastUse = start
	return nil
}

// commit makes what write has appended durable. appends is how many appends wait for
// it. The caller holds mu.
func (a *appender) commit(appends int) error {
	err := a.handle.sync(a.handle.end, appends)
	if err == nil {
		return nil
	}
	a.discard(err)
	return fmt.Errorf("sync %s: %w", a.name, err)
}

// takeBack removes appended bytes. If that fails, the next append tries again. The
// caller holds mu.
func (a *appender) takeBack(from, to int64) {
	a.undo = &undo{info: a.handle.info, from: from, to: to}
	// Also if doUndo fails: the next append calls it before it checks the size.
	a.handle.end = from
	if err := a.doUndo(); err != nil {
		a.store.observer.Failed(OpRepair, a.name, err)
	}
}

// lookEvery is how long an append that is not synced relies on the open file. To
// look at the path costs as much as a write. A file that was removed or truncated is
// noticed nevertheless; a file that another program renames can get lines for this
// long.
const lookEvery = 10 * time.Millisecond

// unchanged reports whether the open file can be appended to without looking at the
// path.
func (a *appender) unchanged(now time.Time) bool {
	if a.store.opts.Sync == SyncCommit || now.Sub(a.looked) >= lookEvery {
		return false
	}
	info, err := a.handle.file.Stat()
	return err == nil && disk.Linked(info) && info.Size() == a.handle.end
}

// prepare makes the handle ready for an append to the file that the path leads to
// now.
func (a *appender) prepare(now time.Time) error {
	if a.handle != nil && a.handle.failed() {
		_ = a.close() // The failed sync has returned the error.
	}
	if a.undo != nil {
		if err := a.doUndo(); err != nil {
			a.store.observer.Failed(OpRepair, a.name, err)
			return fmt.Errorf("repair %s: %w", a.name, err)
		}
	}
	if a.handle != nil && a.unchanged(now) {
		return nil
	}
	a.looked = now
	info, err := a.store.dir.Lstat(a.name)
	if a.handle != nil {
		what := changed(a.handle, info, err)
		if what == "" {
			return nil
		}
		a.store.observer.Changed(a.name, what)
		// The lines in the old file stay where they are.
		if err := a.close(); err != nil {
			return err
		}
	}
	if err := a.open(); err != nil {
		a.store.observer.Failed(OpOpen, a.name, err)
		return fmt.Errorf("open %s: %w", a.name, err)
	}
	return nil
}

// changed says what another program did to an open file. It returns "" if nothing.
func changed(h *handle, info fs.FileInfo, err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "removed"
	case err != nil:
		return "inaccessible"
	case !os.SameFile(info, h.info):
		return "replaced"
	case info.Size() < h.end:
		return "truncated"
	case info.Size() > h.end:
		return "appended to"
	default:
		return ""
	}
}

// syncInBackground syncs the file while appends go on.
func (a *appender) syncInBackground() {
	a.mu.Lock()
	h := a.handle
	if h == nil || h.failed() {
		a.mu.Unlock()
		return
	}
	end := h.end
	a.mu.Unlock()
	err := h.sync(end, 0)
	if err == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.handle == h {
		a.discard(err)
	} else {
		a.store.observer.Failed(OpSync, a.name, err)
	}
}

// discard closes the handle after its sync failed. The caller holds mu.
func (a *appender) discard(err error) {
	a.store.observer.Failed(OpSync, a.name, err)
	_ = a.close() // It returns the same error again.
	if a.undo == nil {
		return
	}
	if err := a.doUndo(); err != nil {
		a.store.observer.Failed(OpRepair, a.name, err)
	}
}

// doUndo removes what undo describes.
func (a *appender) doUndo() error {
	dir, u := a.store.dir, a.undo
	info, err := dir.Lstat(a.name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(info, u.info) {
		// The file is gone, and its end with it.
		a.undo = nil
		return nil
	}
	if err != nil {
		return err
	}
	f, err := dir.OpenFile(a.name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(a.cutOff(f, u), f.Close()); err != nil {
		return err
	}
	a.undo = nil
	return nil
}

func (a *appender) cutOff(f disk.File, u *undo) error {
	info, err := f.Stat()
	if err != nil || !os.SameFile(info, u.info) || info.Size() <= u.from {
		return err
	}
	if info.Size() > u.to {
		// Another program has appended. Its bytes must not be lost.
		return a.store.setAside(f, a.name, u.from, info.Size())
	}
	if err := f.Truncate(u.from); err != nil {
		return err
	}
	return f.Sync()
}

// open opens the file, or creates it. It makes sure that the file ends with a whole
// line and that its content is durable.
func (a *appender) open() error {
	a.store.closeLeastUsed()
	if err := a.store.dir.Attach(); err != nil {
		return err
	}
	if err := a.store.finishSwaps(a.signal, a.day); err != nil {
		return err
	}
	for range openTries {
		f, err := a.openOnce()
		if err != nil {
			return err
		}
		info, err := f.Stat()
		if err != nil {
			return errors.Join(err, f.Close())
		}
		there, err := a.store.dir.Lstat(a.name)
		if err == nil && os.SameFile(there, info) {
			err := errors.Join(f.Sync(), a.store.dir.SyncDir(path.Dir(a.name)))
			if err != nil {
				return errors.Join(err, f.Close())
			}
			a.handle = newHandle(f, info, a.signal, a.store.observer)
			return nil
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return errors.New("the file keeps being replaced")
}

// openTries is how often open retries when the file is replaced while it is being
// opened. Once is rare.
const openTries = 4

func (a *appender) openOnce() (disk.File, error) {
	dir := a.store.dir
	info, err := dir.Lstat(a.name)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return nil, disk.ErrNotRegular
	case err == nil:
		if err := a.store.repairTail(a.name); err != nil {
			return nil, err
		}
		return dir.OpenFile(a.name, os.O_WRONLY|os.O_APPEND, 0)
	case errors.Is(err, fs.ErrNotExist):
		if err := a.store.makeSignalDir(a.signal); err != nil {
			return nil, err
		}
		return dir.OpenFile(a.name, os.O_WRONLY|os.O_APPEND|os.O_CREATE|os.O_EXCL, a.store.opts.FileMode)
	default:
		return nil, err
	}
}

// close syncs and closes the handle. If that fails with SyncCommit, the bytes that
// are not durable will be removed: no append has acknowledged them. In the other
// modes they were acknowledged, so they stay. The caller holds mu.
func (a *appender) close() error {
	h := a.handle
	if h == nil {
		return nil
	}
	a.handle = nil
	err := h.close()
	if err == nil {
		return nil
	}
	if a.store.opts.Sync == SyncCommit {
		u := &undo{info: h.info, from: h.durable(), to: h.end}
		if a.undo != nil {
			u.to = max(u.to, a.undo.to)
		}
		a.undo = u
	}
	return fmt.Errorf("close %s: %w", a.name, err)
}
