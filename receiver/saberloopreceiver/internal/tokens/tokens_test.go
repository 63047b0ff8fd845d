// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package tokens

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func find(s *Store, header string) int {
	index, ok := s.Find(header)
	if ok != (index >= 0) {
		panic("contradiction")
	}
	return index
}

func open(tb testing.TB, file string, fixed ...string) (*Store, *observer.ObservedLogs) {
	tb.Helper()
	core, logs := observer.New(zap.DebugLevel)
	s, err := Open(Config{Fixed: fixed, File: file, Interval: time.Second, Logger: zap.New(core)})
	require.NoError(tb, err)
	return s, logs
}

func write(tb testing.TB, path, text string) {
	tb.Helper()
	require.NoError(tb, os.WriteFile(path, []byte(text), 0o600))
}

func TestFixed(t *testing.T) {
	t.Parallel()
	s, _ := open(t, "", "new", "", " old\n", "  ")
	assert.Equal(t, 2, s.Len())
	assert.Equal(t, 0, find(s, "new"))
	assert.Equal(t, 2, find(s, "old"))
	assert.Equal(t, 2, find(s, "\told "))
	for _, wrong := range []string{"", " ", "ne", "neww", "New", "new old"} {
		assert.Equal(t, -1, find(s, wrong), wrong)
	}
	s.Watch(t.Context()) // returns
}

func TestFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tokens")
	write(t, path, "# tokens of the app\n\n a \r\nb\n#c\nd")
	s, _ := open(t, path, "fixed", "")
	assert.Equal(t, []int{0, 2, 3, 4, -1, -1}, []int{
		find(s, "fixed"), find(s, "a"), find(s, "b"), find(s, "d"), find(s, "#c"), find(s, ""),
	})
}

func TestFileHasToBeGoodAtFirst(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tokens")
	for text, problem := range map[string]string{
		"":                                "has no token",
		"# nothing\n\n":                   "has no token",
		"two words\n":                     "has a character",
		"caf\u00e9":                       "has a character",
		strings.Repeat("x\n", 257):        "has 257 tokens",
		strings.Repeat("x", 64<<10) + "y": "is larger than",
	} {
		write(t, path, text)
		_, err := Open(Config{Fixed: []string{"fixed"}, File: path, Logger: zap.NewNop()})
		require.ErrorContains(t, err, "tokens_file: "+problem)
		if len(text) < 20 && strings.TrimSpace(text) != "" {
			assert.NotContains(t, err.Error(), strings.TrimSpace(text))
		}
	}
	_, err := Open(Config{File: filepath.Join(path, "missing"), Logger: zap.NewNop()})
	require.ErrorContains(t, err, "tokens_file: ")
}

// replacements are the ways in which files change.
var replacements = map[string]func(tb testing.TB, path, text string){
	"written in place": write,
	"renamed": func(tb testing.TB, path, text string) {
		tb.Helper()
		write(tb, path+".new", text)
		require.NoError(tb, os.Rename(path+".new", path))
	},
	"as Kubernetes does": func(tb testing.TB, path, text string) {
		tb.Helper()
		dir, err := os.MkdirTemp(filepath.Dir(path), "..data-") //nolint:usetesting // has to be beside the link
		require.NoError(tb, err)
		write(tb, filepath.Join(dir, "tokens"), text)
		require.NoError(tb, os.Symlink(filepath.Join(dir, "tokens"), path+".link"))
		require.NoError(tb, os.Rename(path+".link", path))
	},
}

func TestFileChanges(t *testing.T) {
	t.Parallel()
	for name, replace := range replacements {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "tokens")
			replace(t, path, "old\n")
			s, logs := open(t, path)
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				var watching sync.WaitGroup
				watching.Go(func() { s.Watch(ctx) })
				replace(t, path, "old\nnew\n")
				pass(time.Second)
				assert.Equal(t, -1, find(s, "new"), "read once")
				pass(time.Second)
				assert.Equal(t, 1, find(s, "new"))
				assert.Equal(t, 0, find(s, "old"))

				replace(t, path, "new\n")
				pass(2 * time.Second)
				assert.Equal(t, 0, find(s, "new"))
				assert.Equal(t, -1, find(s, "old"))
				assert.Equal(t, 2, logs.FilterMessage("Loaded tokens_file").Len())
				cancel()
				watching.Wait()
			})
		})
	}
}

