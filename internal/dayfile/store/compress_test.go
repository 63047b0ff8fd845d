// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/daytest"
)

var december20 = daytest.December22.AddDays(-2)

const logs20 = "logs/2025-12-20.jsonl"

// compressed runs a store on dir until it has sent the event.
func compressed(t testing.TB, dir string, form dayfile.Form, event string) {
	t.Helper()
	watch := newWatcher()
	s := open(t, Options{Directory: dir, Compression: form, Now: daytest.At(daytest.December22), Observer: watch})
	watch.wait(t, event)
	require.NoError(t, s.Close(t.Context()))
}

func TestCompressesClosedDays(t *testing.T) {
	t.Parallel()
	for _, form := range []dayfile.Form{dayfile.Gzip, dayfile.Zstd} {
		dir := daytest.TempDir(t)
		// Larger than the pieces in which files are compressed and compared.
		text := bytes.Repeat(daytest.Lines(100, 199), 1000)
		daytest.Write(t, dir, logs20, text)
		daytest.Write(t, dir, "traces/2025-12-21.jsonl", append(daytest.Line(1), `{"torn`...))
		daytest.Write(t, dir, "traces/2025-12-19.jsonl", nil)
		daytest.Write(t, dir, logs22, daytest.Line(2))
		compressed(t, dir, form, "compressed "+dayfile.Path(dayfile.Traces, daytest.December22.AddDays(-1), form)+" 8")

		require.Equal(t, []string{dayfile.FileName(december20, form), "2025-12-22.jsonl"}, daytest.Names(t, filepath.Join(dir, "logs")))
		name := dayfile.Path(dayfile.Logs, december20, form)
		require.Equal(t, string(text), daytest.ReadPacked(t, dir, name, form))
		require.ElementsMatch(t, []string{"2025-12-19.jsonl", "2025-12-21.jsonl.torn-1", dayfile.FileName(daytest.December22.AddDays(-1), form)},
			daytest.Names(t, filepath.Join(dir, "traces")))
	}
}

// Lines that arrive after their day was compressed go to a plain file, and are later
// appended to the compressed file.
func TestLateLinesAreAdded(t *testing.T) {
	t.Parallel()
	for _, form := range []dayfile.Form{dayfile.Gzip, dayfile.Zstd} {
		dir := daytest.TempDir(t)
		packed := dayfile.Path(dayfile.Logs, december20, form)
		daytest.Write(t, dir, packed, daytest.Pack(t, form, daytest.Lines(1, 3)))
		s := open(t, Options{Directory: dir})
		require.NoError(t, s.Append(dayfile.Logs, Part{december20, daytest.Line(4)}))
		require.Equal(t, string(daytest.Line(4)), daytest.Read(t, dir, logs20))
		require.NoError(t, s.Close(t.Context()))

		// The day keeps its form.
		compressed(t, dir, dayfile.Gzip, "compressed "+packed+" 8")
		require.Equal(t, []string{dayfile.FileName(december20, form)}, daytest.Names(t, filepath.Join(dir, "logs")))
		require.Equal(t, string(daytest.Lines(1, 4)), daytest.ReadPacked(t, dir, packed, form))
	}
}

// A closed day is not compressed until ten minutes after its last line, even though
// its file is closed as idle before.
func TestLateLinesWaitForMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := daytest.TempDir(t)
		clock := newWallClock(time.Date(2025, 12, 22, 12, 0, 0, 0, time.UTC))
		s, _ := openFaulty(t, Options{Directory: dir, Compression: dayfile.Gzip, Now: clock.now})
		logs := filepath.Join(dir, "logs")
		pass(retainEvery - 4*time.Minute)
		require.NoError(t, s.Append(dayfile.Logs, Part{december20, daytest.Line(1)}))
		pass(6 * time.Minute) // The hourly run is over.
		require.Equal(t, []string{"2025-12-20.jsonl"}, daytest.Names(t, logs))
		pass(retainEvery)
		require.Equal(t, []string{"2025-12-20.jsonl.gz"}, daytest.Names(t, logs))
		require.NoError(t, s.Close(t.Context()))
	})
}

// Somebody compressed a file by hand and kept it.
func TestDuplicateIsRemoved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := daytest.TempDir(t)
		daytest.Write(t, dir, logs20, daytest.Lines(1, 3))
		duplicate := daytest.Pack(t, dayfile.Gzip, daytest.Lines(1, 3))
		daytest.Write(t, dir, logs20+".gz", duplicate)
		s, err := Open(Options{Directory: dir, Compression: dayfile.Gzip, Now: daytest.At(daytest.December22)})
		require.NoError(t, err)
		pass(time.Second)
		require.Equal(t, []string{"2025-12-20.jsonl.gz"}, daytest.Names(t, filepath.Join(dir, "logs")))
		require.Equal(t, string(duplicate), daytest.Read(t, dir, logs20+".gz"))
		require.NoError(t, s.Close(t.Context()))
	})
}

