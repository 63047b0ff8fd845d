// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

const (
	mebibyte = 1 << 20 // the default limit of a body
	evil     = "https://evil.example"
)

// What the case file does not cover: sizes, encodings, depths, paths, and the order of
// the checks.
func TestContract(t *testing.T) {
	t.Parallel()
	// Many cases have the same body.
	c := harness.Start(t, harness.Options{Config: "receivers: {saberloop: {duplicates: {window: 0s}}}"})
	stored := &harness.Reader{Directory: c.Directory}

	token := [2]string{"X-Telemetry-Token", harness.Token}
	wrong := [2]string{"X-Telemetry-Token", "wrong"}
	fromEvil := [2]string{"Origin", evil}
	chunked := [2]string{"Transfer-Encoding", "chunked"}
	encoded := func(name string) [2]string { return [2]string{"Content-Encoding", name} }
	post := func(body []byte, header ...[2]string) harness.Request {
		return harness.Request{Method: "POST", Header: header, Body: body}
	}
	at := func(target string, r harness.Request) harness.Request {
		r.Target = target
		return r
	}
	one := []byte(`{"logs":[{"message":"one"}]}`)

	for _, tc := range []struct {
		name    string
		request harness.Request
		status  int
		err     string // of the answer
		stored  int
	}{
		{"other path", at("/", post(one, token)), 404, "Not found", 0},
		{"path below", at(harness.Path+"/", post(one, token)), 404, "Not found", 0},
		{"other path before method", at("/x", harness.Request{Method: "GET"}), 404, "Not found", 0},
		{"other path before preflight", at("/x", harness.Request{Method: "OPTIONS"}), 404, "Not found", 0},
		{"old path", at("/telemetry/ingest.php", post(one, token)), 200, "", 1},
		{"path with query", at(harness.Path+"?token=x", post(one, token)), 200, "", 1},

		{"preflight of other origin", harness.Request{Method: "OPTIONS", Header: [][2]string{fromEvil, {"Access-Control-Request-Method", "POST"}}}, 204, "", 0},
		{"PATCH", harness.Request{Method: "PATCH", Header: [][2]string{token}, Body: one}, 405, "Method not allowed", 0},
		{"method before origin", harness.Request{Method: "GET", Header: [][2]string{fromEvil}}, 405, "Method not allowed", 0},
		{"origin before token", post(one, fromEvil, wrong), 403, "Origin not allowed", 0},
		{"origin null", post(one, token, [2]string{"Origin", "null"}), 403, "Origin not allowed", 0},
		{"origin with port", post(one, token, [2]string{"Origin", harness.Origin + ":8443"}), 403, "Origin not allowed", 0},
		{"origin of http", post(one, token, [2]string{"Origin", "http://saberloop.com"}), 403, "Origin not allowed", 0},
		{"origin with a suffix", post(one, token, [2]string{"Origin", harness.Origin + ".evil.example"}), 403, "Origin not allowed", 0},
		{"token before size", post(paddedTo(mebibyte+1), wrong), 401, "Unauthorized", 0},
		{"token before JSON", post([]byte("x"), wrong), 401, "Unauthorized", 0},
		{"token before encoding", post([]byte("x"), wrong, encoded("gzip")), 401, "Unauthorized", 0},
		{"token in other case", post(one, [2]string{"X-Telemetry-Token", "TEST-TOKEN"}), 401, "Unauthorized", 0},
		{"token cut short", post(one, [2]string{"X-Telemetry-Token", "test-toke"}), 401, "Unauthorized", 0},
		{"token with blanks around", post(one, [2]string{"X-Telemetry-Token", " \ttest-token\t "}), 200, "", 1},

		{"as large as may be", post(paddedTo(mebibyte), token), 200, "", 1},
		{"as large as may be, chunked", post(paddedTo(mebibyte), token, chunked), 200, "", 1},
		{"too large", post(paddedTo(mebibyte+1), token), 413, "Payload too large", 0},
		{"too large, chunked", post(paddedTo(mebibyte+1), token, chunked), 413, "Payload too large", 0},
		{"too large before JSON", post(bytes.Repeat([]byte("x"), mebibyte+1), token), 413, "Payload too large", 0},
		{"as large as may be, once decoded", post(compressed(t, paddedTo(mebibyte), newGzip), token, encoded("gzip")), 200, "", 1},
		{"too large once decoded", post(compressed(t, paddedTo(mebibyte+1), newGzip), token, encoded("gzip")), 413, "Payload too large", 0},
		{"gzip bomb", post(compressed(t, paddedTo(64*mebibyte), newGzip), token, encoded("gzip")), 413, "Payload too large", 0},
		{"zstd bomb", post(compressed(t, paddedTo(64*mebibyte), newZstd), token, encoded("zstd")), 413, "Payload too large", 0},

		{"gzip", post(compressed(t, one, newGzip), token, encoded("gzip")), 200, "", 1},
		{"zstd", post(compressed(t, one, newZstd), token, encoded("zstd")), 200, "", 1},
		{"deflate", post(compressed(t, one, newZlib), token, encoded("deflate")), 200, "", 1},
		{"no gzip", post(one, token, encoded("gzip")), 400, "Invalid JSON", 0},
		{"gzip cut short", post(compressed(t, one, newGzip)[:20], token, encoded("gzip")), 400, "Invalid JSON", 0},
		{"identity", post(one, token, encoded("identity")), 200, "", 1},

		{"no content type", post(one, token), 200, "", 1},
		{"odd content type", post(one, token, [2]string{"Content-Type", "application/json; charset=\"UTF-8\"; x"}), 200, "", 1},
		{"511 levels", post(levels(511), token), 200, "", 1},
		{"512 levels", post(levels(512), token), 400, "Invalid JSON", 0},
		{"512 levels where nobody looks", post([]byte(`{"x":`+strings.Repeat("[", 511)+strings.Repeat("]", 511)+`,"logs":[{}]}`), token), 400, "Invalid JSON", 0},
		{"traces not an array", post([]byte(`{"logs":[{}],"traces":{}}`), token), 400, "Invalid batch", 0},
		{"metrics not an array", post([]byte(`{"logs":[{}],"metrics":"x"}`), token), 400, "Invalid batch", 0},
		{"broken behind good entries", post([]byte(`{"logs":[{"a":1},{"a":2}],"traces":[}`), token), 400, "Invalid JSON", 0},
		{"logs given twice", post([]byte(`{"logs":[{"a":1},{"a":2}],"logs":[{"a":3}]}`), token), 200, "", 1},
		{"all null", post([]byte(`{"logs":null,"traces":null,"metrics":null}`), token), 200, "", 0},
	} {
		for _, origin := range []string{"", harness.Origin} {
			request := tc.request
			name := tc.name
			if _, has := headerOf(request, "Origin"); origin != "" {
				if has {
					continue
				}
				name += ", allowed origin"
				request.Header = append(slices.Clip(request.Header), [2]string{"Origin", origin})
			}
			t.Run(name, func(t *testing.T) {
				answer := c.Exchange(t, request)
				require.Equal(t, tc.status, answer.Status, "answer %s", answer.Body)
				checkHeader(t, request, answer)
				if len(answer.Body) > 0 {
					got, err := answer.Member("error")
					require.NoError(t, err)
					require.Equal(t, tc.err, strings.Trim(got, `"`))
				}
				require.Len(t, stored.Next(t), tc.stored)
			})
		}
	}
}

