// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/demodata"
	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// Entries of any shape are stored as the same JSON values.
func TestBatches(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{})
	stored := &harness.Reader{Directory: c.Directory}
	files, err := filepath.Glob(filepath.Join(harness.Root(t), "testdata", "batches", "*.jsonl"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		number := 0
		for body := range bytes.Lines(content) {
			number++
			t.Run(fmt.Sprintf("%s:%d", filepath.Base(file), number), func(t *testing.T) {
				checkBatch(t, c, stored, bytes.TrimSpace(body))
			})
		}
	}
}

func checkBatch(t *testing.T, c *harness.Collector, stored *harness.Reader, body []byte) {
	t.Helper()
	var batch map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(body, &batch))

	want := map[demodata.Signal][]string{}
	var received, rejected harness.Counts
	for _, signal := range demodata.Signals {
		var entries []json.RawMessage
		if sent, ok := batch[string(signal)]; ok {
			require.NoError(t, json.Unmarshal(sent, &entries))
		}
		for _, e := range entries {
			if !harness.Storable(e) {
				count(&rejected, signal)
				continue
			}
			count(&received, signal)
			entry, err := harness.CanonicalEntry(signal, e)
			require.NoError(t, err)
			want[signal] = append(want[signal], entry)
		}
	}

	checkCounts(t, c.MustPost(t, body), received, rejected)
	lines := stored.Next(t)
	// The resource is the only part of an envelope that is stored.
	hasResource := !slices.Contains([]string{"", "null", "{}"}, string(batch["resource"]))
	got := map[demodata.Signal][]string{}
	for _, line := range lines {
		got[line.Signal] = append(got[line.Signal], line.Entry)
		if !hasResource {
			require.Equal(t, "{}", line.Added, "added to %s", line.Entry)
		}
	}
	for _, signal := range demodata.Signals {
		require.Equal(t, want[signal], got[signal], signal)
	}
}

// The resource of an envelope is on every line of its entries, after received_at.
func TestEnvelopeResource(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{})
	answer := c.MustPost(t, []byte(`{"resource":{"app":"saberloop"},"logs":[{"a":1}],"traces":[{"b":1}],"metrics":[{"c":1}]}`))
	require.Equal(t, 200, answer.Status)
	lines := (&harness.Reader{Directory: c.Directory}).Next(t)
	require.Len(t, lines, 3)
	for _, line := range lines {
		require.Contains(t, line.Added, `{"key":"app","value":{"stringValue":"saberloop"}}`)
	}
}

func checkCounts(t *testing.T, answer harness.Answer, received, rejected harness.Counts) {
	t.Helper()
	var none harness.Counts
	want := map[string]string{"received": received.Canonical()}
	status := 200
	if rejected != none {
		want["rejected"] = rejected.Canonical()
		if received == none {
			delete(want, "received")
			status = 400
		}
	}
	require.Equal(t, status, answer.Status, "answer %s", answer.Body)
	for _, key := range []string{"received", "rejected"} {
		got, err := answer.Member(key)
		require.NoError(t, err)
		require.Equal(t, want[key], got, key)
	}
}

func count(c *harness.Counts, signal demodata.Signal) {
	switch signal {
	case demodata.Logs:
		c.Logs++
	case demodata.Traces:
		c.Traces++
	case demodata.Metrics:
		c.Metrics++
	}
}
