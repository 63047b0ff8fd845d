// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package backends

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// group are the entries of one session, or of one trace.
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

// around is a time in which all of the group is, and more.
func (g *group) around() (from, to time.Time) { return g.from.Add(-aDay), g.to.Add(aDay) }

// groups finds the sessions and the traces of the files.
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

// someSessions are one of each odd kind, and some of the ordinary ones, from
// the first to the last day.
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

// spansOf are the spans of a session or trace, as Jaeger is to show them.
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

// ofSession are those of a search's spans that are of a session: the rest of
// their traces comes with them.
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
