// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/daytest"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/disk"
)

// typical is a line of 400 bytes.
var typical = append(bytes.Repeat([]byte("x"), 399), '\n')

func BenchmarkAppend(b *testing.B) {
	for _, mode := range []SyncMode{SyncCommit, SyncInterval, SyncNone} {
		for _, writers := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/%d", mode, writers), func(b *testing.B) {
				s := open(b, Options{openDir: disk.Open, Directory: b.TempDir(), Sync: mode})
				b.SetBytes(int64(len(typical)))
				b.ReportAllocs()
				b.SetParallelism(max(1, writers/runtime.GOMAXPROCS(0)))
				appendOne := func() {
					if err := s.Append(dayfile.Logs, Part{daytest.December22, typical}); err != nil {
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

// BenchmarkAppendWhileCompressing measures appends while a large day is compressed,
// and without compression.
func BenchmarkAppendWhileCompressing(b *testing.B) {
	for _, form := range []dayfile.Form{dayfile.Plain, dayfile.Gzip, dayfile.Zstd} {
		b.Run("form="+string(form), func(b *testing.B) {
			dir := b.TempDir()
			daytest.Write(b, dir, logs20, bytes.Repeat(daytest.Lines(1_000_000, 1_010_000), 1000)) // 150 MB
			s := open(b, Options{openDir: disk.Open, Directory: dir, Compression: form, Now: daytest.At(daytest.December22)})
			took := make([]time.Duration, 0, b.N)
			b.ResetTimer()
			for range b.N {
				start := time.Now()
				if err := s.Append(dayfile.Logs, Part{daytest.December22, typical}); err != nil {
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

// BenchmarkOpen opens a directory with ten years of files.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	for _, signal := range dayfile.Signals() {
		for n := range 3653 {
			daytest.Write(b, dir, dayfile.Path(signal, daytest.December22.AddDays(-n), dayfile.Gzip), nil)
		}
	}
	for b.Loop() {
		s, err := Open(Options{Directory: dir, RetentionDays: 5000, Now: daytest.At(daytest.December22)})
		require.NoError(b, err)
		b.StopTimer()
		require.NoError(b, s.Close(context.Background()))
		b.StartTimer()
	}
}

// BenchmarkCompress measures compression, including its pauses.
func BenchmarkCompress(b *testing.B) {
	text := bytes.Repeat(daytest.Lines(1_000_000, 1_010_000), 100)
	for _, form := range []dayfile.Form{dayfile.Gzip, dayfile.Zstd} {
		b.Run(string(form), func(b *testing.B) {
			dir := b.TempDir()
			s := open(b, Options{openDir: disk.Open, Directory: dir, Now: daytest.At(daytest.December22)})
			s.opts.Compression = form
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				b.StopTimer()
				daytest.Write(b, dir, logs20, text)
				require.NoError(b, s.removeIfThere(dayfile.Path(dayfile.Logs, december20, form)))
				b.StartTimer()
				require.NoError(b, s.compress(b.Context(), stored{signal: dayfile.Logs, day: december20, name: logs20}))
			}
		})
	}
}
