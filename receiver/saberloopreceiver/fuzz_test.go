// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// handlerOf returns the handler of a receiver's server.
func handlerOf(tb testing.TB, cfg *Config, next consumers) http.Handler {
	tb.Helper()
	return serve(tb, cfg, next).receiver().server.Handler
}

// FuzzHandler checks what the contract says about every answer.
func FuzzHandler(f *testing.F) {
	for _, c := range readHTTPCases(f) {
		if len(c.Body) > 4<<10 {
			continue
		}
		headers := http.Header{}
		for _, h := range c.Headers {
			headers.Set(h[0], h[1])
		}
		f.Add(c.Method, testPath, headers.Get("Origin"), headers.Get(tokenHeader), headers.Get("Content-Encoding"), c.Body)
	}
	for _, encoding := range encodings {
		f.Add("POST", testPath, testOrigin, testToken, encoding.name, encoding.encode(f, oneOfEach))
		f.Add("POST", testPath, testOrigin, testToken, encoding.name, encoding.encode(f, strings.Repeat(" ", 8<<10)))
	}
	f.Add("POST", "/elsewhere?x=%zz", testOrigin, testToken, "br", []byte(oneLog))

	var stored sinks
	cfg := testConfig()
	// Small, so that many inputs exceed it.
	cfg.ServerConfig.MaxRequestBodySize = 4 << 10
	handler := handlerOf(f, cfg, stored.consumers())

	f.Fuzz(func(t *testing.T, method, path, origin, token, encoding string, body []byte) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", bytes.NewReader(body))
		r.Method = method
		r.URL = &url.URL{Path: path}
		for key, value := range map[string]string{"Origin": origin, tokenHeader: token, "Content-Encoding": encoding} {
			if value != "" {
				r.Header.Set(key, value)
			}
		}
		before := stored.counts()
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)

		require.True(t, slices.Contains(statusCodes[:], w.Code), w.Code)
		assert.Equal(t, []string{"Origin"}, w.Header().Values("Vary"))
		assert.Equal(t, strings.EqualFold(origin, testOrigin), w.Header().Get("Access-Control-Allow-Origin") != "")
		received := counts{stored.counts().Logs - before.Logs, stored.counts().Traces - before.Traces, stored.counts().Metrics - before.Metrics}
		if w.Code == http.StatusNoContent || method == http.MethodHead {
			assert.Zero(t, w.Body.Len())
			assert.Zero(t, received)
			return
		}
		assert.Equal(t, "application/json", w.Header().Get("Content-Type"))
		var got struct {
			Status, Error, Detail string
			Received, Rejected    counts
			Errors                []string
			Duplicate             bool
		}
		answer := json.NewDecoder(w.Body)
		answer.DisallowUnknownFields()
		require.NoError(t, answer.Decode(&got))
		assert.NotEqual(t, got.Status == "", got.Error == "", "either status or error")
		assert.Equal(t, w.Code == http.StatusOK, got.Status == "ok")
		assert.NotEqual(t, http.StatusInternalServerError, w.Code)
		if got.Duplicate {
			assert.Zero(t, received)
		} else {
			assert.Equal(t, received, got.Received, "received is what was stored")
		}
		assert.LessOrEqual(t, len(got.Errors), 10)
		assert.Equal(t, got.Rejected != counts{}, len(got.Errors) > 0)
		stored.logs.Reset()
		stored.traces.Reset()
		stored.metrics.Reset()
	})
}
