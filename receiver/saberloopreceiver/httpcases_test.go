// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

// httpCase is a line of testdata/http-cases.jsonl at the top of the repository.
type httpCase struct {
	Name     string                     `json:"name"`
	Method   string                     `json:"method"`
	Headers  [][2]string                `json:"headers"`
	Body     []byte                     `json:"body_base64"`
	Status   int                        `json:"status"`
	Response map[string]json.RawMessage `json:"response"`
	Stored   counts                     `json:"stored"`
}

func readHTTPCases(tb testing.TB) []httpCase {
	tb.Helper()
	file, err := os.Open("../../testdata/http-cases.jsonl")
	require.NoError(tb, err)
	defer func() { require.NoError(tb, file.Close()) }()
	var cases []httpCase
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c httpCase
		require.NoError(tb, json.Unmarshal(lines.Bytes(), &c))
		cases = append(cases, c)
	}
	require.NoError(tb, lines.Err())
	require.NotEmpty(tb, cases)
	return cases
}

// TestHTTPCases runs the cases of the contract. The end-to-end test checks the
// stored lines.
func TestHTTPCases(t *testing.T) {
	t.Parallel()
	for _, c := range readHTTPCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			var stored sinks
			e := serve(t, testConfig(), stored.consumers())

			req := request{method: c.Method, body: bytes.NewReader(c.Body), header: map[string]string{}, noToken: true}
			for _, h := range c.Headers {
				if strings.EqualFold(h[0], "Transfer-Encoding") {
					// net/http sends a reader of unknown length in chunks.
					req.body = io.MultiReader(req.body)
					continue
				}
				req.header[h[0]] = h[1]
			}
			got := e.do(t, req)

			assert.Equal(t, c.Status, got.status, got.body)
			assert.Equal(t, entry.Counts(c.Stored), stored.counts())
			if c.Response == nil {
				assert.Empty(t, got.body)
				return
			}
			assert.Equal(t, "application/json", got.header.Get("Content-Type"))
			fields := got.fields(t)
			for key, want := range c.Response {
				value, err := json.Marshal(fields[key])
				require.NoError(t, err)
				assert.JSONEq(t, string(want), string(value), key)
			}
			if c.Status == http.StatusOK && c.Response["rejected"] == nil {
				assert.Len(t, fields, 2, "status and received, and nothing else: %s", got.body)
			}
		})
	}
}
