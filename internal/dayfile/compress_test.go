// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dayfile

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

var december20 = december22.AddDays(-2)

const logs20 = "logs/2025-12-20.jsonl"

// compressed runs a store until it has compressed what it finds.
func compressed(t testing.TB, dir string, form Form, event string) {
	t.Helper()
	watch := newWatcher()
	s := open(t, Options{Directory: dir, Compression: form, Now: at(december22), Observer: watch})
	watch.wait(t, event)
	require.NoError(t, s.Close(t.Context()))
}

func TestCompressesClosedDays(t *testing.T) {
	t.Parallel()
	for form, tool := range map[Form][]string{Gzip: {"zcat"}, Zstd: {"zstd", "-dc"}} {
		dir := t.TempDir()
		// More than is compressed, and compared, in one piece.
		text := bytes.Repeat(lines(100, 199), 1000)
		write(t, dir, logs20, text)
		write(t, dir, "traces/2025-12-21.jsonl", append(line(1), `{"torn`...))
		write(t, dir, "traces/2025-12-19.jsonl", nil)
		write(t, dir, logs22, line(2))
		compressed(t, dir, form, "compressed traces/2025-12-21.jsonl"+strings.TrimPrefix(form.suffix(), ".jsonl")+" 8")

		require.Equal(t, []string{FileName(december20, form), "2025-12-22.jsonl"}, names(t, filepath.Join(dir, "logs")))
		name := filePath(Logs, december20, form)
		require.Equal(t, string(text), readPacked(t, dir, name, form))
		require.ElementsMatch(t, []string{"2025-12-19.jsonl", "2025-12-21.jsonl.torn-1", FileName(december22.AddDays(-1), form)},
			names(t, filepath.Join(dir, "traces")))

		out, err := exec.CommandContext(t.Context(), tool[0], append(tool[1:], filepath.Join(dir, name))...).Output()
		require.NoError(t, err, "%s is needed (Debian: gzip, zstd)", tool[0])
		require.Equal(t, string(text), string(out))
	}
}

// Lines that come after their day was compressed wait in a plain file, and are
// then put behind those that are there.
func TestLateLinesAreAdded(t *testing.T) {
	t.Parallel()
	for _, form := range []Form{Gzip, Zstd} {
		dir := t.TempDir()
		packed := filePath(Logs, december20, form)
		write(t, dir, packed, pack(t, form, lines(1, 3)))
		s := open(t, Options{Directory: dir})
		require.NoError(t, s.Append(Logs, Part{december20, line(4)}))
		require.Equal(t, string(line(4)), read(t, dir, logs20))
		require.NoError(t, s.Close(t.Context()))

		// The day keeps the form it has.
		compressed(t, dir, Gzip, "compressed "+packed+" 8")
		require.Equal(t, []string{FileName(december20, form)}, names(t, filepath.Join(dir, "logs")))
		require.Equal(t, string(lines(1, 4)), readPacked(t, dir, packed, form))
	}
}

// Somebody compressed a file by hand and kept it.
func TestTwinIsRemoved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		write(t, dir, logs20, lines(1, 3))
		twin := pack(t, Gzip, lines(1, 3))
		write(t, dir, logs20+".gz", twin)
		s, err := Open(Options{Directory: dir, Compression: Gzip, Now: at(december22)})
		require.NoError(t, err)
		pass(time.Second)
		require.Equal(t, []string{"2025-12-20.jsonl.gz"}, names(t, filepath.Join(dir, "logs")))
		require.Equal(t, string(twin), read(t, dir, logs20+".gz"))
		require.NoError(t, s.Close(t.Context()))
	})
}

// What can't be read back is left alone, both parts of it.
func TestDamagedFileIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, logs20, line(4))
	damaged := pack(t, Gzip, lines(1, 300))
	damaged = damaged[:len(damaged)-9]
	write(t, dir, logs20+".gz", damaged)
	write(t, dir, "logs/2025-12-21.jsonl", line(5))
	watch := newWatcher()
	s := open(t, Options{Directory: dir, Compression: Gzip, Now: at(december22), Observer: watch})
	watch.wait(t, "compressed logs/2025-12-21.jsonl.gz 8")
	require.NoError(t, s.Close(t.Context()))
	require.Contains(t, watch.all(), "failed compress "+logs20)
	require.Equal(t, []string{"2025-12-20.jsonl", "2025-12-20.jsonl.gz", "2025-12-21.jsonl.gz"}, names(t, filepath.Join(dir, "logs")))
	require.Equal(t, string(line(4)), read(t, dir, logs20))
	require.Equal(t, string(damaged), read(t, dir, logs20+".gz"))
}

// A disk that returns other bytes than were written to it is found out.
func TestCompressionIsVerified(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, logs20, lines(1, 300))
	watch := newWatcher()
	disk := newFaultDisk(t, dir)
	disk.setFault(func(op, name string) error {
		if op == "close" && name == logs20+".gz.tmp" {
			// Behind the header, where only the checksum would tell.
			f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY, 0)
			require.NoError(t, err)
			_, err = f.WriteAt([]byte{0xff}, 30)
			require.NoError(t, err)
			require.NoError(t, f.Close())
		}
		return nil
	})
	s := open(t, disk.under(Options{Compression: Gzip, Now: at(december22), Observer: watch}))
	watch.wait(t, "failed compress "+logs20)
	require.NoError(t, s.Close(t.Context()))
	require.Equal(t, []string{"2025-12-20.jsonl"}, names(t, filepath.Join(dir, "logs")))
	require.Equal(t, string(lines(1, 300)), read(t, dir, logs20))
}

