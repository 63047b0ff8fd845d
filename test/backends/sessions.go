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

// session is what the files have of one.
type session struct {
	places   []place
	from, to time.Time // the first and the last time of an entry
}

// sessionsOf finds the sessions of the files.
func sessionsOf(tb testing.TB, files dayFiles) map[string]*session {
	tb.Helper()
	sessions := map[string]*session{}
	for _, signal := range signals {
		files.Each(tb, signal, func(at place, e entry) {
			id := e.Session()
			if id == "" {
				return
			}
			s, ok := sessions[id]
			if !ok {
				s = &session{from: e.Time(), to: e.Time()}
				sessions[id] = s
			}
			s.places = append(s.places, at)
			if e.Time().Before(s.from) {
				s.from = e.Time()
			}
			if e.Time().After(s.to) {
				s.to = e.Time()
			}
		})
	}
	return sessions
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
	for i := 0; i < len(all); i += len(all) / 15 {
		some = append(some, all[i])
	}
	return some
}

// spansOf are the spans of a session, as Jaeger is to show them.
func (f *filled) spansOf(tb testing.TB, s *session) []stored {
	tb.Helper()
	var spans []stored
	for _, at := range s.places {
		if at.Signal == "traces" {
			if span := f.files.Entry(tb, at).stored(at); !slices.Contains(spans, span) {
				spans = append(spans, span)
			}
		}
	}
	return spans
}

// spansIn are the spans of a session that Jaeger finds.
func (f *filled) spansIn(tb testing.TB, id string, from, to time.Time) []stored {
	tb.Helper()
	var spans []stored
	for _, span := range f.Jaeger.Search(tb, "saberloop", map[string]string{"session.id": id}, from, to, 1000) {
		// The rest of its traces comes with them.
		if s := span.stored(); s.Session == id {
			spans = append(spans, s)
		}
	}
	return spans
}
