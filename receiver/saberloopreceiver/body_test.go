// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func gzipped(tb testing.TB, body string) []byte {
	tb.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, err := io.WriteString(w, body)
	require.NoError(tb, err)
	require.NoError(tb, w.Close())
	return buf.Bytes()
}

func deflated(tb testing.TB, body string) []byte {
	tb.Helper()
	var buf bytes.Buffer
	w := zlib.NewWriter(&buf)
	_, err := io.WriteString(w, body)
	require.NoError(tb, err)
	require.NoError(tb, w.Close())
	return buf.Bytes()
}

func zstded(tb testing.TB, body string) []byte {
	tb.Helper()
	var buf bytes.Buffer
	w, err := zstd.NewWriter(&buf)
	require.NoError(tb, err)
	_, err = io.WriteString(w, body)
	require.NoError(tb, err)
	require.NoError(tb, w.Close())
	return buf.Bytes()
}

// encodings are the content codings that are enabled by default.
var encodings = []struct {
	name   string
	encode func(testing.TB, string) []byte
}{{"gzip", gzipped}, {"deflate", deflated}, {"zstd", zstded}}

func (e *endpoint) postEncoded(tb testing.TB, encoding string, body io.Reader) reply {
	tb.Helper()
	return e.do(tb, request{body: body, header: map[string]string{"Content-Encoding": encoding, "Origin": testOrigin}})
}

func TestContentEncodings(t *testing.T) {
	t.Parallel()
	for _, encoding := range encodings {
		t.Run(encoding.name, func(t *testing.T) {
			t.Parallel()
			var stored sinks
			e := serve(t, testConfig(), stored.consumers())
			// Several times, because decoders are reused.
			for i := range 3 {
				body := strings.Replace(oneOfEach, "m", strconv.Itoa(i), 1)
				got := e.postEncoded(t, encoding.name, bytes.NewReader(encoding.encode(t, body)))
				assert.Equal(t, http.StatusOK, got.status, got.body)
			}
			assert.Equal(t, 9, stored.counts().Total())
		})
	}
}

// TestContentEncodingIgnoresCase: names of content codings are case-insensitive.
func TestContentEncodingIgnoresCase(t *testing.T) {
	t.Parallel()
	var stored sinks
	e := serve(t, testConfig(), stored.consumers())
	for _, encoding := range encodings {
		for _, name := range []string{strings.ToUpper(encoding.name), strings.ToUpper(encoding.name[:1]) + encoding.name[1:]} {
			// A body of its own for each, or they would be duplicates.
			body := `{"logs":[{"message":"` + name + `"}]}`
			got := e.postEncoded(t, name, bytes.NewReader(encoding.encode(t, body)))
			assert.Equal(t, http.StatusOK, got.status, name)
		}
	}
	assert.Equal(t, http.StatusOK, e.postEncoded(t, "Identity", strings.NewReader(oneLog)).status)
	assert.Equal(t, 2*len(encodings)+1, stored.counts().Logs)
	assert.Equal(t, http.StatusBadRequest, e.postEncoded(t, "BR", strings.NewReader(oneLog)).status)
}

func TestPlainIsAlwaysAccepted(t *testing.T) {
	t.Parallel()
	for _, algorithms := range [][]string{{}, {"gzip"}, {"", "gzip"}} {
		cfg := testConfig()
		cfg.ServerConfig.CompressionAlgorithms = algorithms
		e := serve(t, cfg, failing(nil, nil, nil))
		assert.Equal(t, http.StatusOK, e.post(t, oneLog).status)
		assert.Equal(t, http.StatusOK, e.postEncoded(t, "identity", strings.NewReader(oneLog)).status)
		assert.Equal(t, http.StatusBadRequest, e.postEncoded(t, "zstd", bytes.NewReader(zstded(t, oneLog))).status)
	}
}

