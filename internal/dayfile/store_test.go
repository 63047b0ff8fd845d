// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dayfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSmoke(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	s, err := Open(Options{Directory: dir})
	require.NoError(t, err)
	_, err = Open(Options{Directory: dir})
	require.ErrorIs(t, err, ErrLocked)
	t.Log(err)
	day, err := ParseDay("2025-12-22")
	require.NoError(t, err)
	require.NoError(t, s.Append(Logs, Part{day, []byte("{}\n")}))
	require.NoError(t, s.Append(Logs, Part{day, []byte("{}\n")}))
	require.NoError(t, os.Remove(filepath.Join(dir, "logs", "2025-12-22.jsonl")))
	require.NoError(t, s.Append(Logs, Part{day, []byte("{}\n")}, Part{day.AddDays(1), []byte("{}\n")}))
	require.NoError(t, s.Close(t.Context()))
	b, err := os.ReadFile(filepath.Join(dir, "logs", "2025-12-22.jsonl"))
	require.NoError(t, err)
	require.Equal(t, "{}\n", string(b))
}

func BenchmarkAppend(b *testing.B) {
	line := make([]byte, 400)
	for i := range line {
		line[i] = 'x'
	}
	line[399] = '\n'
	day, _ := ParseDay("2025-12-22")
	for _, mode := range []SyncMode{SyncCommit, SyncNone} {
		for _, par := range []int{1, 32} {
			b.Run(string(mode)+map[int]string{1: "/1", 32: "/64"}[par], func(b *testing.B) {
				s, err := Open(Options{Directory: "/root/bench-" + string(mode), Sync: mode})
				require.NoError(b, err)
				defer os.RemoveAll("/root/bench-" + string(mode))
				defer s.Close(b.Context())
				b.SetBytes(400)
				if par == 1 {
					for b.Loop() {
						if err := s.Append(Logs, Part{day, line}); err != nil {
							b.Fatal(err)
						}
					}
					return
				}
				b.SetParallelism(par)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := s.Append(Logs, Part{day, line}); err != nil {
							b.Fatal(err)
						}
					}
				})
			})
		}
	}
}