// If the compressed file is damaged, both files of the day stay as they are.
func TestDamagedFileIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	daytest.Write(t, dir, logs20, daytest.Line(4))
	damaged := daytest.Pack(t, dayfile.Gzip, daytest.Lines(1, 300))
	damaged = damaged[:len(damaged)-9]
	daytest.Write(t, dir, logs20+".gz", damaged)
	daytest.Write(t, dir, "logs/2025-12-21.jsonl", daytest.Line(5))
	watch := newWatcher()
	s := open(t, Options{Directory: dir, Compression: dayfile.Gzip, Now: daytest.At(daytest.December22), Observer: watch})
	watch.wait(t, "compressed logs/2025-12-21.jsonl.gz 8")
	require.NoError(t, s.Close(t.Context()))
	require.Contains(t, watch.all(), "failed compress "+logs20)
	require.Equal(t, []string{"2025-12-20.jsonl", "2025-12-20.jsonl.gz", "2025-12-21.jsonl.gz"}, daytest.Names(t, filepath.Join(dir, "logs")))
	require.Equal(t, string(daytest.Line(4)), daytest.Read(t, dir, logs20))
	require.Equal(t, string(damaged), daytest.Read(t, dir, logs20+".gz"))
}

// Verification finds a disk that returns other bytes than were written.
func TestCompressionIsVerified(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	daytest.Write(t, dir, logs20, daytest.Lines(1, 300))
	watch := newWatcher()
	disk := newFaultDisk(t, dir)
	disk.setFault(func(op, name string) error {
		if op == "close" && name == logs20+".gz.tmp" {
			// After the header, where only the checksum detects it.
			f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY, 0)
			require.NoError(t, err)
			_, err = f.WriteAt([]byte{0xff}, 30)
			require.NoError(t, err)
			require.NoError(t, f.Close())
		}
		return nil
	})
	s := open(t, disk.under(Options{Compression: dayfile.Gzip, Now: daytest.At(daytest.December22), Observer: watch}))
	watch.wait(t, "failed compress "+logs20)
	require.NoError(t, s.Close(t.Context()))
	require.Equal(t, []string{"2025-12-20.jsonl"}, daytest.Names(t, filepath.Join(dir, "logs")))
	require.Equal(t, string(daytest.Lines(1, 300)), daytest.Read(t, dir, logs20))
}

// A file that grows during compression is left for the next run.
func TestFileThatGrowsIsNotCompressed(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	daytest.Write(t, dir, logs20, daytest.Lines(1, 3))
	s, disk := openFaulty(t, Options{Directory: dir, Now: daytest.At(daytest.December22)})
	s.opts.Compression = dayfile.Gzip
	disk.setFault(func(op, name string) error {
		if op == "close" && name == logs20+".gz.tmp" {
			disk.setFault(nil)
			require.NoError(t, s.Append(dayfile.Logs, Part{december20, daytest.Line(4)}))
		}
		return nil
	})
	require.ErrorIs(t, s.compress(t.Context(), stored{signal: dayfile.Logs, day: december20, name: logs20}), errTouched)
	require.NoError(t, s.Close(t.Context()))
	require.Equal(t, []string{"2025-12-20.jsonl"}, daytest.Names(t, filepath.Join(dir, "logs")))
	require.Equal(t, string(daytest.Lines(1, 4)), daytest.Read(t, dir, logs20))
}

func TestCompressingNeedsSpace(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	daytest.Write(t, dir, logs20, daytest.Lines(1, 300))
	watch := newWatcher()
	disk := newFaultDisk(t, dir)
	disk.free = func() (uint64, error) { return 1000, nil }
	s := open(t, disk.under(Options{Compression: dayfile.Gzip, Now: daytest.At(daytest.December22), Observer: watch}))
	watch.wait(t, "failed compress "+logs20)
	require.NoError(t, s.Close(t.Context()))
	require.ErrorIs(t, watch.failures[0], ErrDiskFull)
	require.Equal(t, []string{"2025-12-20.jsonl"}, daytest.Names(t, filepath.Join(dir, "logs")))
}

// A compressed file is synced bit by bit, and before each sync the free space is
// checked, so that appends neither wait long nor find the disk full.
func TestPacedWriter(t *testing.T) {
	t.Parallel()
	s, disk := openFaulty(t, Options{Directory: daytest.TempDir(t), Now: daytest.At(daytest.December22)})
	f, err := disk.OpenFile(logs20+".gz.tmp", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	require.NoError(t, err)
	out := &pacedWriter{store: s, file: f, plain: 100 << 20}
	var unsynced, syncs, checks int
	disk.setFault(func(op, _ string) error {
		switch op {
		case "write":
			unsynced += pacePiece
			require.LessOrEqual(t, unsynced, syncPiece)
		case "sync":
			unsynced = 0
			syncs++
			require.Equal(t, syncs, checks, "the space is checked before each sync")
		}
		return nil
	})
	free := uint64(1 << 40)
	disk.free = func() (uint64, error) {
		checks++
		return free, nil
	}
	piece := make([]byte, pacePiece)
	const pieces = 3*syncPiece/pacePiece + 1
	for range pieces {
		_, err := out.Write(piece)
		require.NoError(t, err)
	}
	require.Equal(t, 3, syncs)
	require.EqualValues(t, pieces*pacePiece, out.size)

	free = spareBytes - 1 // Others fill the disk meanwhile.
	for range syncPiece / pacePiece {
		if _, err = out.Write(piece); err != nil {
			break
		}
	}
	require.ErrorIs(t, err, ErrDiskFull)
	require.NoError(t, f.Close())
	disk.setFault(nil)
	require.NoError(t, s.Close(t.Context()))
}

// A read pauses for as long as the caller was busy with the previous piece.
func TestPacedReaderRests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &pacedReader{ctx: t.Context(), r: bytes.NewReader(make([]byte, 2*pacePiece))}
		buf := make([]byte, 4*pacePiece)
		start := time.Now()
		n, err := r.Read(buf)
		require.NoError(t, err)
		require.Equal(t, pacePiece, n, "one piece at a time")
		require.Zero(t, time.Since(start))
		<-time.After(3 * time.Second) // busy
		_, err = r.Read(buf)
		require.NoError(t, err)
		require.Equal(t, 6*time.Second, time.Since(start))
	})
}

