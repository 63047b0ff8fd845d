// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package backends

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// The alert rules for the server: Prometheus reads them, and they fire when they
// should.
func TestAlertRules(t *testing.T) {
	t.Parallel()
	promtool := filepath.Join(harness.Root(t), ".cache", "servers", "promtool")
	_, err := os.Stat(promtool)
	require.NoError(t, err, "there is no promtool: run `make servers` first")
	for _, args := range [][]string{{"check", "rules", "alerts.yaml"}, {"test", "rules", "alerts_test.yaml"}} {
		cmd := exec.Command(promtool, args...)
		cmd.Dir = alertsDirectory(t)
		output, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", output)
	}
}

// Each alert has a test.
func TestAlertsAreTested(t *testing.T) {
	t.Parallel()
	tests := readAlerts(t, "alerts_test.yaml")
	alerts := regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(readAlerts(t, "alerts.yaml"), -1)
	require.NotEmpty(t, alerts)
	for _, alert := range alerts {
		assert.Equal(t, 2, strings.Count(tests, "alertname: "+alert[1]), "tests of %s: quiet, and firing", alert[1])
	}
}

// strict makes a collector refuse what the shipped configuration accepts, so that
// each of its metrics has a value.
const strict = `
receivers:
  saberloop:
    limits: {max_connections: 1}
exporters:
  daily_jsonl: {min_free_bytes: 9000000000000000000}
`

// The metrics and values of attributes that the alerts look at are those that the
// collector exposes with the shipped configuration.
func TestAlertsUseExposedMetrics(t *testing.T) {
	t.Parallel()
	ordinary := harness.Start(t, harness.Options{Shipped: true})
	batch := []byte(`{"logs":[{"message":"write to jane@example.com"},7],"dropped":[{"signal":"logs","reason":"full","count":3}]}`)
	require.Equal(t, http.StatusOK, ordinary.MustPost(t, batch).Status)
	require.Equal(t, http.StatusOK, ordinary.MustPost(t, batch).Status)
	day, err := filepath.Glob(filepath.Join(ordinary.Directory, "logs", "*.jsonl"))
	require.NoError(t, err)
	require.Len(t, day, 1)
	require.NoError(t, os.Remove(day[0]))
	require.Equal(t, http.StatusOK, ordinary.MustPost(t, []byte(`{"logs":[{"message":"another"}]}`)).Status)

	failing := harness.Start(t, harness.Options{Shipped: true, Config: strict})
	require.Equal(t, http.StatusServiceUnavailable, failing.MustPost(t, batch).Status)
	for range 2 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(failing.URL, "http://"))
		require.NoError(t, err)
		defer conn.Close()
	}
	var exposed string
	require.Eventually(t, func() bool {
		exposed = exposedBy(t, ordinary) + exposedBy(t, failing)
		return strings.Contains(exposed, "closed_connections")
	}, time.Minute, 50*time.Millisecond, "no connection was closed")

	rules := readAlerts(t, "alerts.yaml")
	names := regexp.MustCompile(`\botelcol_\w+`).FindAllString(rules, -1)
	require.NotEmpty(t, names)
	for _, name := range names {
		assert.True(t, regexp.MustCompile(`(?m)^`+name+`[{ ]`).MatchString(exposed), "an alert uses %s, which the collector does not have", name)
	}
	assert.Contains(t, exposed, `reason="unavailable"`)
	assert.Contains(t, exposed, `kind="disk_full"`)
	assert.Contains(t, exposed, `rule="email"`)

	// The reasons are documented.
	readme, err := os.ReadFile(filepath.Join(harness.Root(t), "receiver", "saberloopreceiver", "README.md"))
	require.NoError(t, err)
	for _, match := range regexp.MustCompile(`reason=~"([\w|]+)"`).FindAllStringSubmatch(rules, -1) {
		for reason := range strings.SplitSeq(match[1], "|") {
			assert.Contains(t, string(readme), "`"+reason+"`", "an alert uses a reason that the README does not have")
		}
	}
}

func exposedBy(t *testing.T, c *harness.Collector) string {
	t.Helper()
	res, err := http.Get(c.MetricsURL)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return string(text)
}

func alertsDirectory(t *testing.T) string {
	t.Helper()
	return filepath.Join(harness.Root(t), "deploy", "prometheus")
}

func readAlerts(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(alertsDirectory(t), name))
	require.NoError(t, err)
	return string(text)
}
