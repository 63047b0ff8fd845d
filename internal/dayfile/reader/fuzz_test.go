// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package reader

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/daytest"
)

// FuzzLines compares the lines of any content with a simple implementation, with and
// without a restart from a position. Small blocks split lines.
func FuzzLines(f *testing.F) {
	f.Add([]byte("{\"n\":1}\n{\"n\":2}\n"), uint16(100), uint16(0), uint8(9))
	f.Add([]byte("\n\n\r\nno end"), uint16(1), uint16(3), uint8(9))
	f.Add(bytes.Repeat([]byte("0123456789\n"), 300), uint16(11), uint16(200), uint8(9))
	f.Add(append(bytes.Repeat([]byte("x"), 3000), '\n', 'y', '\n'), uint16(9), uint16(1), uint8(9))
	// The inputs run one after the other, so they can share a directory.
	dir := f.TempDir()
	require.NoError(f, os.Mkdir(filepath.Join(dir, "logs"), 0o750))
	f.Fuzz(func(t *testing.T, content []byte, maxLine, stop uint16, block uint8) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, plainLogs), content, 0o600))
		r := New(dir, dayfile.Logs, int(maxLine)+1)
		r.block = int(block) + 2
		l, err := r.Open(daytest.December22, Position{})
		require.NoError(t, err)

		var offset, number int64
		for line := range bytes.Lines(content) {
			if line[len(line)-1] != '\n' {
				break
			}
			if number == int64(stop) {
				at := l.Position()
				require.NoError(t, l.Close())
				l, err = r.Open(daytest.December22, at)
				require.NoError(t, err)
			}
			offset += int64(len(line))
			number++
			got, err := l.Next()
			if len(line) > int(maxLine)+1 {
				require.ErrorIs(t, err, ErrLongLine)
			} else {
				require.NoError(t, err)
				require.Equal(t, string(line[:len(line)-1]), string(got))
			}
			require.Equal(t, number, l.Place().Line)
			require.Equal(t, offset, l.Offset())
		}
		_, err = l.Next()
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, offset, l.Position().Offset)
		require.Equal(t, number, l.Position().Line)
		require.True(t, l.Position().Valid())

		rest, err := l.Rest()
		switch torn := content[offset:]; {
		case len(torn) == 0:
			require.ErrorIs(t, err, io.EOF)
		case errors.Is(err, ErrLongLine):
			require.GreaterOrEqual(t, len(torn), int(maxLine)+1)
		default:
			require.NoError(t, err)
			require.Equal(t, string(torn), string(rest))
		}
		require.Equal(t, number, l.Position().Line)
		require.True(t, l.Position().Valid())
		require.NoError(t, l.Close())
	})
}
