// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// privacyCase is a line of testdata/privacy.
type privacyCase struct {
	Name    string
	Secrets []string
	Body    json.RawMessage
}

func privacyCases(t *testing.T, file string) []privacyCase {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(harness.Root(t), "testdata", "privacy", file))
	require.NoError(t, err)
	var cases []privacyCase
	for line := range bytes.Lines(text) {
		var c privacyCase
		require.NoError(t, json.Unmarshal(line, &c), "%s", line)
		cases = append(cases, c)
	}
	require.NotEmpty(t, cases)
	return cases
}

// startWithPrivacy starts a collector that masks as the shipped configuration
// does, and logs all it can.
func startWithPrivacy(t *testing.T) *harness.Collector {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(harness.Root(t), "collector-config.yaml"))
	require.NoError(t, err)
	var shipped struct {
		Processors map[string]any
		Service    struct {
			Pipelines map[string]struct{ Processors []string }
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &shipped))
	pipelines := map[string]any{}
	for _, signal := range []string{"logs", "traces", "metrics"} {
		processors := shipped.Service.Pipelines[signal].Processors
		require.Equal(t, []string{"memory_limiter", "privacy"}, processors, signal)
		pipelines[signal] = map[string]any{"processors": processors}
	}
	config, err := yaml.Marshal(map[string]any{
		"processors": shipped.Processors,
		"service": map[string]any{
			"pipelines": pipelines,
			"telemetry": map[string]any{"logs": map[string]any{"level": "debug"}},
		},
	})
	require.NoError(t, err)
	return harness.Start(t, harness.Options{Config: string(config)})
}

// No secret is stored or logged, wherever in a batch it is. Nor is the address
// of the client.
func TestSecretsAreMasked(t *testing.T) {
	t.Parallel()
	c := startWithPrivacy(t)
	stored := &harness.Reader{Directory: c.Directory}
	var secrets []string
	for _, tc := range privacyCases(t, "secrets.jsonl") {
		require.Equal(t, 200, c.MustPost(t, tc.Body).Status, tc.Name)
		lines := stored.Next(t)
		require.NotEmpty(t, lines, tc.Name)
		for _, line := range lines {
			text := strings.Join(append(stringsOf(t, line.Entry), stringsOf(t, line.Added)...), "\n")
			for _, secret := range tc.Secrets {
				require.NotContains(t, text, secret, tc.Name)
			}
			require.NotContains(t, text, "127.0.0.1", "the client's address")
		}
		secrets = append(secrets, tc.Secrets...)
	}
	require.Contains(t, metricsOf(t, c), "otelcol_processor_privacy_masked")
	c.Stop(t)
	log := c.Log(t)
	require.Contains(t, log, "debug", "the log is not at its most talkative")
	for _, secret := range secrets {
		require.NotContains(t, log, secret)
	}
}

// What only looks like a secret is stored as it was sent, and so is what the
// contract shows.
func TestHarmlessEntriesAreNotMasked(t *testing.T) {
	t.Parallel()
	c := startWithPrivacy(t)
	stored := &harness.Reader{Directory: c.Directory}
	for _, tc := range privacyCases(t, "harmless.jsonl") {
		t.Run(tc.Name, func(t *testing.T) {
			checkBatch(t, c, stored, tc.Body)
		})
	}
	for _, tc := range httpCases(t) {
		t.Run(tc.Name, func(t *testing.T) {
			checkCase(t, tc, c.Exchange(t, tc.request("")), stored.Next(t))
		})
	}
	require.NotContains(t, metricsOf(t, c), "otelcol_processor_privacy_masked")
}

// metricsOf returns the collector's own metrics, as Prometheus reads them.
func metricsOf(t *testing.T, c *harness.Collector) string {
	t.Helper()
	res, err := http.Get(c.MetricsURL)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Contains(t, string(text), "otelcol_receiver_saberloop_requests")
	return string(text)
}

// stringsOf returns all strings and numbers in a JSON text, keys included.
func stringsOf(t *testing.T, text string) []string {
	t.Helper()
	var all []string
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	for decoder.More() {
		token, err := decoder.Token()
		require.NoError(t, err)
		switch token := token.(type) {
		case string:
			all = append(all, token)
		case json.Number:
			all = append(all, token.String())
		}
	}
	return all
}
