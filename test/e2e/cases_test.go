// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/demodata"
	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// httpCase is a line of testdata/http-cases.jsonl.
type httpCase struct {
	Name    string
	Method  string
	Headers [][2]string
	Body    []byte `json:"body_base64"`

	Status   int
	Response map[string]json.RawMessage
	Stored   map[demodata.Signal]int
	Lines    map[demodata.Signal][]json.RawMessage
}

// request returns the request of the case. If it has no Origin header and origin is
// set, the header is added.
func (c *httpCase) request(origin string) harness.Request {
	request := harness.Request{Method: c.Method, Header: slices.Clone(c.Headers), Body: c.Body}
	if _, has := headerOf(request, "Origin"); origin != "" && !has {
		request.Header = append(request.Header, [2]string{"Origin", origin})
	}
	return request
}

func httpCases(t *testing.T) []httpCase {
	t.Helper()
	f, err := os.Open(filepath.Join(harness.Root(t), "testdata", "http-cases.jsonl"))
	require.NoError(t, err)
	defer f.Close()
	var cases []httpCase
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var c httpCase
		require.NoError(t, json.Unmarshal(lines.Bytes(), &c), "%s", lines.Bytes())
		cases = append(cases, c)
	}
	require.NoError(t, lines.Err())
	require.NotEmpty(t, cases)
	return cases
}

// The cases of the contract: once without origin, as a program sends them, and once
// with the allowed origin, whose pages can read every answer.
func TestCases(t *testing.T) {
	t.Parallel()
	for name, origin := range map[string]string{"no origin": "", "allowed origin": harness.Origin} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := harness.Start(t, harness.Options{})
			stored := &harness.Reader{Directory: c.Directory}
			for _, tc := range httpCases(t) {
				t.Run(tc.Name, func(t *testing.T) {
					request := tc.request(origin)
					answer := c.Exchange(t, request)
					checkCase(t, tc, answer, stored.Next(t))
					checkHeader(t, request, answer)
				})
			}
		})
	}
}

func checkCase(t *testing.T, tc httpCase, answer harness.Answer, stored []harness.Line) {
	t.Helper()
	require.Equal(t, tc.Status, answer.Status, "answer %s", answer.Body)
	checkResponse(t, tc, answer)
	for _, signal := range demodata.Signals {
		got := entriesOf(t, stored, signal)
		require.Len(t, got, tc.Stored[signal], signal)
		if tc.Lines == nil {
			continue
		}
		var want []string
		for _, line := range tc.Lines[signal] {
			want = append(want, canonical(t, line))
		}
		require.Equal(t, want, got, signal)
	}
}

func checkResponse(t *testing.T, tc httpCase, answer harness.Answer) {
	t.Helper()
	if tc.Response == nil {
		require.Empty(t, answer.Body)
		return
	}
	var got map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(answer.Body, &got), "answer %q", answer.Body)
	for key, want := range tc.Response {
		require.Contains(t, got, key)
		require.Equal(t, canonical(t, want), canonical(t, got[key]), key)
	}
	switch _, rejected := tc.Response["rejected"]; {
	case rejected:
		require.Contains(t, got, "errors")
	case tc.Status == 200:
		require.Len(t, got, 2, "answer %s", answer.Body) // status and received, nothing else
	case tc.Status == 400:
		require.Contains(t, got, "detail")
	}
}

// checkHeader checks the headers that every answer needs.
func checkHeader(t *testing.T, request harness.Request, answer harness.Answer) {
	t.Helper()
	if len(answer.Body) > 0 {
		require.Equal(t, "application/json", answer.Header.Get("Content-Type"))
	}
	switch answer.Status {
	case 405:
		require.Equal(t, "POST, OPTIONS", answer.Header.Get("Allow"))
	case 429, 503:
		require.Regexp(t, `^[1-9]\d*$`, answer.Header.Get("Retry-After"))
	}

	origin, _ := headerOf(request, "Origin")
	_, preflight := headerOf(request, "Access-Control-Request-Method")
	if origin != harness.Origin {
		require.Empty(t, answer.Header.Values("Access-Control-Allow-Origin"))
		return
	}
	require.Equal(t, []string{origin}, answer.Header.Values("Access-Control-Allow-Origin"))
	if preflight && request.Method == http.MethodOptions {
		require.Equal(t, "7200", answer.Header.Get("Access-Control-Max-Age"))
		require.Contains(t, answer.Header.Get("Access-Control-Allow-Methods"), "POST")
		allowed := strings.ToLower(answer.Header.Get("Access-Control-Allow-Headers"))
		require.Contains(t, allowed, "content-type")
		require.Contains(t, allowed, "x-telemetry-token")
		return
	}
	if request.Method != http.MethodOptions {
		exposed := strings.ToLower(answer.Header.Get("Access-Control-Expose-Headers"))
		require.Contains(t, exposed, "retry-after", "a script could not read it")
	}
}

// entriesOf returns the entries in the lines of a signal. Nothing may be added after
// received_at.
func entriesOf(t *testing.T, lines []harness.Line, signal demodata.Signal) []string {
	t.Helper()
	var entries []string
	for _, line := range lines {
		if line.Signal == signal {
			require.Equal(t, "{}", line.Added, "added to %s", line.Entry)
			entries = append(entries, line.Entry)
		}
	}
	return entries
}

func canonical(t *testing.T, value []byte) string {
	t.Helper()
	spelt, err := harness.Canonical(value)
	require.NoError(t, err, "%s", value)
	return spelt
}

// headerOf returns a header of a request and whether the request has it.
func headerOf(request harness.Request, name string) (string, bool) {
	for _, field := range request.Header {
		if strings.EqualFold(field[0], name) {
			return field[1], true
		}
	}
	return "", false
}
