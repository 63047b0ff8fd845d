// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"
	"sync"
	"time"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile/disk"
)

const (
	// spaceFresh is how long the measured free space is used.
	spaceFresh = time.Second
	// spaceNear is the margin in bytes below which every append measures again:
	// other programs write to the disk, too.
	spaceNear = 64 << 20
)

// space refuses appends before the disk is full. Other programs, and compression and
// retention, need the rest.
type space struct {
	dir      disk.Dir
	keep     uint64 // bytes to keep free; 0 refuses nothing
	observer Observer

	mu     sync.Mutex
	looked time.Time
	free   uint64 // when measured, minus what was appended since
}

// take returns ErrDiskFull if n more bytes would not leave enough space free.
func (s *space) take(n int) error {
	if s.keep == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	need := s.keep + uint64(n)
	if s.free < need+spaceNear || time.Since(s.looked) >= spaceFresh {
		free, err := s.dir.Free()
		if err != nil {
			// An unknown free space is no reason to refuse.
			s.observer.Failed(OpSpace, ".", err)
			free = need
		}
		s.looked, s.free = time.Now(), free
	}
	if s.free < need {
		return fmt.Errorf("%w: %d bytes are free, %d must be kept free", ErrDiskFull, s.free, s.keep)
	}
	s.free -= uint64(n)
	return nil
}

// spareBytes is how much more space background work leaves free.
const spareBytes = 4 * syncPiece

// spare returns ErrDiskFull if there is too little space to compress a plain file of
// that size.
func (s *space) spare(plain int64) error {
	free, err := s.dir.Free()
	if err != nil {
		return err
	}
	if need := s.keep + uint64(min(plain, spareBytes)); free < need {
		return fmt.Errorf("%w: %d bytes are free, %d are needed", ErrDiskFull, free, need)
	}
	return nil
}