func TestCloseStopsCompressing(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	daytest.Write(t, dir, logs20, bytes.Repeat(daytest.Lines(1, 100), 10_000))
	disk := newFaultDisk(t, dir)
	began := make(chan struct{}, 1000)
	disk.setFault(func(op, name string) error {
		if op == "write" && name == logs20+".gz.tmp" {
			began <- struct{}{}
		}
		return nil
	})
	watch := newWatcher()
	s := open(t, disk.under(Options{Compression: dayfile.Gzip, Now: daytest.At(daytest.December22), Observer: watch}))
	<-began
	require.NoError(t, s.Close(t.Context()))
	require.Empty(t, watch.all())
	require.Equal(t, []string{"2025-12-20.jsonl"}, daytest.Names(t, filepath.Join(dir, "logs")))
}

// A crash at any step of compression, with a power cut that undoes any combination
// of unsynced changes, leaves every line exactly once and no other files.
func TestCrashWhileCompressing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name          string
		before, plain []byte
	}{
		{"first time", nil, daytest.Lines(1, 30)},
		{"late lines as those there", daytest.Lines(1, 30), daytest.Lines(21, 30)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := string(tt.before) + string(tt.plain)
			for steps := range maxSteps {
				var finished bool
				for kept, left := uint(0), 0; kept < 1<<left; kept++ {
					dir := daytest.TempDir(t)
					daytest.Write(t, dir, logs20, tt.plain)
					if tt.before != nil {
						daytest.Write(t, dir, logs20+".gz", daytest.Pack(t, dayfile.Gzip, tt.before))
					}
					left, finished = crashCompressing(t, dir, steps, kept)
					requireOnce(t, dir, want)

					// Appends continue to work.
					s := open(t, Options{Directory: dir, Now: daytest.At(daytest.December22)})
					require.NoError(t, s.Append(dayfile.Logs, Part{december20, daytest.Line(31)}))
					require.NoError(t, s.Close(t.Context()))
					requireOnce(t, dir, want+string(daytest.Line(31)))
				}
				if finished {
					return
				}
			}
			require.Fail(t, "compressing does not end")
		})
	}
}

// maxSteps is more than any operation here takes, so that a test ends if the
// operation does not.
const maxSteps = 200

// crashCompressing lets the compression fail after a number of steps and then cuts the
// power. kept selects the unsynced changes of names that survive. left is the number of
// these changes; finished is true if the compression did not fail.
func crashCompressing(t *testing.T, dir string, steps int, kept uint) (left int, finished bool) {
	t.Helper()
	disk := newFaultDisk(t, dir)
	s, err := Open(disk.under(Options{Now: daytest.At(daytest.December22)}))
	require.NoError(t, err)
	s.opts.Compression = dayfile.Gzip
	disk.setFault(func(op, _ string) error {
		if op == "lstat" {
			return nil
		}
		if steps--; steps < 0 {
			return errCrashed
		}
		return nil
	})
	err = s.compress(t.Context(), stored{signal: dayfile.Logs, day: december20, name: logs20})
	disk.setFault(nil)
	left = len(disk.unsynced["logs"])
	disk.powerCut(t, kept, toSynced)
	kill(t, s)
	if steps < 0 {
		require.ErrorIs(t, err, errCrashed)
	}
	return left, steps >= 0
}

// requireOnce opens and closes a store, and then requires exactly these lines in the
// files of the day, in this order, and no other files.
func requireOnce(t *testing.T, dir, want string) {
	t.Helper()
	s := open(t, Options{Directory: dir, Now: daytest.At(daytest.December22)})
	require.NoError(t, s.Close(t.Context()))
	got := ""
	for _, name := range daytest.Names(t, filepath.Join(dir, "logs")) {
		_, form, ok := dayfile.ParseFileName(name)
		require.True(t, ok, name)
		if form == dayfile.Gzip {
			got = daytest.ReadPacked(t, dir, "logs/"+name, dayfile.Gzip)
		}
	}
	require.Equal(t, want, got+daytest.Read(t, dir, logs20))
}
