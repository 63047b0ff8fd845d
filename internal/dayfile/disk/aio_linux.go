// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// aio syncs files with the asynchronous I/O of the kernel (io_submit). A goroutine
// that waits for it is parked like one that waits for a socket. A goroutine in
// fdatasync keeps its processor: with GOMAXPROCS=1 nothing else runs until the
// runtime takes the processor back, which it does after 20 µs to 10 ms.
//
// io_uring could do the same, but the default seccomp profile of Docker forbids it.
// The zero value is ready to use.
type aio struct {
	mu   sync.Mutex
	free []*aioSlot
	// broken is true if the kernel does not provide it.
	broken bool
}

// aioSlot is what one sync at a time uses.
type aioSlot struct {
	ctx   uintptr // aio_context_t
	event *os.File
	conn  syscall.RawConn
}

// iocb and ioEvent are structures of linux/aio_abi.h.
type iocb struct {
	_         uint64 // data
	_, _      uint32 // key and flags
	opcode    uint16
	_         int16 // priority
	fd        uint32
	_, _      uint64 // buffer
	_         int64  // offset
	_         uint64
	iocbFlags uint32
	resFD     uint32
}

type ioEvent struct {
	_, _ uint64 // data and iocb
	res  int64
	_    int64
}

const (
	iocbCmdFDSync = 3
	iocbFlagResFD = 1
)

// fdatasync syncs a file. done is false if the kernel cannot do it for this file.
func (a *aio) fdatasync(fd uintptr) (done bool, err error) {
	slot := a.get()
	if slot == nil {
		return false, nil
	}
	defer a.put(slot)
	if !slot.submit(fd) {
		return false, nil
	}
	return true, slot.wait()
}

// get returns a slot, or nil if there can be none.
func (a *aio) get() *aioSlot {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.free); n > 0 {
		slot := a.free[n-1]
		a.free = a.free[:n-1]
		return slot
	}
	if a.broken {
		return nil
	}
	slot, err := newAIOSlot()
	a.broken = err != nil
	return slot
}

func (a *aio) put(slot *aioSlot) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.free = append(a.free, slot)
}

// close releases the slots. No sync may be running.
func (a *aio) close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	var err error
	for _, slot := range a.free {
		err = errors.Join(err, slot.close())
	}
	a.free, a.broken = nil, true
	return err
}

func newAIOSlot() (*aioSlot, error) {
	s := &aioSlot{}
	if _, _, errno := unix.Syscall(unix.SYS_IO_SETUP, 1, uintptr(unsafe.Pointer(&s.ctx)), 0); errno != 0 { //nolint:gosec // system call
		return nil, os.NewSyscallError("io_setup", errno)
	}
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return nil, errors.Join(os.NewSyscallError("eventfd", err), s.destroy())
	}
	s.event = os.NewFile(uintptr(fd), "eventfd")
	if s.conn, err = s.event.SyscallConn(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// submit starts a sync. It returns false if the kernel refuses.
func (s *aioSlot) submit(fd uintptr) bool {
	submitted := false
	err := s.conn.Control(func(event uintptr) {
		cb := &iocb{opcode: iocbCmdFDSync, fd: uint32(fd), iocbFlags: iocbFlagResFD, resFD: uint32(event)}
		errno := unix.EINTR
		for errno == unix.EINTR {
			_, _, errno = unix.Syscall(unix.SYS_IO_SUBMIT, s.ctx, 1, uintptr(unsafe.Pointer(&cb))) //nolint:gosec // system call
		}
		submitted = errno == 0
	})
	return submitted && err == nil
}

// wait returns the result of the sync. The file stays open until then.
func (s *aioSlot) wait() error {
	var result syscall.Errno
	// The runtime waits for edges of the eventfd, so it need not be read.
	err := s.conn.Read(func(uintptr) (done bool) {
		result, done = s.result(0)
		return done
	})
	if err != nil {
		// The runtime cannot wait for the eventfd.
		result, _ = s.result(1)
	}
	if result == 0 {
		return nil
	}
	return result
}

// result returns the result of the sync. With atLeast 1 it waits for it.
func (s *aioSlot) result(atLeast uintptr) (result syscall.Errno, done bool) {
	var event ioEvent
	var timeout *unix.Timespec
	if atLeast == 0 {
		timeout = &unix.Timespec{}
	}
	for {
		n, _, errno := unix.Syscall6(unix.SYS_IO_GETEVENTS, s.ctx, atLeast, 1,
			uintptr(unsafe.Pointer(&event)), uintptr(unsafe.Pointer(timeout)), 0) //nolint:gosec // system call
		switch {
		case errno == unix.EINTR:
		case errno != 0:
			return errno, true
		case n == 0:
			return 0, false
		case event.res < 0:
			return syscall.Errno(-event.res), true
		default:
			return 0, true
		}
	}
}

func (s *aioSlot) close() error { return errors.Join(s.event.Close(), s.destroy()) }

func (s *aioSlot) destroy() error {
	if _, _, errno := unix.Syscall(unix.SYS_IO_DESTROY, s.ctx, 0, 0); errno != 0 {
		return os.NewSyscallError("io_destroy", errno)
	}
	return nil
}
