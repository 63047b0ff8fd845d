// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package backends

import (
	"bytes"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/test/harness"
	"github.com/saberloop/otelcol-saberloop/test/synthetic"
)

// Live data: what browsers send to the VPS is stored once in the laptop's servers, even if
// the laptop is off or anything between them breaks.
func TestWatch(t *testing.T) {
	s := ownServers(t)
	sshd := startSSHServer(t)
	there, here := harness.FreePort(t), harness.FreePort(t)
	server := harness.Start(t, harness.Options{})
	follower := newProgram(t, "vps.yaml", []string{
		"TELEMETRY_DIR=" + server.Directory, "POSITION_DIR=" + t.TempDir(), "WATCH_PORT=" + strconv.Itoa(there),
	}, "analysis/collector/vps.yaml")
	laptop := newProgram(t, "watch.yaml", append(s.importEnv,
		"POSITION_DIR="+t.TempDir(), "WATCH_PORT="+strconv.Itoa(here),
	), "analysis/collector/import.yaml", "analysis/collector/watch.yaml")
	ledger := harness.NewLedger(synthetic.Mix{Seed: 4})
	browse := func() {
		harness.StartLoad(t, server, harness.LoadOptions{Connections: 4, Ledger: ledger, Batches: 200}).Wait()
	}
	stored := &harness.Reader{Directory: server.Directory}
	want := map[string]float64{}
	arrives := func() {
		t.Helper()
		stored.Each(t, func(line harness.Line) { want[string(line.Signal)]++ })
		require.Len(t, want, 3)
		require.EventuallyWithT(t, func(c *assert.CollectT) { assert.Equal(c, want, s.linesBySignal(t)) },
			2*time.Minute, 200*time.Millisecond)
	}

	// The laptop is off, and the collector on the VPS crashes while it waits.
	browse()
	follower.start(t)
	require.NoError(t, follower.process.Await("start", func() bool {
		log, err := os.ReadFile(follower.log)
		return err == nil && bytes.Contains(log, []byte("Everything is ready"))
	}))
	browse()
	require.NoError(t, follower.process.Kill())
	browse()
	follower.start(t)

	laptop.start(t)
	tunnel := sshd.tunnel(t, there, here)
	arrives()

	// The laptop is on and loses its network during a load.
	load := harness.StartLoad(t, server, harness.LoadOptions{Connections: 2, Ledger: ledger, Batches: 200})
	require.NoError(t, tunnel.Kill())
	load.Wait()
	sshd.tunnel(t, there, here)
	arrives()

	// The collector on the laptop crashes.
	load = harness.StartLoad(t, server, harness.LoadOptions{Connections: 2, Ledger: ledger, Batches: 200})
	require.NoError(t, laptop.process.Kill())
	load.Wait()
	laptop.start(t)
	arrives()

	// Every line can be queried, whatever its keys and values.
	lines := s.Loki.Lines(t, `{saberloop_signal=~".+"}`, time.Now().Add(-240*time.Hour), soon())
	require.Len(t, lines, int(want["logs"]+want["traces"]+want["metrics"]))

	// Prometheus has every point in Loki that makes a sample. Jaeger has the spans.
	points := total(s.Loki.Instant(t, `sum(count_over_time({saberloop_signal="metrics"} | metric_name != "" | metric_value != "" [240h]))`, soon()))
	require.Positive(t, points)
	require.Eventually(t, func() bool { return points == s.samples(t) },
		time.Minute, 200*time.Millisecond, "%v points in Loki, not %v", points, s.samples(t))
	require.NotContains(t, s.Prometheus.Labels(t, time.Now().Add(-240*time.Hour), soon()), "session.id")
	require.NotEmpty(t, s.Jaeger.Operations(t, "saberloop"))
}

// soon returns a time after that of all entries.
func soon() time.Time { return time.Now().Add(10 * time.Minute) }

// linesBySignal returns the number of lines in Loki per signal.
func (s *servers) linesBySignal(tb testing.TB) map[string]float64 {
	tb.Helper()
	counts := map[string]float64{}
	for _, series := range s.Loki.Instant(tb, `sum by (saberloop_signal) (count_over_time({saberloop_signal=~".+"} [240h]))`, soon()) {
		counts[series.Labels["saberloop_signal"]] = series.Points[0].Value
	}
	return counts
}

// samples returns the number of samples in Prometheus, without those that it makes of
// resources.
func (s *servers) samples(tb testing.TB) (n float64) {
	tb.Helper()
	for _, series := range s.Prometheus.Instant(tb, `{__name__!~"|target_info"}[240h]`, soon()) {
		n += float64(len(series.Points))
	}
	return n
}

func total(all []series) (sum float64) {
	for _, s := range all {
		sum += s.Points[0].Value
	}
	return sum
}