// TestBombs sends small bodies that become large when they are decoded.
func TestBombs(t *testing.T) {
	t.Parallel()
	bomb := `{"logs":[{"message":"` + strings.Repeat("0", 2<<20) + `"}]}`
	for _, encoding := range encodings {
		t.Run(encoding.name, func(t *testing.T) {
			t.Parallel()
			e := serve(t, testConfig(), failing(nil, nil, nil))
			small := encoding.encode(t, bomb)
			require.Less(t, len(small), 1<<20)
			got := e.postEncoded(t, encoding.name, bytes.NewReader(small))
			assert.Equal(t, http.StatusRequestEntityTooLarge, got.status)
			assert.Equal(t, `{"error":"Payload too large"}`, got.body)
			assert.Equal(t, http.StatusOK, e.post(t, oneLog).status, "the next request")
		})
	}
}

// TestWindowBomb sends a zstd frame that asks for a window of 512 MiB.
func TestWindowBomb(t *testing.T) {
	t.Parallel()
	magic := []byte{0x28, 0xb5, 0x2f, 0xfd}
	// Window_Descriptor 19<<3 is 1<<(10+19) bytes. The only block is a raw one of
	// one byte.
	bomb := append(magic, 0x00, 19<<3, 1|1<<3, 0, 0, '{')

	decode, err := newZstd()
	require.NoError(t, err)
	_, err = decode(make([]byte, 1<<20), bomb)
	require.ErrorIs(t, err, zstd.ErrWindowSizeExceeded)

	e := serve(t, testConfig(), failing(nil, nil, nil))
	assert.Equal(t, http.StatusBadRequest, e.postEncoded(t, "zstd", bytes.NewReader(bomb)).status)
}

// TestFrames sends zstd frames that together are larger than the limit.
func TestFrames(t *testing.T) {
	t.Parallel()
	decode, err := newZstd()
	require.NoError(t, err)
	dst := make([]byte, 1000)
	frame := zstded(t, strings.Repeat("x", 500))
	for n := range 10 {
		got, err := decode(dst, bytes.Repeat(frame, n))
		if n > 2 {
			require.ErrorIs(t, err, errTooLarge, n)
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, strings.Repeat("x", n*500), string(dst[:got]))
	}
	_, err = decode(dst, append(bytes.Repeat(frame, 2), zstded(t, strings.Repeat("x", 8<<20))...))
	require.ErrorIs(t, err, errTooLarge)
}

// TestLargestWindow uses the largest window that RFC 9659 allows.
func TestLargestWindow(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	w, err := zstd.NewWriter(&buf, zstd.WithWindowSize(8<<20))
	require.NoError(t, err)
	_, err = io.WriteString(w, oneLog)
	require.NoError(t, err)
	require.NoError(t, w.Flush())
	require.NoError(t, w.Close())
	e := serve(t, testConfig(), failing(nil, nil, nil))
	got := e.postEncoded(t, "zstd", &buf)
	assert.Equal(t, http.StatusOK, got.status, got.body)
}

// TestLimitIsExact sends bodies of the limit and of one byte more: with a length,
// in chunks, and in each content coding.
func TestLimitIsExact(t *testing.T) {
	t.Parallel()
	const limit = 4 << 10
	cfg := testConfig()
	cfg.ServerConfig.MaxRequestBodySize = limit
	e := serve(t, cfg, failing(nil, nil, nil))
	sized := func(size int) string { return oneLog + strings.Repeat(" ", size-len(oneLog)) }

	assert.Equal(t, http.StatusOK, e.post(t, sized(limit)).status)
	assert.Equal(t, http.StatusRequestEntityTooLarge, e.post(t, sized(limit+1)).status)
	chunked := func(body string) io.Reader { return io.MultiReader(strings.NewReader(body)) }
	assert.Equal(t, http.StatusOK, e.do(t, request{body: chunked(sized(limit))}).status)
	assert.Equal(t, http.StatusRequestEntityTooLarge, e.do(t, request{body: chunked(sized(limit + 1))}).status)
	for _, encoding := range encodings {
		small := encoding.encode(t, sized(limit))
		assert.Equal(t, http.StatusOK, e.postEncoded(t, encoding.name, bytes.NewReader(small)).status)
		large := encoding.encode(t, sized(limit+1))
		assert.Equal(t, http.StatusRequestEntityTooLarge, e.postEncoded(t, encoding.name, bytes.NewReader(large)).status)
	}
}

