// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// contractCase is a case of testdata/http-cases.jsonl, without its HTTP part.
type contractCase struct {
	Name     string                       `json:"name"`
	Body     []byte                       `json:"body_base64"`
	Status   int                          `json:"status"`
	Response struct{ Error string }       `json:"response"`
	Stored   Counts                       `json:"stored"`
	Lines    map[string][]json.RawMessage `json:"lines"`
}

func contractCases(tb testing.TB) []contractCase {
	tb.Helper()
	file, err := os.Open(filepath.Join("..", "..", "testdata", "http-cases.jsonl"))
	require.NoError(tb, err)
	defer func() { require.NoError(tb, file.Close()) }()
	var cases []contractCase
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var c contractCase
		require.NoError(tb, json.Unmarshal(lines.Bytes(), &c))
		cases = append(cases, c)
	}
	require.NotEmpty(tb, cases)
	return cases
}

// TestContractBodies runs the cases of the contract that concern bodies. The
// saberloop receiver runs all of them.
func TestContractBodies(t *testing.T) {
	t.Parallel()
	for _, c := range contractCases(t) {
		if c.Status != 200 && c.Response.Error != "Invalid JSON" && c.Response.Error != "Invalid batch" {
			continue
		}
		if bytes.HasPrefix(c.Body, []byte{0x1f, 0x8b}) {
			continue // compressed
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			batch, err := testDecoder.Decode(c.Body, receivedAt)
			switch {
			case c.Response.Error == "Invalid JSON":
				var syntax *SyntaxError
				require.ErrorAs(t, err, &syntax)
				return
			case err != nil:
				require.Equal(t, "Invalid batch", c.Response.Error)
				var shape *ShapeError
				require.ErrorAs(t, err, &shape)
				return
			case c.Status == 400:
				require.Zero(t, batch.Received.Total())
				require.Positive(t, batch.Rejected.Total())
				require.NotEmpty(t, batch.Errors)
				return
			}
			assert.Equal(t, c.Stored, batch.Received)
			got := batchLines(batch)
			for signal, want := range c.Lines {
				require.Len(t, got[signal], len(want))
				for i := range want {
					assertSameJSON(t, want[i], withoutReceipt(t, got[signal][i]))
				}
			}
		})
	}
}
