// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configauth"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/extension/extensionauth"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

var authID = component.MustNewID("fake_auth")

// testHost has extensions and passes on the status events it gets.
type testHost struct {
	extensions map[component.ID]component.Component
	reported   chan *componentstatus.Event
}

func (h *testHost) GetExtensions() map[component.ID]component.Component { return h.extensions }

func (h *testHost) Report(event *componentstatus.Event) { h.reported <- event }

// fakeAuth is an extension that accepts requests with a password.
type fakeAuth struct {
	component.StartFunc
	component.ShutdownFunc
	extensionauth.Server
}

// user is the auth data that fakeAuth adds.
type user struct{ name string }

func (u user) GetAttribute(string) any   { return u.name }
func (user) GetAttributeNames() []string { return []string{"name"} }

func newFakeAuth() *fakeAuth {
	return &fakeAuth{Server: extensionauth.ServerAuthenticateFunc(
		func(ctx context.Context, sources map[string][]string) (context.Context, error) {
			if got := sources["Password"]; len(got) != 1 || got[0] != "sesame" {
				return ctx, errors.New("the password is sesame")
			}
			info := client.FromContext(ctx)
			info.Auth = user{"ali"}
			return client.NewContext(ctx, info), nil
		},
	)}
}

func hostWithAuth() *testHost {
	return &testHost{extensions: map[component.ID]component.Component{authID: newFakeAuth()}}
}

// withAuth adds the extension to a configuration.
func withAuth(cfg *Config) *Config {
	cfg.ServerConfig.Auth = configoptional.Some(confighttp.AuthConfig{
		Config:            configauth.Config{AuthenticatorID: authID},
		RequestParameters: []string{"Password"},
	})
	return cfg
}

func TestAuth(t *testing.T) {
	t.Parallel()
	right := map[string]string{"Password": "sesame", "Origin": testOrigin}
	wrong := map[string]string{"Password": "barley", "Origin": testOrigin}
	tests := []struct {
		name     string
		noTokens bool
		req      request
		status   int
	}{
		{"both right", false, request{header: right}, 200},
		{"password wrong", false, request{header: wrong}, 401},
		{"no password", false, request{}, 401},
		{"token missing", false, request{header: right, noToken: true}, 401},
		{"both wrong", false, request{header: wrong, noToken: true}, 401},
		{"no token needed", true, request{header: right, noToken: true}, 200},
		{"no token needed, password wrong", true, request{header: wrong, noToken: true}, 401},
		{"password in the query", true, request{path: testPath + "?Password=sesame"}, 200},
		{"query overrides header", true, request{path: testPath + "?Password=barley", header: right}, 401},
		{"preflight", false, request{method: http.MethodOptions, noToken: true, header: map[string]string{"Origin": testOrigin}}, 204},
		{"other path", false, request{path: "/", noToken: true}, 404},
		{"other method", false, request{method: http.MethodGet, noToken: true}, 405},
		{"other origin", false, request{header: map[string]string{"Origin": "https://evil.example"}}, 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := withAuth(testConfig())
			if tt.noTokens {
				cfg.Tokens = nil
			}
			e := serveWith(t, cfg, failing(nil, nil, nil), receivertest.NewNopSettings(componentType), hostWithAuth())
			req := tt.req
			req.body = strings.NewReader(oneLog)
			got := e.do(t, req)
			assert.Equal(t, tt.status, got.status)
			assert.Equal(t, req.header["Origin"] == testOrigin, got.header.Get("Access-Control-Allow-Origin") == testOrigin)
			if tt.status == http.StatusUnauthorized {
				assert.Equal(t, `{"error":"Unauthorized"}`, got.body, "without the extension's error")
			}
		})
	}
}

// TestAuthData looks for the extension's auth data in the pipeline.
func TestAuthData(t *testing.T) {
	t.Parallel()
	var info client.Info
	logs, err := consumer.NewLogs(func(ctx context.Context, _ plog.Logs) error {
		info = client.FromContext(ctx)
		return nil
	})
	require.NoError(t, err)
	cfg := withAuth(testConfig())
	e := serveWith(t, cfg, consumers{logs: logs}, receivertest.NewNopSettings(componentType), hostWithAuth())
	got := e.do(t, request{body: strings.NewReader(oneLog), header: map[string]string{"Password": "sesame"}})
	require.Equal(t, http.StatusOK, got.status)
	assert.Equal(t, user{"ali"}, info.Auth)
	assert.Equal(t, "127.0.0.1", info.Addr.String())
}

func TestAuthExtensionIsMissing(t *testing.T) {
	t.Parallel()
	r := create(t, receivertest.NewNopSettings(componentType), withAuth(testConfig()), failing(nil, nil, nil))[0]
	require.ErrorContains(t, r.Start(t.Context(), componenttest.NewNopHost()), "auth: ")
	require.NoError(t, r.Shutdown(t.Context()))
}
