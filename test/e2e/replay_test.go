// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/saberloop/otelcol-saberloop/internal/demodata"
	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// replayTimeout limits the wait for the end of a replay.
const replayTimeout = 5 * time.Minute

// replay is a collector that replays day files from one directory to another.
type replay struct {
	from, to string
	cmd      []string
	env      []string
	log      string // path of the output of all runs
	process  *harness.Process
}

// newReplay prepares a replay of the day files in from. Settings are YAML that is merged
// into testdata/replay.yaml. The collector stops when the test ends; its log is shown
// if the test failed.
func newReplay(t *testing.T, from string, settings ...string) *replay {
	t.Helper()
	own := t.TempDir()
	r := &replay{
		from: from, to: filepath.Join(own, "replayed"), log: filepath.Join(own, "replay.log"),
		cmd: []string{harness.Binary(t), "--config", filepath.Join(harness.Root(t), "test/e2e/testdata/replay.yaml")},
	}
	for _, s := range settings {
		r.cmd = append(r.cmd, "--config", "yaml:"+s)
	}
	r.env = append(os.Environ(),
		"REPLAY_FROM="+from, "REPLAY_TO="+r.to, "REPLAY_POSITIONS="+filepath.Join(own, "positions"))
	t.Cleanup(func() {
		if r.process != nil {
			assert.NoError(t, r.process.Stop())
		}
		text := r.logged(t)
		assert.NotContains(t, text, "panic: ")
		if t.Failed() {
			t.Logf("log of the replay:\n%s", text[max(0, len(text)-64<<10):])
		}
	})
	return r
}

func (r *replay) start(t *testing.T) {
	t.Helper()
	cmd := exec.Command(r.cmd[0], r.cmd[1:]...)
	cmd.Env = r.env
	var err error
	r.process, err = harness.StartProcess(cmd, r.log)
	require.NoError(t, err)
}

// run replays until the collector exits and returns its exit code.
func (r *replay) run(t *testing.T) int {
	t.Helper()
	r.start(t)
	return r.wait(t)
}

func (r *replay) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-r.process.Exited():
	case <-time.After(replayTimeout):
		require.FailNow(t, "replay does not end")
	}
	return r.process.State().ExitCode()
}

func (r *replay) logged(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(r.log)
	if !errors.Is(err, os.ErrNotExist) {
		require.NoError(t, err)
	}
	return string(text)
}

// tally is the summary of a replay, for a day and signal or for all.
type tally struct {
	Day, Signal               string
	Lines, Sent, Bad, Refused int
	Seconds                   *float64
	Unchanged                 int `json:"days_without_new_lines"`
}

// summary returns the summary of the last run for each day and signal, by the path of
// the plain file, and for all.
func (r *replay) summary(t *testing.T) (days map[string]tally, all tally) {
	t.Helper()
	const (
		ofDay = "\tReplayed\t"
		ofAll = "\tReplay is complete\t"
	)
	text := r.logged(t)
	if before := strings.LastIndex(text[:strings.LastIndex(text, ofAll)], ofAll); before >= 0 {
		text = text[before+len(ofAll):]
	}
	days = map[string]tally{}
	for line := range strings.Lines(text) {
		var t1 tally
		if _, fields, ok := strings.Cut(line, ofDay); ok {
			require.NoError(t, json.Unmarshal([]byte(fields), &t1))
			require.NotNil(t, t1.Seconds)
			t1.Seconds = nil
			path := t1.Signal + "/" + t1.Day + ".jsonl"
			t1.Day, t1.Signal = "", ""
			days[path] = t1
		} else if _, fields, ok := strings.Cut(line, ofAll); ok {
			require.NoError(t, json.Unmarshal([]byte(fields), &all))
			require.NotNil(t, all.Seconds)
			all.Seconds = nil
		}
	}
	return days, all
}

// readDays returns the lines of all day files in a directory, by the path of the plain
// file.
func readDays(t *testing.T, directory string) map[string][]string {
	t.Helper()
	days := map[string][]string{}
	for _, signal := range demodata.Signals {
		paths, err := filepath.Glob(filepath.Join(directory, string(signal), "*.jsonl*"))
		require.NoError(t, err)
		for _, path := range paths {
			if strings.Contains(path, ".torn-") {
				continue // what the kill left of a line
			}
			content, err := harness.ReadFile(path)
			require.NoError(t, err)
			name, _, _ := strings.Cut(filepath.Base(path), ".")
			plain := string(signal) + "/" + name + ".jsonl"
			days[plain] = append(days[plain], slices.Collect(strings.Lines(string(content)))...)
		}
	}
	return days
}