// If some entries of a batch are refused, the answer has their number and the reasons
// of at most ten. The others are stored.
func TestRefusedEntries(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{})
	stored := &harness.Reader{Directory: c.Directory}

	refused := strings.TrimSuffix(strings.Repeat(`7,{"x":1e400},`, 8), ",")
	answer := c.MustPost(t, []byte(`{"logs":[`+refused+`,{"a":1}],"traces":[null],"metrics":["x",{"b":1}]}`))
	require.Equal(t, 200, answer.Status)
	var got struct {
		Received, Rejected harness.Counts
		Errors             []string
	}
	require.NoError(t, json.Unmarshal(answer.Body, &got))
	require.Equal(t, harness.Counts{Logs: 1, Metrics: 1}, got.Received)
	require.Equal(t, harness.Counts{Logs: 16, Traces: 1, Metrics: 1}, got.Rejected)
	require.Len(t, got.Errors, 10)
	require.True(t, strings.HasPrefix(got.Errors[1], "logs[1]: "), got.Errors[1])
	require.Len(t, stored.Next(t), 2)

	answer = c.MustPost(t, []byte(`{"logs":[`+refused+`]}`))
	require.Equal(t, 400, answer.Status)
	message, err := answer.Member("error")
	require.NoError(t, err)
	require.Equal(t, `"Invalid batch"`, message)
	require.Empty(t, stored.Next(t))
}

// received_at is the time of receipt in UTC, in whole seconds.
func TestReceivedAt(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{})
	before := time.Now().Truncate(time.Second)
	require.Equal(t, 200, c.MustPost(t, []byte(`{"logs":[{}],"traces":[{}],"metrics":[{}]}`)).Status)
	after := time.Now()
	lines := (&harness.Reader{Directory: c.Directory}).Next(t)
	require.Len(t, lines, 3)
	for _, line := range lines {
		require.WithinRange(t, line.ReceivedAt, before, after)
	}
}

// During a token rotation, both tokens are accepted.
func TestTokenRotation(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{Config: `receivers: {saberloop: {tokens: ["", old-token, new-token]}}`})
	for token, status := range map[string]int{"old-token": 200, "new-token": 200, "": 401, harness.Token: 401} {
		answer := c.Exchange(t, harness.Request{
			Method: "POST",
			Header: [][2]string{{"X-Telemetry-Token", token}},
			Body:   []byte(`{"logs":[]}`),
		})
		require.Equal(t, status, answer.Status, "token %q", token)
	}
}

// paddedTo returns a batch of one log with exactly size bytes.
func paddedTo(size int) []byte {
	frame := `{"logs":[{"message":"%s"}]}`
	return fmt.Appendf(nil, frame, strings.Repeat("x", size-len(frame)+len("%s")))
}

// levels returns a batch of one log with n levels in all.
func levels(n int) []byte {
	const above = 3 // the batch, logs, the entry
	return []byte(`{"logs":[{"deep":` + strings.Repeat("[", n-above) + strings.Repeat("]", n-above) + `}]}`)
}

func newGzip(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }
func newZlib(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }
func newZstd(w io.Writer) io.WriteCloser {
	encoder, err := zstd.NewWriter(w)
	if err != nil {
		panic(err) // it has no options that could be wrong
	}
	return encoder
}

func compressed(t *testing.T, body []byte, with func(io.Writer) io.WriteCloser) []byte {
	t.Helper()
	var b bytes.Buffer
	w := with(&b)
	_, err := w.Write(body)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}
