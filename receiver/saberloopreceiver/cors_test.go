// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestOrigins(t *testing.T) {
	t.Parallel()
	const own = "https://saberloop.com"
	tests := []struct {
		allowed []string
		origin  string
		want    bool
	}{
		{[]string{own}, own, true},
		{[]string{own}, "https://SABERLOOP.com", true},
		{[]string{own, "http://localhost:8080"}, "http://localhost:8080", true},
		{[]string{own}, "http://saberloop.com", false},
		{[]string{own}, "https://saberloop.com:444", false},
		{[]string{own}, "https://saberloop.com.evil.example", false},
		{[]string{own}, "https://evil-saberloop.com", false},
		{[]string{own}, "https://sub.saberloop.com", false},
		{[]string{own}, "null", false},
		{[]string{"https://*.saberloop.com"}, "https://sub.saberloop.com", true},
		{[]string{"https://*.saberloop.com"}, own, false},
		{[]string{"*"}, "https://anyone.example", true},
		{[]string{"*"}, "null", true},
		{[]string{}, own, false},
		{nil, own, false},
		{[]string{""}, own, false},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%q allows %q", tt.allowed, tt.origin), func(t *testing.T) {
			t.Parallel()
			cfg := testConfig()
			cfg.ServerConfig.CORS.Get().AllowedOrigins = tt.allowed
			e := serve(t, cfg, failing(nil, nil, nil))
			for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodPut, http.MethodOptions} {
				got := e.do(t, request{
					method: method,
					body:   strings.NewReader(oneLog),
					header: map[string]string{"Origin": tt.origin, "Access-Control-Request-Method": "POST"},
				})
				assert.Contains(t, got.header.Values("Vary"), "Origin")
				// Other origins must not be able to read any answer.
				allowed := map[bool]string{true: tt.origin, false: ""}[tt.want]
				assert.Equal(t, allowed, got.header.Get("Access-Control-Allow-Origin"), method)
				assert.Empty(t, got.header.Get("Access-Control-Allow-Credentials"))
				switch {
				case method == http.MethodOptions:
					assert.Equal(t, http.StatusNoContent, got.status)
					age := map[bool]string{true: "7200", false: ""}[tt.want]
					assert.Equal(t, age, got.header.Get("Access-Control-Max-Age"))
				case method != http.MethodPost:
					assert.Equal(t, http.StatusMethodNotAllowed, got.status)
				case tt.want:
					assert.Equal(t, http.StatusOK, got.status)
				default:
					assert.Equal(t, http.StatusForbidden, got.status)
					assert.Equal(t, `{"error":"Origin not allowed"}`, got.body)
				}
			}
		})
	}
}

// TestNoOrigin sends requests like programs that are not browsers.
func TestNoOrigin(t *testing.T) {
	t.Parallel()
	for _, allowed := range [][]string{nil, {testOrigin}, {"*"}} {
		cfg := testConfig()
		cfg.ServerConfig.CORS.Get().AllowedOrigins = allowed
		got := serve(t, cfg, failing(nil, nil, nil)).do(t, request{body: strings.NewReader(oneLog)})
		assert.Equal(t, http.StatusOK, got.status)
		assert.Equal(t, []string{"Origin"}, got.header.Values("Vary"))
		assert.Empty(t, got.header.Get("Access-Control-Allow-Origin"))
	}
}

// TestCORSNotConfigured tests the default: no page may send data.
func TestCORSNotConfigured(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.ServerConfig.CORS = createDefaultConfig().(*Config).ServerConfig.CORS
	e := serve(t, cfg, failing(nil, nil, nil))
	assert.Equal(t, http.StatusForbidden, e.post(t, oneLog).status)
}

// TestOddOrigins sends origins that no browser sends.
func TestOddOrigins(t *testing.T) {
	t.Parallel()
	c := newCrossOrigin(testConfig())
	for _, origins := range [][]string{{""}, {testOrigin, testOrigin}, {testOrigin, "https://evil.example"}} {
		r := httptest.NewRequest(http.MethodPost, testPath, nil)
		r.Header["Origin"] = origins
		assert.True(t, c.refuse(r), origins)
		header := http.Header{}
		c.setHeaders(header, r)
		assert.Equal(t, http.Header{"Vary": {"Origin"}}, header)
	}
}

func TestConfiguredCORSHeaders(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cors := cfg.ServerConfig.CORS.Get()
	cors.AllowedHeaders = []string{"*"}
	cors.ExposedHeaders = []string{"Retry-After", "X-More"}
	cors.MaxAge = 0
	e := serve(t, cfg, failing(nil, nil, nil))
	got := e.do(t, request{method: http.MethodOptions, header: map[string]string{"Origin": testOrigin}})
	assert.Equal(t, "*", got.header.Get("Access-Control-Allow-Headers"))
	assert.NotContains(t, got.header, "Access-Control-Max-Age")
	assert.Equal(t, "Retry-After, X-More", e.post(t, oneLog).header.Get("Access-Control-Expose-Headers"))
}
