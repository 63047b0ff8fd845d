// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package reader

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/daytest"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/store"
)

// changing is a day in two directories: one that it is written to, and one that it is
// downloaded to. Both are read.
type changing struct {
	t       require.TestingT
	server  string
	local   string
	pack    func([]byte) []byte
	written int    // lines
	torn    []byte // what is still missing of the last line
}

func (c *changing) name(dir, suffix string) string { return filepath.Join(dir, plainLogs+suffix) }

func (c *changing) read(dir, suffix string) []byte {
	b, err := os.ReadFile(c.name(dir, suffix))
	if !errors.Is(err, fs.ErrNotExist) {
		require.NoError(c.t, err)
	}
	return b
}

func (c *changing) remove(suffix string) {
	if err := os.Remove(c.name(c.server, suffix)); !errors.Is(err, fs.ErrNotExist) {
		require.NoError(c.t, err)
	}
}

// put replaces a file with a rename, so that readers never see a part of it.
func (c *changing) put(dir, suffix string, content []byte) {
	require.NoError(c.t, os.WriteFile(c.name(dir, suffix+".part"), content, 0o640))
	require.NoError(c.t, os.Rename(c.name(dir, suffix+".part"), c.name(dir, suffix)))
}

func (c *changing) add(content []byte) {
	f, err := os.OpenFile(c.name(c.server, ""), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	require.NoError(c.t, err)
	_, err = f.Write(content)
	require.NoError(c.t, errors.Join(err, f.Close()))
}

// append appends lines, and if tear is true, a part of another one.
func (c *changing) append(n int, tear bool) {
	content := c.torn
	c.torn = nil
	content = append(content, daytest.Lines(c.written+1, c.written+n)...)
	c.written += n
	if tear {
		c.written++
		whole := daytest.Line(c.written)
		content, c.torn = append(content, whole[:len(whole)/2]...), whole[len(whole)/2:]
	}
	c.add(content)
}

// compress does the same steps as a store, and calls between after each.
func (c *changing) compress(between func()) {
	plain := c.read(c.server, "")
	if len(plain) == 0 || c.torn != nil {
		return
	}
	packed := append(c.read(c.server, ".gz"), c.pack(plain)...)
	c.put(c.server, ".gz.tmp", packed)
	between()
	c.put(c.server, ".gz.swap", []byte(strconv.Itoa(len(packed))+"\n"))
	between()
	require.NoError(c.t, os.Rename(c.name(c.server, ".gz.tmp"), c.name(c.server, ".gz")))
	between()
	c.remove("")
	between()
	c.remove(".gz.swap")
	between()
}

// download copies all files and removes none, like rsync.
func (c *changing) download() {
	for _, suffix := range []string{"", ".gz"} {
		if content := c.read(c.server, suffix); content != nil {
			c.put(c.local, suffix, content)
		}
	}
}

// downloadPart copies a part of the plain file, like an scp in progress. It does nothing
// if the compressed file was not downloaded: then the day would seem to begin with the
// plain file, which is read again later. That is not tested here.
func (c *changing) downloadPart(n int) {
	if !bytes.Equal(c.read(c.server, ".gz"), c.read(c.local, ".gz")) {
		return
	}
	if content := c.read(c.server, ""); content != nil {
		c.put(c.local, "", content[:min(n, len(content))])
	}
}

// following reads new lines. It remembers only its position.
type following struct {
	t    require.TestingT
	dir  string
	at   Position
	seen int
	// reader is nil after a restart.
	reader *Reader
}

// read reads up to most lines and checks that they are the next ones.
func (f *following) read(most int, shorter bool) {
	if f.reader == nil {
		f.reader = newTestReader(f.dir)
	}
	l, err := f.reader.Open(daytest.December22, f.at)
	if errors.Is(err, fs.ErrNotExist) || shorter && errors.Is(err, ErrShorter) {
		return
	}
	require.NoError(f.t, err)
	for range most {
		got, err := l.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(f.t, err)
		f.seen++
		require.Equal(f.t, string(bytes.TrimSpace(daytest.Line(f.seen))), string(got))
	}
	f.at = l.Position()
	require.Equal(f.t, int64(f.seen), f.at.Line)
	require.NoError(f.t, l.Close())
}

// TestEveryLineOnceWhateverHappens follows a day where it is written and where it is
// downloaded to.
func TestEveryLineOnceWhateverHappens(t *testing.T) {
	t.Parallel()
	top := daytest.TempDir(t)
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		dir := filepath.Join(top, strconv.Itoa(round))
		c := &changing{t: rt, pack: func(b []byte) []byte { return daytest.Pack(t, dayfile.Gzip, b) }, server: filepath.Join(dir, "server"), local: filepath.Join(dir, "local")}
		for _, d := range []string{c.server, c.local} {
			require.NoError(t, os.MkdirAll(filepath.Join(d, "logs"), 0o750))
		}
		here := &following{t: rt, dir: c.server}
		there := &following{t: rt, dir: c.local}
		rt.Repeat(map[string]func(*rapid.T){
			"append": func(rt *rapid.T) {
				c.append(rapid.IntRange(0, 60).Draw(rt, "lines"), rapid.Bool().Draw(rt, "tear"))
			},
			"compress": func(rt *rapid.T) {
				look := rapid.SliceOfN(rapid.Bool(), 5, 5).Draw(rt, "look")
				step := 0
				c.compress(func() {
					if look[step] {
						here.read(1000, false)
					}
					step++
				})
			},
			"download": func(*rapid.T) { c.download() },
			"download a part": func(rt *rapid.T) {
				c.downloadPart(rapid.IntRange(0, 1000).Draw(rt, "bytes"))
			},
			"read here":     func(rt *rapid.T) { here.read(rapid.IntRange(0, 50).Draw(rt, "lines"), false) },
			"read there":    func(rt *rapid.T) { there.read(rapid.IntRange(0, 50).Draw(rt, "lines"), true) },
			"restart here":  func(*rapid.T) { here.reader = nil },
			"restart there": func(*rapid.T) { there.reader = nil },
		})
		c.append(1, false)
		c.download()
		here.read(c.written, false)
		there.read(c.written, false)
		require.Equal(t, c.written, here.seen)
		require.Equal(t, c.written, there.seen)
	})
}

// TestReadsWhileAStoreWrites reads while a real store appends and compresses.
func TestReadsWhileAStoreWrites(t *testing.T) {
	t.Parallel()
	dir := daytest.TempDir(t)
	const written = 3000
	done := make(chan error, 1)
	go func() {
		done <- func() error {
			for n := 1; n <= written; {
				// The clock is days later, so that each store compresses what the
				// previous one has written.
				s, err := store.Open(store.Options{Directory: dir, Sync: store.SyncNone, Compression: dayfile.Gzip, Now: daytest.At(daytest.December22.AddDays(3))})
				if err != nil {
					return err
				}
				for range 100 {
					if err := s.Append(dayfile.Logs, store.Part{Day: daytest.December22, Lines: daytest.Line(n)}); err != nil {
						return err
					}
					n++
				}
				if err := s.Close(context.Background()); err != nil {
					return err
				}
			}
			return nil
		}()
	}()
	f := &following{t: t, dir: dir}
	for f.seen < written {
		f.read(written, false)
		select {
		case err := <-done:
			require.NoError(t, err)
			f.read(written, false)
			assert.Equal(t, written, f.seen)
			return
		default:
		}
	}
	require.NoError(t, <-done)
}
