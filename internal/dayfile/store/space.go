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
	// spaceFresh is how long a look at the free space is believed while
	// there is enough of it.
	spaceFresh = time.Second
	// spaceNear is how many bytes more than needed are enough for that. With
	// less, every append looks: others write to the disk, too.
	spaceNear = 64 << 20
)

// space refuses appends before the disk is full, so that what else lives on
// it, and the clearing up, have room.
type space struct {
	dir  disk.Dir
	keep uint64 // bytes to leave free; 0 refuses nothing
	tell Observer

	mu     sync.Mutex
	looked time.Time
	free   uint64 // when last looked, less what was appended since
}

// take refuses n bytes that would not leave enough free.
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
			// Not to know is no reason to refuse.
			s.tell.Failed(OpSpace, ".", err)
			free = need
		}
		s.looked, s.free = time.Now(), free
	}
	if s.free < need {
		return fmt.Errorf("%w: %d bytes free, %d are kept free", ErrDiskFull, s.free, s.keep)
	}
	s.free -= uint64(n)
	return nil
}

// spareBytes is how much background work leaves free beyond what is kept.
const spareBytes = 4 * syncPiece

// spare refuses to compress that many bytes when space gets short.
func (s *space) spare(plain int64) error {
	free, err := s.dir.Free()
	if err != nil {
		return err
	}
	if need := s.keep + uint64(min(plain, spareBytes)); free < need {
		return fmt.Errorf("%w: %d bytes free, %d are needed", ErrDiskFull, free, need)
	}
	return nil
}