// TestTooLargeOnTheWire sends compressed bodies that are larger than the limit
// before they are decoded.
func TestTooLargeOnTheWire(t *testing.T) {
	t.Parallel()
	noise := make([]byte, 8<<10)
	_, err := rand.Read(noise)
	require.NoError(t, err)
	body := `{"logs":[{"message":"` + base64.StdEncoding.EncodeToString(noise) + `"}]}`
	cfg := testConfig()
	cfg.ServerConfig.MaxRequestBodySize = 4 << 10
	e := serve(t, cfg, failing(nil, nil, nil))
	for _, encoding := range encodings {
		large := encoding.encode(t, body)
		require.Greater(t, len(large), 4<<10)
		assert.Equal(t, http.StatusRequestEntityTooLarge, e.postEncoded(t, encoding.name, bytes.NewReader(large)).status)
	}
}

func TestCorruptBodies(t *testing.T) {
	t.Parallel()
	body := `{"logs":[` + strings.Repeat(`{"message":"m"},`, 1000) + `{}]}`
	for _, encoding := range encodings {
		t.Run(encoding.name, func(t *testing.T) {
			t.Parallel()
			whole := encoding.encode(t, body)
			flipped := bytes.Clone(whole)
			flipped[len(flipped)/2] ^= 0xff
			corrupt := map[string][]byte{
				"empty":          {},
				"not compressed": []byte(body),
				"cut in front":   whole[:1],
				"cut":            whole[:len(whole)/2],
				"cut at the end": whole[:len(whole)-1],
				"flipped":        flipped,
			}
			e := serve(t, testConfig(), failing(nil, nil, nil))
			for name, sent := range corrupt {
				got := e.postEncoded(t, encoding.name, bytes.NewReader(sent))
				assert.Equal(t, http.StatusBadRequest, got.status, name)
				fields := got.fields(t)
				assert.Equal(t, "Invalid JSON", fields["error"], name)
				assert.NotEmpty(t, fields["detail"], name)
				assert.Equal(t, testOrigin, got.header.Get("Access-Control-Allow-Origin"), name)
			}
		})
	}
}

func TestUnknownEncodings(t *testing.T) {
	t.Parallel()
	e := serve(t, testConfig(), failing(nil, nil, nil))
	for _, encoding := range []string{"br", "snappy", "gzip, gzip", "\"<quoted>\"", "\xff"} {
		got := e.postEncoded(t, encoding, strings.NewReader(oneLog))
		assert.Equal(t, http.StatusBadRequest, got.status)
		assert.Equal(t, "Invalid JSON", got.fields(t)["error"])
	}
}

func TestWrongContentLength(t *testing.T) {
	t.Parallel()
	var stored sinks
	e := serve(t, testConfig(), stored.consumers())
	tests := map[string]string{
		"too long":      fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(oneLog)+1, oneLog),
		"too short":     fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(oneLog)-1, oneLog),
		"a chunk short": "Transfer-Encoding: chunked\r\n\r\n1a\r\n" + oneLog + "\r\n",
		"no such chunk": "Transfer-Encoding: chunked\r\n\r\n" + oneLog,
	}
	for name, rest := range tests {
		assert.True(t, strings.HasPrefix(e.rawPost(t, rest), "HTTP/1.1 400 "), name)
	}
	enormous := e.rawPost(t, "Content-Length: 9000000000000000000\r\n\r\n"+oneLog)
	assert.True(t, strings.HasPrefix(enormous, "HTTP/1.1 413 "), enormous)
	assert.Zero(t, stored.counts())
}

// TestSlowBody: the client should send the batch again.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.ServerConfig.ReadTimeout = 50 * time.Millisecond
	e := serve(t, cfg, failing(nil, nil, nil))
	slow, never := io.Pipe()
	go func() { _, _ = io.WriteString(never, oneLog[:5]) }()
	got := e.do(t, request{body: slow})
	assert.Equal(t, http.StatusServiceUnavailable, got.status)
	assert.Equal(t, `{"error":"Service unavailable","received":{"logs":0,"traces":0,"metrics":0}}`, got.body)
	require.NoError(t, never.Close())
}
