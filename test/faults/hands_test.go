// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package faults

import (
	"bytes"
	"crypto/rand"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/demodata"
	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// oneLog is a batch of one log.
var oneLog = []byte(`{"logs":[{"message":"one"}]}`)

// sameAgain stores a batch as often as it is sent.
const sameAgain = "receivers: {saberloop: {duplicates: {window: 0s}}}"

// The open files are deleted or renamed under load, as logrotate does. The next
// batch goes to a new file. Every acknowledged entry is stored once, in an old file
// or in a new one.
func TestFilesTakenAway(t *testing.T) {
	t.Parallel()
	for name, take := range map[string]func(from, to string) error{
		"renamed": os.Rename,
		"deleted": linkAndRemove,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			c := harness.Start(t, harness.Options{Directory: filepath.Join(root, "data")})
			load := harness.StartLoad(t, c, harness.LoadOptions{Connections: 16})
			readers := []*harness.Reader{stored(c.Directory)}
			for range 10 {
				awaitAcknowledged(t, load, 50)
				readers = append(readers, takeAway(t, c.Directory, root, take))
			}
			awaitAcknowledged(t, load, 50)
			load.Stop()
			c.Stop(t)
			load.Ledger.Check(t, readers...)
		})
	}
}

// The open files are truncated, as logrotate's copytruncate does. Later lines are
// whole and start at the beginning of the file.
func TestFilesTruncated(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{Config: sameAgain})
	for range 10 {
		load := harness.StartLoad(t, c, harness.LoadOptions{Connections: 16, Batches: 100})
		load.Wait()
		for _, path := range dayFiles(t, c.Directory) {
			require.NoError(t, os.Truncate(filepath.Join(c.Directory, path), 0))
		}
		load = harness.StartLoad(t, c, harness.LoadOptions{Connections: 16, Batches: 100})
		load.Wait()
		load.Ledger.Check(t, stored(c.Directory))
	}
}

// Lines that another process appended stay. Its torn end is set aside, and nothing
// is glued to it.
func TestForeignEnd(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{Config: sameAgain})
	require.Equal(t, 200, c.MustPost(t, oneLog).Status)
	paths := dayFiles(t, c.Directory)
	require.Len(t, paths, 1)
	path := filepath.Join(c.Directory, paths[0])
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"message":"of another process","received_at":"2025-12-22T10:00:05Z"}` + "\n" + `{"torn`)
	require.NoError(t, err)
	require.NoError(t, f.Close())

	require.Equal(t, 200, c.MustPost(t, oneLog).Status)
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, 3, bytes.Count(content, []byte("\n")), "%s", content)
	require.NotContains(t, string(content), "torn")
	aside, err := os.ReadFile(path + ".torn-1")
	require.NoError(t, err)
	require.Equal(t, `{"torn`, string(aside))
}

// Lines of the old PHP script in the same directory stay at the start of the file.
func TestLinesOfOldScript(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	now := time.Now().UTC()
	php := `{"level":"info","message":"caf\u00e9","url":"https:\/\/saberloop.com\/","received_at":"` + now.Format("2006-01-02T15:04:05") + `+00:00"}` + "\n"
	require.NoError(t, os.Mkdir(filepath.Join(root, "logs"), 0o750))
	paths := make([]string, 2) // today's and tomorrow's: the test may run at midnight
	for i := range paths {
		paths[i] = filepath.Join(root, "logs", now.AddDate(0, 0, i).Format(time.DateOnly)+".jsonl")
		require.NoError(t, os.WriteFile(paths[i], []byte(php+php), 0o600))
	}

	c := harness.Start(t, harness.Options{Directory: root})
	require.Equal(t, 200, c.MustPost(t, oneLog).Status)
	c.Stop(t)
	var behind []byte
	for _, path := range paths {
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		rest, found := bytes.CutPrefix(content, []byte(php+php))
		require.True(t, found, "%s", content)
		behind = append(behind, rest...)
	}
	line, err := harness.ParseLine(demodata.Logs, bytes.TrimSuffix(behind, []byte("\n")))
	require.NoError(t, err)
	require.Equal(t, `{"message":"one"}`, line.Entry)
}

