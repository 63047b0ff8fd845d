// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package attacks

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

const (
	// memoryLimit is what the kernel lets the collector use, page cache and
	// socket buffers included.
	memoryLimit = 256 << 20
	// maxResident is the bound that the receiver's README states.
	maxResident = 200 << 20
	// goMemoryLimit is the GOMEMLIMIT that the README recommends.
	goMemoryLimit = "160MiB"
)

// server is a collector with the shipped configuration on one core, with little
// memory.
type server struct {
	*harness.Collector

	address string // of the receiver
	group   *memoryGroup
}

// startServer starts a server. The configuration is merged into the shipped one.
func startServer(t *testing.T, config string) *server {
	t.Helper()
	return startServerIn(t, filepath.Join(t.TempDir(), "telemetry-data"), config)
}

func startServerIn(t *testing.T, directory, config string) *server {
	t.Helper()
	needRoot(t)
	s := &server{group: newMemoryGroup(t)}
	s.Collector = harness.Start(t, harness.Options{
		Shipped:   true,
		Directory: directory,
		Config:    config,
		Env:       []string{"GOMAXPROCS=1", "GOMEMLIMIT=" + goMemoryLimit},
		Wrapper:   append(s.group.wrapper(), "taskset", "-c", "0"),
	})
	s.address = strings.TrimPrefix(s.URL, "http://")
	t.Cleanup(func() {
		if peak := s.peak(); peak > 0 {
			t.Logf("peak of resident memory: %d MB; refused %s", peak>>20, s.refused(t))
		}
	})
	return s
}

// stored returns a reader of the stored entries.
func (s *server) stored() *harness.Reader { return readerOf(s.Directory) }

func readerOf(directory string) *harness.Reader {
	return &harness.Reader{Directory: directory, Ignore: func(path string) bool {
		return strings.HasPrefix(path, ".") || strings.Contains(path, ".jsonl.torn-")
	}}
}

// peak returns the most resident memory that the collector had, in bytes; 0 if
// it has ended.
func (s *server) peak() int64 {
	peak, err := s.Process().PeakMemory()
	if err != nil {
		return 0
	}
	return peak
}

// checkMemory checks that the collector lives and has stayed within its bound.
func (s *server) checkMemory(t *testing.T) {
	t.Helper()
	s.checkAlive(t)
	assert.LessOrEqual(t, s.peak()>>20, int64(maxResident>>20), "peak of resident memory in MB")
}

func (s *server) checkAlive(t *testing.T) {
	t.Helper()
	select {
	case <-s.Process().Exited():
		require.FailNow(t, "collector ended", "%v; killed for memory: %v", s.Process().State(), s.group.killed())
	default:
	}
}

// descriptors returns the number of files that the collector has open.
func (s *server) descriptors() int {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.Process().PID()))
	if err != nil {
		return 0
	}
	return len(entries)
}

// mostDescriptors watches the open files until the function it returns is
// called, which returns the largest number.
func (s *server) mostDescriptors() func() int {
	stop, most := make(chan struct{}), 0
	var watcher sync.WaitGroup
	watcher.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			most = max(most, s.descriptors())
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	})
	return sync.OnceValue(func() int {
		close(stop)
		watcher.Wait()
		return most
	})
}

var goroutineHeader = regexp.MustCompile(`(?m)^goroutine \d+ .*\[.*\]:\n((?:.+\n)+)`)

// dump ends the collector with SIGQUIT and returns the stacks of its goroutines.
func (s *server) dump(t *testing.T) []string {
	t.Helper()
	s.checkAlive(t)
	s.Signal(t, syscall.SIGQUIT)
	select {
	case <-s.Process().Exited():
	case <-time.After(time.Minute):
		require.FailNow(t, "collector ignores SIGQUIT")
	}
	var stacks []string
	for _, match := range goroutineHeader.FindAllStringSubmatch(s.Log(t), -1) {
		stacks = append(stacks, match[1])
	}
	require.NotEmpty(t, stacks, "no goroutines in the collector's log")
	return stacks
}