// requireSameDays requires that the replayed days equal the original ones byte by byte.
func requireSameDays(t *testing.T, r *replay) {
	t.Helper()
	want, got := readDays(t, r.from), readDays(t, r.to)
	for path, lines := range want {
		require.Len(t, got[path], len(lines), path)
		for i, line := range lines {
			require.Equal(t, line, got[path][i], "%s:%d", path, i+1)
		}
		delete(got, path)
	}
	require.Empty(t, got)
}

// demo holds three days of demo data, by path. The first test that needs them
// generates them.
var demo struct {
	sync.Mutex
	days map[string][]byte
}

// demoDays returns three days of demo data: the plain day files by path.
func demoDays(t *testing.T) map[string][]byte {
	t.Helper()
	demo.Lock()
	defer demo.Unlock()
	if demo.days != nil {
		return demo.days
	}
	directory := filepath.Join(t.TempDir(), "day-files")
	cmd := exec.Command("go", "run", "./cmd/demodata", "-directory", directory, "-to", "2025-12-22", "-days", "3", "-sessions", "60")
	cmd.Dir = harness.Root(t)
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", output)
	days := map[string][]byte{}
	for _, signal := range demodata.Signals {
		paths, err := filepath.Glob(filepath.Join(directory, string(signal), "*.jsonl"))
		require.NoError(t, err)
		require.Len(t, paths, 3)
		for _, path := range paths {
			days[string(signal)+"/"+filepath.Base(path)], err = os.ReadFile(path)
			require.NoError(t, err)
		}
	}
	demo.days = days
	return days
}

// writeDemoDays writes the demo data to a new directory: the oldest day
// compressed with gzip, the next one with zstd, the last one plain.
func writeDemoDays(t *testing.T) (directory string) {
	t.Helper()
	directory = t.TempDir()
	for path, content := range demoDays(t) {
		path = filepath.Join(directory, path)
		switch filepath.Base(path) {
		case "2025-12-20.jsonl":
			replaceFile(t, path+".gz", packed(t, ".gz", content))
		case "2025-12-21.jsonl":
			replaceFile(t, path+".zst", packed(t, ".zst", content))
		default:
			replaceFile(t, path, content)
		}
	}
	return directory
}

// pack replaces a file by a compressed one, atomically.
func pack(t *testing.T, path, suffix string) {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	replaceFile(t, path+suffix, packed(t, suffix, content))
	require.NoError(t, os.Remove(path))
}

// packed compresses as the daily_jsonl exporter does.
func packed(t *testing.T, suffix string, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&b)
	if suffix == ".zst" {
		var err error
		w, err = zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(4<<20))
		require.NoError(t, err)
	}
	_, err := w.Write(content)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func replaceFile(t *testing.T, path string, content []byte) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
	require.NoError(t, os.WriteFile(path+".new", content, 0o600))
	require.NoError(t, os.Rename(path+".new", path))
}

// A replay with mode once ends by itself, logs a summary and writes the same days. The
// next one has nothing to do.
func TestReplayOnce(t *testing.T) {
	t.Parallel()
	r := newReplay(t, writeDemoDays(t))
	require.Zero(t, r.run(t), "exit code")
	requireSameDays(t, r)
	want, total := map[string]tally{}, 0
	for path, lines := range readDays(t, r.from) {
		want[path] = tally{Lines: len(lines), Sent: len(lines)}
		total += len(lines)
	}
	days, all := r.summary(t)
	require.Equal(t, want, days)
	require.Equal(t, tally{Lines: total, Sent: total}, all)

	require.Zero(t, r.run(t), "exit code")
	requireSameDays(t, r)
	days, all = r.summary(t)
	require.Empty(t, days)
	require.Equal(t, tally{Unchanged: 9}, all)
}