// A second process on the same directory exits with an error that says why. A
// killed process leaves no lock.
func TestSecondProcess(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{})
	log := harness.StartFails(t, harness.Options{Directory: c.Directory})
	require.Contains(t, log, "directory: ")
	require.Contains(t, log, c.Directory)
	require.Contains(t, log, "in use by another process")
	require.Equal(t, 200, c.MustPost(t, oneLog).Status, "the first process is not affected")
	c.Kill(t)
	c.Restart(t)
	require.Equal(t, 200, c.MustPost(t, oneLog).Status)
}

// A directory that can't be written is an error at start that names key and path.
func TestUnwritableDirectory(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	readOnly := mountTmpfs(t, "size=1m,ro")
	taken := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(taken, "logs"), nil, 0o600))
	for name, directory := range map[string]string{
		"a file":            file,
		"below a file":      filepath.Join(file, "data"),
		"read-only":         readOnly,
		"below read-only":   filepath.Join(readOnly, "data"),
		"in no file system": "/proc/saberloop",
		"logs is a file":    taken,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := harness.StartFails(t, harness.Options{Directory: directory})
			require.Contains(t, log, "directory: ")
			require.Contains(t, log, directory)
		})
	}
}

// The collector follows no symbolic link, neither for a day file nor for a
// signal's directory. It refuses entries until the link is gone.
func TestSymlinks(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{Config: sameAgain})
	require.Equal(t, 200, c.MustPost(t, oneLog).Status)
	outside := filepath.Join(t.TempDir(), "outside")
	require.NoError(t, os.WriteFile(outside, []byte("untouched\n"), 0o600))
	path := filepath.Join(c.Directory, dayFiles(t, c.Directory)[0])
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.Symlink(outside, path))

	require.Equal(t, 503, c.MustPost(t, oneLog).Status)
	content, err := os.ReadFile(outside)
	require.NoError(t, err)
	require.Equal(t, "untouched\n", string(content))

	require.NoError(t, os.Remove(path))
	require.Equal(t, 200, c.MustPost(t, oneLog).Status)

	elsewhere := t.TempDir()
	require.NoError(t, os.Symlink(elsewhere, filepath.Join(elsewhere, "logs")))
	harness.StartFails(t, harness.Options{Directory: elsewhere})
}

// Files are 0640, directories 0750, or as configured.
func TestModes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		config          string
		file, directory fs.FileMode
	}{
		"default":    {"", 0o640, 0o750},
		"configured": {`exporters: {daily_jsonl: {file_mode: "0600", directory_mode: "0700"}}`, 0o600, 0o700},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := harness.Start(t, harness.Options{Config: tc.config})
			require.Equal(t, 200, c.MustPost(t, oneLog).Status)
			path := filepath.Join(c.Directory, dayFiles(t, c.Directory)[0])
			for path, want := range map[string]fs.FileMode{path: tc.file, filepath.Dir(path): tc.directory, c.Directory: tc.directory} {
				info, err := os.Stat(path)
				require.NoError(t, err)
				require.Equal(t, want, info.Mode().Perm(), path)
			}
		})
	}
}

// takeAway moves all plain day files to a new directory below root, on the same
// file system, with take. It returns a reader of that directory.
func takeAway(t *testing.T, directory, root string, take func(from, to string) error) *harness.Reader {
	t.Helper()
	away := filepath.Join(root, "away-"+rand.Text())
	for _, path := range dayFiles(t, directory) {
		to := filepath.Join(away, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o700))
		require.NoError(t, take(filepath.Join(directory, path), to))
	}
	return stored(away)
}

// linkAndRemove deletes a file and keeps a hard link to its content.
func linkAndRemove(from, to string) error {
	if err := os.Link(from, to); err != nil {
		return err
	}
	return os.Remove(from)
}

// awaitAcknowledged waits until that many more batches are acknowledged.
func awaitAcknowledged(t *testing.T, load *harness.Load, more int) {
	t.Helper()
	_, before := load.Ledger.Batches()
	require.Eventually(t, func() bool {
		_, now := load.Ledger.Batches()
		return now >= before+more
	}, time.Minute, 10*time.Millisecond, "the collector acknowledges no more batches")
}

// dayFiles returns the paths of the plain day files in a directory.
func dayFiles(t *testing.T, directory string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(directory, "*", "????-??-??.jsonl"))
	require.NoError(t, err)
	for i, path := range paths {
		paths[i], err = filepath.Rel(directory, path)
		require.NoError(t, err)
	}
	return paths
}
