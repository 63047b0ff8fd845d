// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package powercut

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func newRand() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func sector(b byte) []byte { return bytes.Repeat([]byte{b}, sectorSize) }

func TestFlushedSurvives(t *testing.T) {
	t.Parallel()
	d := NewDisk(4 * sectorSize)
	require.Equal(t, sectorSize, d.WriteAt(sector(1), sectorSize))
	d.Flush()
	r := newRand()
	for range 100 {
		left := d.Cut(r)
		require.Equal(t, sector(0), left[:sectorSize])
		require.Equal(t, sector(1), left[sectorSize:2*sectorSize])
	}
}

// Every combination of unflushed writes occurs, including torn ones, and nothing
// else.
func TestUnflushedMaySurvive(t *testing.T) {
	t.Parallel()
	d := NewDisk(4 * sectorSize)
	d.WriteAt(sector(1), 0)
	d.Flush()
	d.WriteAt(sector(2), 0)
	d.WriteAt(append(sector(3), sector(4)...), sectorSize)
	r := newRand()
	seen := map[string]bool{}
	for range 1000 {
		left := d.Cut(r)
		var firsts []byte
		for at := 0; at < len(left); at += sectorSize {
			require.Equal(t, sector(left[at]), left[at:at+sectorSize], "torn sector")
			firsts = append(firsts, left[at])
		}
		seen[string(firsts)] = true
	}
	for _, want := range []string{"\x01\x00\x00\x00", "\x02\x00\x00\x00", "\x01\x03\x04\x00", "\x02\x03\x04\x00", "\x01\x03\x00\x00", "\x02\x03\x00\x00"} {
		require.True(t, seen[want], "%q never occurs", want)
	}
	require.Len(t, seen, 6)
}

func TestReadsWhatWasWritten(t *testing.T) {
	t.Parallel()
	d := NewDisk(2 * sectorSize)
	d.WriteAt(sector(1), 0)
	d.WriteAt(sector(2), 0)
	p := make([]byte, 3*sectorSize)
	require.Equal(t, 2*sectorSize, d.ReadAt(p, 0))
	require.Equal(t, append(sector(2), sector(0)...), p[:2*sectorSize])
	require.Zero(t, d.ReadAt(p, 2*sectorSize))
}

func TestEnd(t *testing.T) {
	t.Parallel()
	d := NewDisk(sectorSize)
	require.Equal(t, 1, d.WriteAt([]byte("xy"), sectorSize-1))
	require.Zero(t, d.WriteAt([]byte("x"), sectorSize))
}
