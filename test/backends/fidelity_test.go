// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package backends

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheServersHoldWhatTheFilesHold(t *testing.T) {
	m := sharedMonth(t)
	m.requireHold(t, m.files)
}

func TestTheImportTellsOfEveryDay(t *testing.T) {
	m := sharedMonth(t)
	for file, lines := range m.files {
		require.Contains(t, m.log, fmt.Sprintf(`"day": %q, "signal": %q, "lines": %[3]d, "sent": %[3]d, "bad": 0`,
			strings.TrimSuffix(file.Name, ".jsonl"), file.Signal, len(lines)))
	}
	require.Contains(t, m.log, fmt.Sprintf(`"lines": %[1]d, "sent": %[1]d, "bad": 0`, m.files.Lines()))
}

func TestASecondImportSendsNothing(t *testing.T) {
	m := sharedMonth(t)
	before := m.Loki.received(t)
	log := m.importDays(t, m.Directory, m.position)
	require.Contains(t, log, `"lines": 0, "sent": 0`)
	require.InDelta(t, before, m.Loki.received(t), 0)
}

// A collector without a saved position sends everything again. Everything is stored
// once, whether Loki had it in memory or on disk.
func TestAnotherImportAddsNothing(t *testing.T) {
	m := sharedMonth(t)
	importAgain := func() {
		before := m.Loki.received(t)
		m.importDays(t, m.Directory, t.TempDir())
		require.InDelta(t, m.files.Lines(), m.Loki.received(t)-before, 0, "it was not sent again")
	}
	importAgain()
	m.Loki.requireCounts(t, m.files)
	m.Loki.flush(t)
	importAgain()
	m.requireHold(t, m.files)
}

// After an import that is killed and started again several times, everything is stored
// once.
func TestAnImportThatIsKilled(t *testing.T) {
	s := ownServers(t)
	days := writeMonth(t, t.TempDir(), 3, 500)
	files := readDayFiles(t, days.Directory)
	position := t.TempDir()
	kills := 0
	for kills < 6 {
		process, _ := s.startImport(t, days.Directory, position)
		enough := s.Loki.received(t) + float64(files.Lines()/20)
		err := process.Await("send something", func() bool { return s.Loki.received(t) >= enough })
		if err != nil || process.Kill() != nil {
			break // the import has ended
		}
		kills++
	}
	require.GreaterOrEqual(t, kills, 3, "it was through before it could be killed")
	s.importDays(t, days.Directory, position)
	s.requireHold(t, files)
}

// There are thousands of sessions. As a label, each would be a series.
func TestSessionsAreNoLabels(t *testing.T) {
	m := sharedMonth(t)
	from, to := m.files.span(t)

	require.ElementsMatch(t, []string{"saberloop_signal", "service_name"}, m.Loki.Labels(t, from, to))
	require.Len(t, m.Loki.Series(t, `{service_name=~".+"}`, from, to), 3, "a stream per signal")

	names := m.Prometheus.Labels(t, from, to)
	require.Contains(t, names, "rating")
	for _, name := range names {
		require.NotContains(t, strings.ToLower(name), "session")
		for _, value := range m.Prometheus.LabelValues(t, name, from, to) {
			require.NotContains(t, m.sessions, value, "label %s", name)
		}
	}
}

func TestSessionsAreFound(t *testing.T) {
	m := sharedMonth(t)
	for _, id := range m.someSessions() {
		session := m.sessions[id]
		from, to := session.around()
		lines := m.Loki.Lines(t, "{service_name=\"saberloop\"} | session_id = `"+id+"`", from, to)
		require.ElementsMatch(t, session.places, placesOf(t, lines), id)
		spans := m.Jaeger.Search(t, "saberloop", map[string]string{"session.id": id}, from, to, 1000)
		require.ElementsMatch(t, m.spansOf(t, session), allStored(ofSession(id, spans)), id)
	}
}
