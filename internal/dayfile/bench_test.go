// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dayfile

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// typical is a line of 400 bytes.
var typical = append(bytes.Repeat([]byte("x"), 399), '\n')

func BenchmarkAppend(b *testing.B) {
	for _, mode := range []SyncMode{SyncCommit, SyncInterval, SyncNone} {
		for _, writers := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/%d", mode, writers), func(b *testing.B) {
				s := open(b, Options{Directory: b.TempDir(), Sync: mode})
				b.SetBytes(int64(len(typical)))
				b.ReportAllocs()
				b.SetParallelism(max(1, writers/runtime.GOMAXPROCS(0)))
				appendOne := func() {
					if err := s.Append(Logs, Part{december22, typical}); err != nil {
						b.Error(err)
					}
				}
				b.ResetTimer()
				if writers == 1 {
					for range b.N {
						appendOne()
					}
					return
				}
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						appendOne()
					}
				})
			})
		}
	}
}

// BenchmarkAppendWhileCompressing says how long appends wait while a large day
// is compressed, and without that.
func BenchmarkAppendWhileCompressing(b *testing.B) {
	for _, form := range []Form{Plain, Gzip, Zstd} {
		b.Run("form="+string(form), func(b *testing.B) {
			dir := b.TempDir()
			write(b, dir, logs20, bytes.Repeat(lines(1_000_000, 1_010_000), 1000)) // 150 MB
			s := open(b, Options{Directory: dir, Compression: form, Now: at(december22)})
			took := make([]time.Duration, 0, b.N)
			b.ResetTimer()
			for range b.N {
				start := time.Now()
				if err := s.Append(Logs, Part{december22, typical}); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			b.StopTimer()
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}

// BenchmarkOpen opens a directory of ten years.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	for _, signal := range Signals() {
		for n := range 3653 {
			write(b, dir, filePath(signal, december22.AddDays(-n), Gzip), nil)
		}
	}
	for b.Loop() {
		s, err := Open(Options{Directory: dir, RetentionDays: 5000, Now: at(december22)})
		require.NoError(b, err)
		b.StopTimer()
		require.NoError(b, s.Close(context.Background()))
		b.StartTimer()
	}
}

// BenchmarkCompress says what compressing takes, rests included.
func BenchmarkCompress(b *testing.B) {
	text := bytes.Repeat(lines(1_000_000, 1_010_000), 100)
	for _, form := range []Form{Gzip, Zstd} {
		b.Run(string(form), func(b *testing.B) {
			dir := b.TempDir()
			s := open(b, Options{Directory: dir, Now: at(december22)})
			s.opts.Compression = form
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				b.StopTimer()
				write(b, dir, logs20, text)
				require.NoError(b, s.removeIfThere(filePath(Logs, december20, form)))
				b.StartTimer()
				require.NoError(b, s.compress(b.Context(), stored{signal: Logs, day: december20, name: logs20}))
			}
		})
	}
}
