// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package reader

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/daytest"
)

// BenchmarkReadLines reads a day of lines of 400 bytes.
func BenchmarkReadLines(b *testing.B) {
	const lines = 50_000
	var content bytes.Buffer
	for n := range lines {
		fmt.Fprintf(&content, "{\"n\":%d,\"text\":\"%0380d\"}\n", n, n)
	}
	for _, form := range dayfile.Forms() {
		b.Run("form="+string(form), func(b *testing.B) {
			dir := b.TempDir()
			packed := content.Bytes()
			if form != dayfile.Plain {
				packed = daytest.Pack(b, form, packed)
			}
			daytest.Write(b, dir, "logs/"+dayfile.FileName(daytest.December22, form), packed)
			r := newTestReader(dir)
			b.SetBytes(int64(content.Len()))
			b.ReportAllocs()
			for b.Loop() {
				l, err := r.Open(daytest.December22, Position{})
				require.NoError(b, err)
				for err == nil {
					_, err = l.Next()
				}
				if !errors.Is(err, io.EOF) {
					b.Fatal(err)
				}
				require.NoError(b, l.Close())
			}
			b.ReportMetric(float64(lines)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}
