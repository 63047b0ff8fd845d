// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFormatExamples holds the example lines of docs/format.md to the code:
// each must be read, and be written again as it stands there.
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