// A file that grows while it is compressed is left for another time.
func TestFileThatGrowsIsNotCompressed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, logs20, lines(1, 3))
	s, disk := openFaulty(t, Options{Directory: dir, Now: at(december22)})
	s.opts.Compression = Gzip
	disk.setFault(func(op, name string) error {
		if op == "close" && name == logs20+".gz.tmp" {
			disk.setFault(nil)
			require.NoError(t, s.Append(Logs, Part{december20, line(4)}))
		}
		return nil
	})
	require.ErrorIs(t, s.compress(t.Context(), stored{signal: Logs, day: december20, name: logs20}), errTouched)
	require.NoError(t, s.Close(t.Context()))
	require.Equal(t, []string{"2025-12-20.jsonl"}, names(t, filepath.Join(dir, "logs")))
	require.Equal(t, string(lines(1, 4)), read(t, dir, logs20))
}

func TestCompressingNeedsSpace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, logs20, lines(1, 300))
	watch := newWatcher()
	disk := newFaultDisk(t, dir)
	disk.free = func() (uint64, error) { return 1000, nil }
	s := open(t, disk.under(Options{Compression: Gzip, Now: at(december22), Observer: watch}))
	watch.wait(t, "failed compress "+logs20)
	require.NoError(t, s.Close(t.Context()))
	require.ErrorIs(t, watch.failures[0], ErrDiskFull)
	require.Equal(t, []string{"2025-12-20.jsonl"}, names(t, filepath.Join(dir, "logs")))
}

func TestCloseStopsCompressing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, logs20, bytes.Repeat(lines(1, 100), 10_000))
	disk := newFaultDisk(t, dir)
	began := make(chan struct{}, 1000)
	disk.setFault(func(op, name string) error {
		if op == "write" && name == logs20+".gz.tmp" {
			began <- struct{}{}
		}
		return nil
	})
	watch := newWatcher()
	s := open(t, disk.under(Options{Compression: Gzip, Now: at(december22), Observer: watch}))
	<-began
	require.NoError(t, s.Close(t.Context()))
	require.Empty(t, watch.all())
	require.Equal(t, []string{"2025-12-20.jsonl"}, names(t, filepath.Join(dir, "logs")))
}

// A crash at any step of compressing, and a power cut that takes back any of
// the changes that were not synced, leaves every line once, and nothing else.
func TestCrashWhileCompressing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name          string
		before, plain []byte
	}{
		{"first time", nil, lines(1, 30)},
		{"late lines as those there", lines(1, 30), lines(21, 30)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := string(tt.before) + string(tt.plain)
			for steps := 0; ; steps++ {
				var finished bool
				for kept, left := uint(0), 0; kept < 1<<left; kept++ {
					dir := t.TempDir()
					write(t, dir, logs20, tt.plain)
					if tt.before != nil {
						write(t, dir, logs20+".gz", pack(t, Gzip, tt.before))
					}
					left, finished = crashCompressing(t, dir, steps, kept)
					requireOnce(t, dir, want)

					// Appending goes on.
					s := open(t, Options{Directory: dir, Now: at(december22)})
					require.NoError(t, s.Append(Logs, Part{december20, line(31)}))
					require.NoError(t, s.Close(t.Context()))
					requireOnce(t, dir, want+string(line(31)))
				}
				if finished {
					return
				}
			}
		})
	}
}

// crashCompressing compresses until a number of steps was done, then cuts the
// power so that only the kept ones of the unsynced changes of names remain. It
// returns how many there were, and whether there was nothing left to do.
func crashCompressing(t *testing.T, dir string, steps int, kept uint) (left int, finished bool) {
	t.Helper()
	disk := newFaultDisk(t, dir)
	s, err := Open(disk.under(Options{Now: at(december22)}))
	require.NoError(t, err)
	s.opts.Compression = Gzip
	disk.setFault(func(op, _ string) error {
		if op == "lstat" {
			return nil
		}
		if steps--; steps < 0 {
			return errCrashed
		}
		return nil
	})
	err = s.compress(t.Context(), stored{signal: Logs, day: december20, name: logs20})
	disk.setFault(nil)
	left = len(disk.unsynced["logs"])
	disk.powerCut(t, kept, toSynced)
	kill(t, s)
	if steps < 0 {
		require.ErrorIs(t, err, errCrashed)
	}
	return left, steps >= 0
}

// requireOnce opens and closes the directory, and then wants these lines in
// the files of the day, in this order, and no other files.
func requireOnce(t *testing.T, dir, want string) {
	t.Helper()
	s, err := Open(Options{Directory: dir, Now: at(december22)})
	require.NoError(t, err)
	require.NoError(t, s.Close(t.Context()))
	got := ""
	for _, name := range names(t, filepath.Join(dir, "logs")) {
		_, form, ok := ParseFileName(name)
		require.True(t, ok, name)
		if form == Gzip {
			got = readPacked(t, dir, "logs/"+name, Gzip)
		}
	}
	require.Equal(t, want, got+read(t, dir, logs20))
}