// pass lets time pass on a bubble's clock.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestBadFileKeepsTheLastTokens(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tokens")
	write(t, path, "old\n")
	s, logs := open(t, path, "fixed")
	looks := func() {
		for range 5 {
			s.look()
		}
	}
	for i, spoil := range []func(){
		func() { require.NoError(t, os.Remove(path)) },
		func() { write(t, path, "") },
		func() { write(t, path, "\x00\x01secret\n") },
	} {
		spoil()
		looks()
		assert.Equal(t, 0, find(s, "fixed"))
		assert.Equal(t, 1, find(s, "old"))
		assert.Equal(t, i+1, logs.FilterLevelExact(zap.WarnLevel).Len(), "once, not at each look")

		write(t, path, "old\n") // good again
		looks()
		assert.Equal(t, 1, find(s, "old"))
	}
	write(t, path, "new\n")
	looks()
	assert.Equal(t, 1, find(s, "new"))
	for _, entry := range logs.All() {
		assert.NotContains(t, fmt.Sprint(entry.ContextMap()), "secret")
	}
}

// TestNoRequestIsLost rotates a token while requests come, of which each brings
// one that is valid.
func TestNoRequestIsLost(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tokens")
	write(t, path, "old\nboth\n")
	s, _ := open(t, path)
	var all sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, ok := s.Find("both"); !ok {
					t.Error("refused")
					return
				}
			}
		})
	}
	for i := range 100 {
		write(t, path, fmt.Sprintf("new%d\nboth\n", i))
		s.look()
		s.look()
		assert.Equal(t, 0, find(s, fmt.Sprintf("new%d", i)))
	}
	close(stop)
	all.Wait()
}

func TestLaws(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tokens")
	text := rapid.StringMatching(`[!-~]{1,12}`).Filter(func(s string) bool { return s[0] != '#' })
	rapid.Check(t, func(t *rapid.T) {
		fixed := rapid.SliceOfN(text, 0, 5).Draw(t, "fixed")
		file := rapid.SliceOfN(text, 1, 5).Draw(t, "file")
		require.NoError(t, os.WriteFile(path, []byte(strings.Join(file, "\n")), 0o600))
		s, err := Open(Config{Fixed: fixed, File: path, Logger: zap.NewNop()})
		require.NoError(t, err)
		all := append(append([]string{}, fixed...), file...)
		sent := rapid.OneOf(text, rapid.SampledFrom(all)).Draw(t, "sent")
		want := -1
		for i, one := range all {
			if one == sent {
				want = i
			}
		}
		assert.Equal(t, want, find(s, " "+sent+"\t"))
	})
}

func FuzzFile(f *testing.F) {
	f.Add([]byte("# a comment\nnew\nold\n"))
	f.Add([]byte("\xef\xbb\xbftoken\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := &Store{}
		s.current.Store(&s.fixed)
		if err := s.load(data); err != nil {
			assert.Zero(t, s.Len())
			return
		}
		assert.Equal(t, -1, find(s, ""))
		assert.LessOrEqual(t, s.Len(), maxTokens)
	})
}

func BenchmarkFind(b *testing.B) {
	for _, n := range []int{1, 2, 256} {
		b.Run(fmt.Sprintf("%d tokens", n), func(b *testing.B) {
			var fixed []string
			for i := range n {
				fixed = append(fixed, fmt.Sprintf("0198c8a0-6e1c-7b5e-9a53-%012d", i))
			}
			s, _ := open(b, "", fixed...)
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := s.Find(fixed[0]); !ok {
					b.Fatal("not found")
				}
			}
		})
	}
}
