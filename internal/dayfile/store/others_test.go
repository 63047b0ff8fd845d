// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/daytest"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/disk"
)

// The next append notices what another program did to an open file, and appends to
// the right file. (Windows does not permit such changes of open files.)
func TestOthersChangeTheFile(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(t *testing.T, dir string)
		want   map[string]string // what the files hold after a further append
		event  string
	}{
		"removed": {
			change: func(t *testing.T, dir string) { require.NoError(t, os.Remove(filepath.Join(dir, logs22))) },
			want:   map[string]string{logs22: string(daytest.Line(3))},
			event:  "changed " + logs22 + " removed",
		},
		"renamed": {
			change: func(t *testing.T, dir string) {
				require.NoError(t, os.Rename(filepath.Join(dir, logs22), filepath.Join(dir, logs22+".1")))
			},
			want:  map[string]string{logs22: string(daytest.Line(3)), logs22 + ".1": string(daytest.Lines(1, 2))},
			event: "changed " + logs22 + " removed",
		},
		"renamed and made again": {
			change: func(t *testing.T, dir string) {
				require.NoError(t, os.Rename(filepath.Join(dir, logs22), filepath.Join(dir, logs22+".1")))
				daytest.Write(t, dir, logs22, daytest.Line(0))
			},
			want:  map[string]string{logs22: string(daytest.Line(0)) + string(daytest.Line(3)), logs22 + ".1": string(daytest.Lines(1, 2))},
			event: "changed " + logs22 + " replaced",
		},
		"truncated to nothing": {
			change: func(t *testing.T, dir string) { require.NoError(t, os.Truncate(filepath.Join(dir, logs22), 0)) },
			want:   map[string]string{logs22: string(daytest.Line(3))},
			event:  "changed " + logs22 + " truncated",
		},
		"truncated inside a line": {
			change: func(t *testing.T, dir string) {
				require.NoError(t, os.Truncate(filepath.Join(dir, logs22), int64(len(daytest.Line(1))+3)))
			},
			want:  map[string]string{logs22: string(daytest.Line(1)) + string(daytest.Line(3)), logs22 + ".torn-1": string(daytest.Line(2)[:3])},
			event: "changed " + logs22 + " truncated",
		},
		"appended to": {
			change: func(t *testing.T, dir string) { daytest.AppendTo(t, dir, logs22, `{"old":1}`+"\n") },
			want:   map[string]string{logs22: string(daytest.Lines(1, 2)) + `{"old":1}` + "\n" + string(daytest.Line(3))},
			event:  "changed " + logs22 + " appended to",
		},
		"appended to without an end": {
			change: func(t *testing.T, dir string) { daytest.AppendTo(t, dir, logs22, `{"old":`) },
			want:   map[string]string{logs22: string(daytest.Lines(1, 3)), logs22 + ".torn-1": `{"old":`},
			event:  "changed " + logs22 + " appended to",
		},
		"folder removed": {
			change: func(t *testing.T, dir string) { require.NoError(t, os.RemoveAll(filepath.Join(dir, "logs"))) },
			want:   map[string]string{logs22: string(daytest.Line(3))},
			event:  "changed " + logs22 + " removed",
		},
		"folder renamed": {
			change: func(t *testing.T, dir string) {
				require.NoError(t, os.Rename(filepath.Join(dir, "logs"), filepath.Join(dir, "old")))
			},
			want:  map[string]string{logs22: string(daytest.Line(3)), "old/2025-12-22.jsonl": string(daytest.Lines(1, 2))},
			event: "changed " + logs22 + " removed",
		},
		"directory removed": {
			change: func(t *testing.T, dir string) { require.NoError(t, os.RemoveAll(dir)) },
			want:   map[string]string{logs22: string(daytest.Line(3))},
			event:  "changed " + logs22 + " removed",
		},
		"directory renamed": {
			change: func(t *testing.T, dir string) { require.NoError(t, os.Rename(dir, dir+".old")) },
			want:   map[string]string{logs22: string(daytest.Line(3)), "../files.old/" + logs22: string(daytest.Lines(1, 2))},
			event:  "changed " + logs22 + " removed",
		},
	} {
		for _, mode := range []SyncMode{SyncCommit, SyncNone} {
			t.Run(name+"/"+string(mode), func(t *testing.T) {
				t.Parallel()
				dir := filepath.Join(daytest.TempDir(t), "files")
				watch := newWatcher()
				s := open(t, Options{Directory: dir, Observer: watch, Sync: mode})
				require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Lines(1, 2)}))
				tt.change(t, dir)
				if strings.Contains(name, "renamed") {
					forgetLook(s)
				}
				require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(3)}))
				require.Contains(t, watch.all(), tt.event)
				for name, want := range tt.want {
					require.Equal(t, want, daytest.Read(t, dir, name), name)
				}
				// The directory at the path is locked, even if it is a new one.
				_, err := Open(Options{Directory: dir})
				require.ErrorIs(t, err, disk.ErrLocked)
			})
		}
	}
}

