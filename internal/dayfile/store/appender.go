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

// appender appends to the plain file of one signal and day, whatever others
// do to that file meanwhile.
//
// Invariants:
//
//   - Lines are appended whole, by one write, and only behind a '\n' or at
//     the start of the file: never glued to what somebody left there.
//   - Bytes of an append that failed are taken away before anything else is
//     appended. Until that is done every append fails.
//   - What is taken away but may be somebody else's is set aside.
type appender struct {
	store  *Store
	signal dayfile.Signal
	day    dayfile.Day
	name   string // of the file, inside the directory

	// users counts the calls that hold a pointer to this appender; the
	// store's mutex guards it.
	users int

	// mu is held while bytes are written, and not while they are synced.
	mu sync.Mutex
	// handle is nil while the file is not open.
	handle *handle
	// undo is what must be taken away before the next append.
	undo *undo
	// lastUse is when the file was last appended to.
	lastUse time.Time
}

// undo is the end of a file that belongs to appends that failed.
type undo struct {
	info     fs.FileInfo // of the file that was written to
	from, to int64
}

// write appends lines, which the caller then makes durable, and returns where
// they begin. The caller holds mu.
func (a *appender) write(lines []byte) (from int64, err error) {
	if err := a.prepare(); err != nil {
		return 0, err
	}
	h := a.handle
	from = h.end
	start := time.Now()
	n, err := h.file.Write(lines)
	if err != nil {
		a.store.tell.Failed(OpWrite, a.name, err)
		a.takeBack(from, from+int64(n))
		return 0, fmt.Errorf("append to %s: %w", a.name, err)
	}
	h.end += int64(n)
	a.store.tell.Wrote(a.signal, n, time.Since(start))
	a.lastUse = start
	return from, nil
}

// takeBack takes bytes away that were appended for nobody. Where that fails
// now, it is done before the next append. The caller holds mu.
func (a *appender) takeBack(from, to int64) {
	a.undo = &undo{info: a.handle.info, from: from, to: to}
	// Even if it fails now: the next append undoes it before it looks at the size.
	a.handle.end = from
	if err := a.doUndo(); err != nil {
		a.store.tell.Failed(OpRepair, a.name, err)
	}
}

// prepare makes the handle ready for an append to the file that the path
// leads to at this moment.
func (a *appender) prepare() error {
	if a.handle != nil && a.handle.failed() {
		_ = a.close() // Its error went to those who waited for the sync.
	}
	if a.undo != nil {
		if err := a.doUndo(); err != nil {
			a.store.tell.Failed(OpRepair, a.name, err)
			return fmt.Errorf("repair %s: %w", a.name, err)
		}
	}
	info, err := a.store.dir.Lstat(a.name)
	if a.handle != nil {
		what := changed(a.handle, info, err)
		if what == "" {
			return nil
		}
		a.store.tell.Changed(a.name, what)
		// The lines in the old file stay where others have put them.
		if err := a.close(); err != nil {
			return err
		}
	}
	if err := a.open(); err != nil {
		a.store.tell.Failed(OpOpen, a.name, err)
		return fmt.Errorf("open %s: %w", a.name, err)
	}
	return nil
}

// changed says what others did to a file that is open, or nothing.
func changed(h *handle, info fs.FileInfo, err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "removed"
	case err != nil:
		return "out of reach"
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

// syncFailed lets go of a handle whose sync failed.
func (a *appender) syncFailed(h *handle, err error) {
	a.store.tell.Failed(OpSync, a.name, err)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.handle != h {
		return // Somebody else was here before.
	}
	_ = a.close() // It says again what was told.
	if a.undo == nil {
		return
	}
	if err := a.doUndo(); err != nil {
		a.store.tell.Failed(OpRepair, a.name, err)
	}
}

// doUndo takes away what undo says.
func (a *appender) doUndo() error {
	dir, u := a.store.dir, a.undo
	info, err := dir.Lstat(a.name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(info, u.info) {
		// The file was taken away, and its end with it.
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
		// Somebody appended behind. That is not ours to throw away.
		return a.store.setAside(f, a.name, u.from, info.Size())
	}
	if err := f.Truncate(u.from); err != nil {
		return err
	}
	return f.Sync()
}

// open opens the file, making it where there is none, and makes sure that it
// ends with a whole line and that what it holds is durable.
func (a *appender) open() error {
	a.store.closeLeastUsed()
	if err := a.store.dir.Attach(); err != nil {
		return err
	}
	if err := a.store.settle(a.signal, a.day); err != nil {
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
			a.handle = newHandle(f, info, a.signal, a.store.tell, &a.store.rounds)
			return nil
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return errors.New("somebody keeps replacing it")
}

// openTries is how often open looks again when somebody replaces the file
// just while it is opened. Once is rare.
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

// close syncs and closes the handle. Where that fails, the bytes that are not
// durable are taken away if they were acknowledged to nobody, as is so where
// each append waits for its sync. Elsewhere they are left, in the hope that
// they get to the disk after all. The caller holds mu.
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
