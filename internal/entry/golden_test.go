// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files, and fail")

// TestGolden compares the OpenTelemetry data of recorded browser batches with
// golden files. Writing and reading lines must not change the data.
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "batches", "*.jsonl"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".jsonl"), func(t *testing.T) {
			t.Parallel()
			batches, err := os.ReadFile(file)
			require.NoError(t, err)
			var got bytes.Buffer
			for body := range bytes.Lines(batches) {
				batch, err := testDecoder.Decode(bytes.TrimSuffix(body, []byte{'\n'}), receivedAt)
				require.NoError(t, err)
				fuzzLines(t, &logSignal, batch.Logs)
				fuzzLines(t, &spanSignal, batch.Traces)
				fuzzLines(t, &metricSignal, batch.Metrics)
				writeGolden(t, &got, &logSignal, batch.Logs)
				writeGolden(t, &got, &spanSignal, batch.Traces)
				writeGolden(t, &got, &metricSignal, batch.Metrics)
				for _, reason := range batch.Errors {
					got.WriteString(reason + "\n")
				}
			}
			golden := filepath.Join("testdata", "golden", strings.TrimSuffix(filepath.Base(file), "l"))
			if *update {
				require.NoError(t, os.MkdirAll(filepath.Dir(golden), 0o750))
				require.NoError(t, os.WriteFile(golden, got.Bytes(), 0o600))
				t.Fatal("golden file written; run again without -update")
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), got.String())
		})
	}
}

func writeGolden[D any, R resourceGroup, S scopeGroup, E record[E]](t *testing.T, to *bytes.Buffer, g *signal[D, R, S, E], data D) {
	t.Helper()
	if g.resources.len(data) == 0 {
		return
	}
	// Indentation would take megabytes for deeply nested batches.
	require.NoError(t, json.Indent(to, g.tail(data), "", ""))
	to.WriteByte('\n')
}

// TestFormatExamples reads the example lines of docs/format.md. Writing them
// must give the same lines.
func TestFormatExamples(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "format.md"))
	require.NoError(t, err)
	var logs LogReader
	var spans SpanReader
	examples := 0
	for line := range strings.SplitSeq(string(doc), "\n") {
		switch {
		case strings.HasPrefix(line, `{"timestamp"`) && strings.Contains(line, `"duration"`):
			require.NoError(t, spans.Add([]byte(line)))
			require.Equal(t, line+"\n", string(collect(SpanLines(spans.Take(), now))[0]))
		case strings.HasPrefix(line, `{"timestamp"`):
			require.NoError(t, logs.Add([]byte(line)))
			require.Equal(t, line+"\n", string(collect(LogLines(logs.Take(), now))[0]))
		default:
			continue
		}
		examples++
	}
	require.Equal(t, 2, examples)
}
