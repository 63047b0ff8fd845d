// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/daytest"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/disk"
)

func TestOpenMakesWhatIsMissing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(daytest.TempDir(t), "a", "b")
	s := open(t, Options{Directory: dir, DirMode: 0o770, FileMode: 0o604})
	require.NoError(t, s.Append(dayfile.Traces, Part{daytest.December22, daytest.Line(1)}))
	for _, name := range []string{"..", ".", "logs", "traces", "metrics"} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.True(t, info.IsDir())
		if runtime.GOOS != "windows" {
			require.Equal(t, fs.FileMode(0o770), info.Mode().Perm(), name)
		}
	}
	require.Empty(t, daytest.Names(t, filepath.Join(dir, "logs")))
	info, err := os.Stat(filepath.Join(dir, "traces", "2025-12-22.jsonl"))
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		require.Equal(t, fs.FileMode(0o604), info.Mode().Perm())
	}
}

func TestOpenLocksTheDirectory(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	first := open(t, Options{Directory: dir})
	_, err := Open(Options{Directory: dir})
	require.ErrorIs(t, err, disk.ErrLocked)
	require.ErrorContains(t, err, fmt.Sprintf("%s (held by process %d)", filepath.Join(dir, ".lock"), os.Getpid()))

	require.NoError(t, first.Close(t.Context()))
	second := open(t, Options{Directory: dir})
	require.NoError(t, second.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(1)}))
	_, _, ok := dayfile.ParseFileName(".lock")
	require.False(t, ok)
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	daytest.Write(t, dir, "file", nil)
	daytest.Write(t, dir, "taken/traces", nil)
	for name, tt := range map[string]struct {
		opts Options
		want string
	}{
		"no directory":           {Options{}, "no directory is set"},
		"a file":                 {Options{Directory: filepath.Join(dir, "file")}, "file"},
		"a file as parent":       {Options{Directory: filepath.Join(dir, "file", "sub")}, "file"},
		"a file as folder":       {Options{Directory: filepath.Join(dir, "taken")}, "taken: traces is not a directory"},
		"an unknown sync mode":   {Options{Directory: dir, Sync: "often"}, `unknown sync mode "often"`},
		"an unknown compression": {Options{Directory: dir, Compression: "rar"}, `unknown compression "rar"`},
	} {
		_, err := Open(tt.opts)
		require.ErrorContains(t, err, tt.want, name)
	}
	// A failed Open releases the lock.
	require.NoError(t, os.Remove(filepath.Join(dir, "taken", "traces")))
	open(t, Options{Directory: filepath.Join(dir, "taken")})
}

func TestOpenFailsWhereNothingCanBeMade(t *testing.T) {
	t.Parallel()
	disk := newFaultDisk(t, daytest.TempDir(t))
	disk.setFault(func(op, _ string) error {
		if op == "open" {
			return fs.ErrPermission
		}
		return nil
	})
	_, err := Open(disk.under(Options{}))
	require.ErrorIs(t, err, fs.ErrPermission)
	require.ErrorContains(t, err, "open logs")
}

func TestOpenStartsOnAFullDisk(t *testing.T) {
	t.Parallel()
	disk := newFaultDisk(t, daytest.TempDir(t))
	disk.setFault(func(op, _ string) error {
		if op == "open" {
			return errNoSpace
		}
		return nil
	})
	s := open(t, disk.under(Options{}))
	require.ErrorIs(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(1)}), ErrDiskFull)
	disk.setFault(nil)
	require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(1)}))
}

func TestAppendRefusesMistakes(t *testing.T) {
	t.Parallel()
	s := open(t, Options{Directory: daytest.TempDir(t)})
	for name, err := range map[string]error{
		"no end of line":     s.Append(dayfile.Logs, Part{daytest.December22, []byte("{}")}),
		"nothing":            s.Append(dayfile.Logs, Part{daytest.December22, nil}),
		"an unknown signal":  s.Append("profiles", Part{daytest.December22, daytest.Line(1)}),
		"days out of order":  s.Append(dayfile.Logs, Part{daytest.December22.AddDays(1), daytest.Line(1)}, Part{daytest.December22, daytest.Line(2)}),
		"the same day twice": s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(1)}, Part{daytest.December22, daytest.Line(2)}),
	} {
		require.ErrorIs(t, err, ErrInvalid, name)
	}
}

func TestCloseRefusesAppends(t *testing.T) {
	t.Parallel()
	s := open(t, Options{Directory: daytest.TempDir(t)})
	require.NoError(t, s.Close(t.Context()))
	require.ErrorIs(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(1)}), ErrClosed)
	require.ErrorIs(t, s.Close(t.Context()), ErrClosed)
}

func TestCloseWaitsForAppends(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	s, disk := openFaulty(t, Options{Directory: dir})
	require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(0)}))
	syncing, release := blockSync(disk)
	appended := make(chan error, 1)
	go func() { appended <- s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(1)}) }()
	<-syncing

	// Close returns when its context ends, even if the disk hangs.
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.Close(ctx), context.DeadlineExceeded)

	close(release)
	require.NoError(t, <-appended)
	require.Equal(t, string(daytest.Lines(0, 1)), daytest.Read(t, dir, "logs/2025-12-22.jsonl"))
	// The rest goes on in the background and releases the lock.
	require.Eventually(t, func() bool {
		again, err := Open(Options{Directory: dir})
		return err == nil && again.Close(t.Context()) == nil
	}, 10*time.Second, time.Millisecond)
}

func TestCloseSyncsEverything(t *testing.T) {
	t.Parallel()
	for _, mode := range []SyncMode{SyncCommit, SyncInterval, SyncNone} {
		dir := daytest.TempDir(t)
		s, disk := openFaulty(t, Options{Directory: dir, Sync: mode, SyncInterval: time.Hour})
		for i, signal := range dayfile.Signals() {
			require.NoError(t, s.Append(signal, Part{daytest.December22, daytest.Line(i)}))
		}
		require.NoError(t, s.Close(t.Context()))
		disk.powerCut(t, 0, toSynced)
		for i, signal := range dayfile.Signals() {
			require.Equal(t, string(daytest.Line(i)), daytest.Read(t, dir, dayfile.Path(signal, daytest.December22, dayfile.Plain)))
		}
	}
}

// blockSync makes every sync report its beginning and wait for release.
func blockSync(disk *faultDisk) (syncing <-chan struct{}, release chan<- struct{}) {
	began, free := make(chan struct{}, 100), make(chan struct{})
	disk.setFault(func(op, _ string) error {
		if op == "sync" {
			began <- struct{}{}
			<-free
		}
		return nil
	})
	return began, free
}