// bytesStored returns the number of bytes in the day files.
func (s *server) bytesStored(t *testing.T) int64 {
	t.Helper()
	var sum int64
	err := filepath.WalkDir(s.Directory, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	if !errors.Is(err, fs.ErrNotExist) {
		require.NoError(t, err)
	}
	return sum
}

var refusals = regexp.MustCompile(`(?m)^otelcol_receiver_saberloop_refused_requests\{.*reason="(\w+)".*\} (\S+)$`)

// refused returns the numbers of requests refused, by reason.
func (s *server) refused(t *testing.T) string {
	t.Helper()
	var text []string
	for _, match := range refusals.FindAllStringSubmatch(metricsOf(t, s.Collector), -1) {
		text = append(text, match[1]+":"+match[2])
	}
	return strings.Join(text, " ")
}

// memoryGroup is a control group that limits memory. On a machine where none can
// be made it does nothing: then only the resident memory is checked.
type memoryGroup struct {
	path string // empty without a group
	v2   bool
}

// newMemoryGroup makes a group for one process, below the root of the hierarchy.
func newMemoryGroup(t *testing.T) *memoryGroup {
	t.Helper()
	g, err := makeMemoryGroup()
	if err != nil {
		t.Logf("NO MEMORY LIMIT OF THE KERNEL: %v. The resident memory is checked, but nothing ends a collector that uses more.", err)
		return &memoryGroup{}
	}
	t.Cleanup(func() {
		// The process may take a moment to leave.
		assert.Eventually(t, func() bool { return os.Remove(g.path) == nil }, time.Minute, 10*time.Millisecond, "remove %s", g.path)
	})
	return g
}

func makeMemoryGroup() (*memoryGroup, error) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	err = errors.New("no memory controller is mounted")
	for line := range strings.Lines(string(mounts)) {
		fields := strings.Fields(line) // device, directory, type, options
		v2 := fields[2] == "cgroup2"
		if !v2 && (fields[2] != "cgroup" || !strings.Contains(","+fields[3]+",", ",memory,")) {
			continue
		}
		var g *memoryGroup
		if g, err = makeMemoryGroupIn(fields[1], v2); err == nil {
			return g, nil
		}
	}
	return nil, err
}

func makeMemoryGroupIn(mount string, v2 bool) (*memoryGroup, error) {
	if v2 {
		// It fails where it is set already, and where it may not be.
		_ = os.WriteFile(filepath.Join(mount, "cgroup.subtree_control"), []byte("+memory"), 0o600)
	}
	path, err := os.MkdirTemp(mount, "saberloop-attack-")
	if err != nil {
		return nil, err
	}
	g := &memoryGroup{path, v2}
	file := "memory.limit_in_bytes"
	if v2 {
		file = "memory.max"
	}
	if err := g.write(file, strconv.Itoa(memoryLimit)); err != nil {
		_ = os.Remove(path)
		return nil, err
	}
	if v2 {
		// Memory that is swapped out does not count as resident.
		_ = g.write("memory.swap.max", "0")
	}
	return g, nil
}

func (g *memoryGroup) write(file, text string) error {
	f, err := os.OpenFile(filepath.Join(g.path, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// wrapper returns a command that runs another one in the group.
func (g *memoryGroup) wrapper() []string {
	if g.path == "" {
		return nil
	}
	return []string{"sh", "-c", `echo $$ >"$0/cgroup.procs" && exec "$@"`, g.path}
}

// killed reports whether the kernel has killed a process for its memory.
func (g *memoryGroup) killed() bool {
	file := "memory.oom_control"
	if g.v2 {
		file = "memory.events"
	}
	events, err := os.ReadFile(filepath.Join(g.path, file))
	return err == nil && regexp.MustCompile(`(?m)^oom_kill [1-9]`).Match(events)
}
