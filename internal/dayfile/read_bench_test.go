// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dayfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkReadLines reads a day of lines of 400 bytes.
func BenchmarkReadLines(b *testing.B) {
	const lines = 50_000
	var content bytes.Buffer
	for n := range lines {
		fmt.Fprintf(&content, "{\"n\":%d,\"text\":\"%0380d\"}\n", n, n)
	}
	for _, form := range forms() {
		b.Run("form="+string(form), func(b *testing.B) {
			dir := b.TempDir()
			packed := content.Bytes()
			if form != Plain {
				packed = pack(b, form, packed)
			}
			write(b, dir, "logs/"+FileName(december22, form), packed)
			r := newTestReader(dir)
			b.SetBytes(int64(content.Len()))
			b.ReportAllocs()
			for b.Loop() {
				l, err := r.Open(december22, Position{})
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
