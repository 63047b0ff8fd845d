// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package backends

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/demodata"
	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// month is a generated month as day files.
type month struct {
	demodata.Month
	// Directory holds the day files.
	Directory string
}

// End returns the midnight after the last day.
func (m month) End() time.Time { return m.First.AddDate(0, 0, m.Days) }

// writeMonth writes the day files of a month up to yesterday, as `make demo-data` does.
func writeMonth(tb testing.TB, directory string, days, sessions int) month {
	tb.Helper()
	yesterday := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -1)
	m := month{
		demodata.Month{Seed: 1, First: yesterday.AddDate(0, 0, 1-days), Days: days, Sessions: sessions},
		filepath.Join(directory, "day-files"),
	}
	cmd := exec.Command("go", "run", "./cmd/demodata", "-directory", m.Directory,
		"-to", yesterday.Format(time.DateOnly), "-seed", strconv.FormatUint(m.Seed, 10),
		"-days", strconv.Itoa(days), "-sessions", strconv.Itoa(sessions))
	cmd.Dir = harness.Root(tb)
	output, err := cmd.CombinedOutput()
	require.NoError(tb, err, "%s", output)
	tb.Logf("%s", output)
	return m
}

// filled are servers with a month of data.
type filled struct {
	*servers
	month
	// files are the day files. sessions and traces are the groups in them, by id.
	files            dayFiles
	sessions, traces map[string]*group
	// position is the path of the import's position, log its output.
	position, log string
}

// shared holds the servers of sharedMonth.
var shared struct {
	sync.Mutex
	begun     bool
	directory string
	filled    *filled
}

// sharedMonth returns servers with a month of at least 300,000 entries. All tests that
// only query share them. The first one imports the month.
func sharedMonth(tb testing.TB) *filled {
	tb.Helper()
	shared.Lock()
	defer shared.Unlock()
	if !shared.begun {
		shared.begun = true
		shared.filled = fill(tb)
	}
	require.NotNil(tb, shared.filled, "no servers: see the failure of the first test")
	tb.Cleanup(func() {
		if tb.Failed() {
			shared.filled.showLogs(tb)
		}
	})
	return shared.filled
}

func fill(tb testing.TB) *filled {
	tb.Helper()
	var err error
	shared.directory, err = os.MkdirTemp("", "backends") //nolint:usetesting // it outlives the test that is first
	require.NoError(tb, err)
	f := &filled{position: filepath.Join(shared.directory, "position")}
	f.month = writeMonth(tb, shared.directory, 30, 500)
	f.files = readDayFiles(tb, f.Directory)
	require.GreaterOrEqual(tb, f.files.Lines(), 300_000)
	f.sessions, f.traces = f.files.groups(tb)
	f.servers = startServers(tb, shared.directory)
	began := time.Now()
	f.log = f.importDays(tb, f.Directory, f.position)
	tb.Logf("%d entries were imported in %v", f.files.Lines(), time.Since(began).Round(time.Second))
	return f
}

// stopShared stops the servers of sharedMonth and removes their data.
func stopShared() error {
	var errs []error
	if shared.filled != nil {
		errs = append(errs, shared.filled.stop())
	}
	if shared.directory != "" {
		errs = append(errs, os.RemoveAll(shared.directory))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("clean up: %w", err)
	}
	return nil
}

// group has the entries of a session or trace.
type group struct {
	places   []place
	from, to time.Time // the first and the last time of an entry
}

func (g *group) add(at place, e entry) {
	if len(g.places) == 0 || e.Time().Before(g.from) {
		g.from = e.Time()
	}
	if len(g.places) == 0 || e.Time().After(g.to) {
		g.to = e.Time()
	}
	g.places = append(g.places, at)
}

// around returns a span of time that contains the group.
func (g *group) around() (from, to time.Time) { return g.from.Add(-aDay), g.to.Add(aDay) }

// groups returns the sessions and traces in the files.
func (f dayFiles) groups(tb testing.TB) (sessions, traces map[string]*group) {
	tb.Helper()
	sessions, traces = map[string]*group{}, map[string]*group{}
	add := func(to map[string]*group, id string, at place, e entry) {
		if id == "" {
			return
		}
		if to[id] == nil {
			to[id] = &group{}
		}
		to[id].add(at, e)
	}
	for _, signal := range signals {
		f.Each(tb, signal, func(at place, e entry) {
			add(sessions, e.Session(), at, e)
			add(traces, e.shown(at).TraceID, at, e)
		})
	}
	return sessions, traces
}

// someSessions returns one session of each odd kind and some ordinary ones from the whole
// month.
func (f *filled) someSessions() []string {
	all := slices.Sorted(maps.Keys(f.sessions)) // by the time they began
	var some []string
	for _, odd := range []string{"odd-", "burst-", "huge"} {
		i := slices.IndexFunc(all, func(id string) bool { return strings.HasPrefix(id, odd) })
		some = append(some, all[i])
	}
	for i := 0; i < len(all); i += len(all) / 8 {
		some = append(some, all[i])
	}
	return some
}

// spansOf returns the spans of a session or trace as Jaeger has to show them.
func (f *filled) spansOf(tb testing.TB, g *group) []stored {
	tb.Helper()
	var spans []stored
	for _, at := range g.places {
		if at.Signal == "traces" {
			if span := f.files.Entry(tb, at).stored(at); !slices.Contains(spans, span) {
				spans = append(spans, span)
			}
		}
	}
	return spans
}

// ofSession returns the spans of a session: a search returns whole traces.
func ofSession(id string, spans []span) []span {
	return slices.DeleteFunc(spans, func(s span) bool { return s.stored().Session != id })
}

func allStored(spans []span) []stored {
	all := make([]stored, len(spans))
	for i, s := range spans {
		all[i] = s.stored()
	}
	return all
}

func placesOf(tb testing.TB, lines []logLine) []place {
	tb.Helper()
	places := make([]place, len(lines))
	for i, line := range lines {
		places[i] = line.place(tb)
	}
	return places
}