// forgetLook lets lookEvery pass.
func forgetLook(s *Store) {
	for _, a := range s.all() {
		a.mu.Lock()
		a.looked = time.Time{}
		a.mu.Unlock()
	}
}

// Lines that are already in a file stay in front.
func TestAppendsToWhatIsThere(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	php := `{"message":"caf\u00e9","url":"https:\/\/saberloop.com\/","received_at":"2025-12-22T10:00:05+00:00"}` + "\n"
	daytest.Write(t, dir, logs22, []byte(php))
	s := open(t, Options{Directory: dir})
	require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(1)}))
	require.Equal(t, php+string(daytest.Line(1)), daytest.Read(t, dir, logs22))
}

// Open sets aside the torn ends of the newest files, so that readers need not wait for
// an append.
func TestOpenSetsTornEndsAside(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	daytest.Write(t, dir, "logs/2025-12-20.jsonl", []byte("{}\n{"))
	daytest.Write(t, dir, "logs/2025-12-21.jsonl", []byte("{}\n{\"y"))
	daytest.Write(t, dir, logs22, []byte(`{"a":1}`))
	daytest.Write(t, dir, logs22+".torn-1", []byte(`earlier`))
	watch := newWatcher()
	open(t, Options{Directory: dir, Now: daytest.At(daytest.December22), Observer: watch})
	require.Equal(t, "{}\n{", daytest.Read(t, dir, "logs/2025-12-20.jsonl"), "old files cost nothing")
	require.Equal(t, "{}\n", daytest.Read(t, dir, "logs/2025-12-21.jsonl"))
	require.Equal(t, "{\"y", daytest.Read(t, dir, "logs/2025-12-21.jsonl.torn-1"))
	require.Empty(t, daytest.Read(t, dir, logs22))
	require.Equal(t, `earlier`, daytest.Read(t, dir, logs22+".torn-1"))
	require.Equal(t, `{"a":1}`, daytest.Read(t, dir, logs22+".torn-2"))
	require.Equal(t, []string{
		"set aside logs/2025-12-21.jsonl logs/2025-12-21.jsonl.torn-1 3",
		"set aside " + logs22 + " " + logs22 + ".torn-2 7",
	}, watch.all())
}

// Nothing outside of the directory is written to, even if links lead there.
func TestNoSymlinkIsFollowed(t *testing.T) {
	t.Parallel()
	outside := daytest.TempDir(t)
	daytest.Write(t, outside, "file", []byte("{}\n"))
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		dir := daytest.TempDir(t)
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "logs"), 0o750))
		require.NoError(t, os.Symlink(filepath.Join(outside, "file"), filepath.Join(dir, logs22)))
		require.NoError(t, os.Symlink(filepath.Join(outside, "none"), filepath.Join(dir, "logs/2025-12-23.jsonl")))
		s := open(t, Options{Directory: dir})
		for n := range 2 {
			err := s.Append(dayfile.Logs, Part{daytest.December22.AddDays(n), daytest.Line(1)})
			require.ErrorIs(t, err, disk.ErrNotRegular)
		}
		require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22.AddDays(2), daytest.Line(1)}))
	})
	t.Run("folder", func(t *testing.T) {
		t.Parallel()
		dir := daytest.TempDir(t)
		require.NoError(t, os.Symlink(outside, filepath.Join(dir, "logs")))
		_, err := Open(Options{Directory: dir})
		require.ErrorContains(t, err, "logs is not a directory")
	})
	t.Run("folder while running", func(t *testing.T) {
		t.Parallel()
		dir := daytest.TempDir(t)
		s := open(t, Options{Directory: dir})
		require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(1)}))
		require.NoError(t, os.RemoveAll(filepath.Join(dir, "logs")))
		require.NoError(t, os.Symlink(outside, filepath.Join(dir, "logs")))
		require.Error(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(2)}))
		require.NoError(t, os.Remove(filepath.Join(dir, "logs")))
		require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(3)}))
		require.Equal(t, string(daytest.Line(3)), daytest.Read(t, dir, logs22))
	})
	t.Cleanup(func() { require.Equal(t, []string{"file"}, daytest.Names(t, outside)) })
}

// Opening a named pipe could block.
func TestPipesAreNotOpened(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "logs"), 0o750))
	daytest.MakePipe(t, filepath.Join(dir, logs22))
	s := open(t, Options{Directory: dir, Now: daytest.At(daytest.December22), RetentionDays: 1, Compression: dayfile.Gzip})
	require.ErrorIs(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(1)}), disk.ErrNotRegular)
}