// A replay that was killed continues. Per kill and signal, at most one batch is there
// twice: the one that was delivered but whose position was not saved.
func TestReplayIsKilled(t *testing.T) {
	t.Parallel()
	const batch = 20
	r := newReplay(t, writeDemoDays(t), fmt.Sprintf("receivers::daily_jsonl::max_batch_lines: %d", batch))
	kills := 0
	for size := int64(0); kills < 6; kills++ {
		r.start(t)
		before := size
		more := r.process.Await("replay more", func() bool {
			size = sizeOf(t, r.to)
			return size > before+10_000
		})
		if more != nil || r.process.Kill() != nil {
			break // the replay has ended
		}
	}
	require.GreaterOrEqual(t, kills, 2, "kills during the replay")
	require.Zero(t, r.run(t), "exit code")

	got := readDays(t, r.to)
	repeats := map[string]int{} // by signal
	for path, lines := range readDays(t, r.from) {
		signal, _, _ := strings.Cut(path, "/")
		repeats[signal] += repeated(t, path, lines, got[path], batch)
		delete(got, path)
	}
	require.Empty(t, got)
	t.Logf("batches that are there twice: %v", repeats)
	for signal, n := range repeats {
		require.LessOrEqual(t, n, kills, signal)
	}
}

// repeated requires all lines in order and counts repeats: up to a batch of the last
// lines may start again. A kill may leave a part of a batch.
func repeated(t *testing.T, path string, want, got []string, batch int) int {
	t.Helper()
	// Numbers of lines of want that may have arrived, with the least number of repeats.
	// There may be several, because lines can be equal.
	arrived := map[int]int{0: 0}
	for i, line := range got {
		next := map[int]int{}
		reach := func(at, repeats int) {
			if at < len(want) && want[at] == line {
				if least, known := next[at+1]; !known || repeats < least {
					next[at+1] = repeats
				}
			}
		}
		for at, repeats := range arrived {
			reach(at, repeats)
			for begin := max(0, at-batch); begin < at; begin++ {
				reach(begin, repeats+1)
			}
		}
		require.NotEmpty(t, next, "%s: line %d is neither the next one nor a repeated one", path, i+1)
		arrived = next
	}
	require.Contains(t, arrived, len(want), "%s: lines that arrived", path)
	return arrived[len(want)]
}

// sizeOf returns the size of the plain day files in a directory.
func sizeOf(t *testing.T, directory string) (size int64) {
	t.Helper()
	for _, signal := range demodata.Signals {
		paths, err := filepath.Glob(filepath.Join(directory, string(signal), "*.jsonl"))
		require.NoError(t, err)
		for _, path := range paths {
			info, err := os.Stat(path)
			require.NoError(t, err)
			size += info.Size()
		}
	}
	return size
}

// logLines returns lines of logs with these numbers as messages.
func logLines(first, last int) string {
	var lines strings.Builder
	for n := first; n <= last; n++ {
		fmt.Fprintf(&lines, `{"message":%d,"received_at":"2025-12-22T10:00:05Z"}`+"\n", n)
	}
	return lines.String()
}

// logDay is the path of their file.
const logDay = "logs/2025-12-22.jsonl"

// A bad line is named and skipped, and nothing of it is in the log. It
// is no failure.
func TestReplayKeepsBadLinesOut(t *testing.T) {
	t.Parallel()
	from := t.TempDir()
	path := filepath.Join(from, logDay)
	replaceFile(t, path, []byte(logLines(1, 2)+`{"message":"secret`+"\n"+logLines(4, 5)+`{"message":6}`+"\n"))
	r := newReplay(t, from)
	require.Zero(t, r.run(t), "exit code")
	require.Equal(t, map[string][]string{logDay: slices.Collect(strings.Lines(logLines(1, 2) + logLines(4, 5)))}, readDays(t, r.to))
	_, all := r.summary(t)
	require.Equal(t, tally{Lines: 6, Sent: 4, Bad: 2}, all)
	text := r.logged(t)
	require.Contains(t, text, "Bad line skipped: "+path+":3: invalid JSON: unexpected EOF at byte 18\t")
	require.Contains(t, text, "Bad line skipped: "+path+":6: received_at is missing\t")
	require.NotContains(t, text, "secret")
}

