// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package privacyprocessor

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

// corpusCase is a line of testdata/privacy: a POST body, and what of it must
// not be stored.
type corpusCase struct {
	Name    string
	Secrets []string
	Body    json.RawMessage
}

func corpus(tb testing.TB, file string) []corpusCase {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "privacy", file))
	require.NoError(tb, err)
	var cases []corpusCase
	for line := range bytes.Lines(text) {
		var c corpusCase
		require.NoError(tb, json.Unmarshal(line, &c), "%s", line)
		cases = append(cases, c)
	}
	require.NotEmpty(tb, cases)
	return cases
}

var receivedAt = time.Unix(1766397605, 0)

// decode makes of a body what the receiver makes of it.
func decode(tb testing.TB, body []byte) *entry.Batch {
	tb.Helper()
	decoder := entry.BatchDecoder{ServiceName: "saberloop"}
	batch, err := decoder.Decode(body, receivedAt)
	require.NoError(tb, err, "%s", body)
	require.Zero(tb, batch.Rejected.Total())
	return batch
}

// lines are what the exporter makes of a batch.
func lines(batch *entry.Batch) (lines []string) {
	for _, line := range entry.LogLines(batch.Logs, receivedAt) {
		lines = append(lines, string(line))
	}
	for _, line := range entry.SpanLines(batch.Traces, receivedAt) {
		lines = append(lines, string(line))
	}
	for _, line := range entry.MetricLines(batch.Metrics, receivedAt) {
		lines = append(lines, string(line))
	}
	return lines
}

func process(tb testing.TB, p *privacy, batch *entry.Batch) {
	tb.Helper()
	_, err := p.processLogs(tb.Context(), batch.Logs)
	require.NoError(tb, err)
	_, err = p.processTraces(tb.Context(), batch.Traces)
	require.NoError(tb, err)
	_, err = p.processMetrics(tb.Context(), batch.Metrics)
	require.NoError(tb, err)
}

// plainText gives a line's strings without escapes, so that secrets are found.
func plainText(tb testing.TB, line string) string {
	tb.Helper()
	var text strings.Builder
	decoder := json.NewDecoder(strings.NewReader(line))
	decoder.UseNumber()
	for decoder.More() {
		token, err := decoder.Token()
		require.NoError(tb, err)
		switch token := token.(type) {
		case string:
			text.WriteString(token + "\n")
		case json.Number:
			text.WriteString(token.String() + "\n")
		}
	}
	return text.String()
}

func TestSecretsAreNotStored(t *testing.T) {
	t.Parallel()
	p := testPrivacy(t, nil)
	for _, c := range corpus(t, "secrets.jsonl") {
		require.NotEmpty(t, c.Secrets, c.Name)
		sent := decode(t, c.Body)
		before := lines(sent)
		all := strings.Join(before, "\n") + plainText(t, string(c.Body))
		for _, secret := range c.Secrets {
			require.Contains(t, all, secret, "%s: the case itself", c.Name)
		}
		process(t, p, sent)
		stored := lines(sent)
		require.Len(t, stored, len(before), c.Name)
		for _, line := range stored {
			text := plainText(t, line)
			for _, secret := range c.Secrets {
				require.NotContains(t, line, secret, c.Name)
				require.NotContains(t, text, secret, c.Name)
			}
		}
		again := decode(t, c.Body)
		process(t, p, again)
		process(t, p, again)
		require.Equal(t, stored, lines(again), "%s: masked twice", c.Name)
	}
}

func TestHarmlessIsStoredAsItIs(t *testing.T) {
	t.Parallel()
	for _, c := range corpus(t, "harmless.jsonl") {
		p, counts := countingPrivacy(t, nil)
		batch := decode(t, c.Body)
		before := lines(batch)
		process(t, p, batch)
		require.Equal(t, before, lines(batch), c.Name)
		require.Empty(t, counts(), c.Name)
	}
}

// The batches of real browsers have nothing to mask, but for some parameters.
func TestBatchesAreStoredAsTheyAre(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "batches", "*.jsonl"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	p := testPrivacy(t, func(cfg *Config) {
		cfg.AllowedQueryParameters = append(cfg.AllowedQueryParameters, "quiz", "ref")
	})
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for body := range bytes.Lines(text) {
			decoder := entry.BatchDecoder{ServiceName: "saberloop"}
			batch, err := decoder.Decode(body, receivedAt)
			require.NoError(t, err)
			before := lines(batch)
			process(t, p, batch)
			require.Equal(t, before, lines(batch), file)
		}
	}
}

// Masking adds nothing to a line: what was an entry stays one, without a tail.
func TestMaskedEntriesStayEntries(t *testing.T) {
	t.Parallel()
	p := testPrivacy(t, nil)
	for body, want := range map[string]string{
		`{"logs":[{"message":"jane@example.com","context":{"card":4111111111111111,"a@example.com":1,"b@example.com":2}}]}`: `{"message":"[email]","context":{"card":"[card]","[email]":1,"[email]#2":2},"received_at":"2025-12-22T10:00:05Z"}`,
		`{"metrics":[{"name":"n","value":"4111111111111111"}]}`:                                                             `{"name":"n","value":"[card]","received_at":"2025-12-22T10:00:05Z"}`,
		`{"metrics":[{"name":"n","value":4111111111111111}]}`:                                                               `{"name":"n","received_at":"2025-12-22T10:00:05Z"}`,
		`{"traces":[{"name":"n","duration":4111111111111111}]}`:                                                             `{"name":"n","duration":"[card]","received_at":"2025-12-22T10:00:05Z"}`,
		`{"logs":[{"timestamp":"jane@example.com","level":"jane@example.com","password":"x"}]}`:                             `{"timestamp":"[email]","level":"[email]","password":"[redacted]","received_at":"2025-12-22T10:00:05Z"}`,
	} {
		batch := decode(t, []byte(body))
		process(t, p, batch)
		require.Equal(t, []string{want + "\n"}, lines(batch))
	}
}