// If a server refuses a batch permanently, the exit code is 1, the log says so once, and
// the next run sends it again. The replay waits while an error is retryable.
func TestReplayIsRefused(t *testing.T) {
	t.Parallel()
	var (
		mu       sync.Mutex
		taken    []int64
		requests int
		refused  int64 // the first number of the batch that is refused for good
	)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		body, err := io.ReadAll(req.Body)
		assert.NoError(t, err)
		batch := plogotlp.NewExportRequest()
		assert.NoError(t, batch.UnmarshalProto(body))
		records := batch.Logs().ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
		requests++
		switch {
		case requests%2 == 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case records.At(0).Body().Int() == refused:
			w.WriteHeader(http.StatusBadRequest)
		default:
			for _, record := range records.All() {
				taken = append(taken, record.Body().Int())
			}
		}
	}))
	defer server.Close()
	refuse := func(first int64) {
		mu.Lock()
		defer mu.Unlock()
		refused = first
	}
	take := func() []int64 {
		mu.Lock()
		defer mu.Unlock()
		defer func() { taken = nil }()
		return taken
	}

	from := t.TempDir()
	replaceFile(t, filepath.Join(from, logDay), []byte(logLines(1, 10)))
	r := newReplay(t, from, `{receivers: {daily_jsonl: {max_batch_lines: 2}},
		exporters: {otlp_http: {endpoint: `+server.URL+`, compression: none, sending_queue: {enabled: false}, retry_on_failure: {enabled: false}}},
		service: {pipelines: {logs: {exporters: [otlp_http]}}}}`)
	refuse(5)
	require.Equal(t, 1, r.run(t), "exit code")
	require.Equal(t, []int64{1, 2, 3, 4, 7, 8, 9, 10}, take())
	_, all := r.summary(t)
	require.Equal(t, tally{Lines: 10, Sent: 8, Refused: 2}, all)
	require.Equal(t, 1, strings.Count(r.logged(t), "2 lines were refused"), "number of reports")

	refuse(0)
	require.Zero(t, r.run(t), "exit code")
	require.Equal(t, []int64{5, 6}, take())
	require.Zero(t, r.run(t), "exit code")
	require.Empty(t, take())
}

// With mode follow the replay follows the files: appended lines, a last line that is not
// whole yet, a file that is compressed, a newer download, the next day. Each line
// arrives once.
func TestReplayFollows(t *testing.T) {
	t.Parallel()
	from := t.TempDir()
	path := filepath.Join(from, logDay)
	r := newReplay(t, from, "receivers::daily_jsonl::mode: follow")
	arrived := func(path, lines string) {
		t.Helper()
		var got string
		require.NoError(t, r.process.Await("deliver the new lines", func() bool {
			got = strings.Join(readDays(t, r.to)[path], "")
			return len(got) >= len(lines)
		}))
		require.Equal(t, lines, got)
	}
	extend := func(text string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		require.NoError(t, err)
		_, err = f.WriteString(text)
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}

	r.start(t)
	replaceFile(t, path, []byte(logLines(1, 3)))
	arrived(logDay, logLines(1, 3))
	extend(logLines(4, 5) + logLines(6, 6)[:20])
	arrived(logDay, logLines(1, 5))
	extend(logLines(6, 6)[20:] + logLines(7, 7))
	arrived(logDay, logLines(1, 7))

	pack(t, path, ".gz")
	extend(logLines(8, 9)) // into a plain file beside it
	arrived(logDay, logLines(1, 9))

	// A new download of the plain file, which has grown.
	replaceFile(t, path, []byte(logLines(1, 12)))
	arrived(logDay, logLines(1, 12))
	require.NoError(t, os.Remove(path+".gz"))
	extend(logLines(13, 13))
	arrived(logDay, logLines(1, 13))
	replaceFile(t, path, []byte(logLines(1, 15)))
	arrived(logDay, logLines(1, 15))

	// It continues after a restart.
	require.NoError(t, r.process.Stop())
	require.Zero(t, r.process.State().ExitCode(), "exit code")
	extend(logLines(16, 16))
	r.start(t)
	arrived(logDay, logLines(1, 16))

	const nextDay, next = "logs/2025-12-23.jsonl", `{"message":17,"received_at":"2025-12-23T00:00:05Z"}` + "\n"
	replaceFile(t, filepath.Join(from, nextDay), []byte(next))
	arrived(nextDay, next)
	requireSameDays(t, r)
}
