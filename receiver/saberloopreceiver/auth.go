// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"context"
	"fmt"
	"maps"
	"net/http"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/extension/extensionauth"
)

// tokenHeader is the request header with the token.
const tokenHeader = "X-Telemetry-Token" //nolint:gosec // the name is no secret

// authenticator asks the extension that auth configures. The zero value accepts
// every request.
type authenticator struct {
	extension extensionauth.Server
	// params are the query parameters that the extension gets as headers.
	params []string
}

// newAuthenticator finds the extension. cfg is nil if none is configured.
func newAuthenticator(ctx context.Context, cfg *confighttp.AuthConfig, host component.Host) (authenticator, error) {
	if cfg == nil {
		return authenticator{}, nil
	}
	extension, err := cfg.Config.GetServerAuthenticator(ctx, host.GetExtensions())
	if err != nil {
		return authenticator{}, fmt.Errorf("auth: %w", err)
	}
	return authenticator{extension: extension, params: cfg.RequestParameters}, nil
}

// authenticate returns the context with what the extension knows about the
// client.
func (a authenticator) authenticate(r *http.Request) (context.Context, error) {
	if a.extension == nil {
		return r.Context(), nil
	}
	sources := map[string][]string(r.Header)
	if len(a.params) > 0 {
		sources = maps.Clone(sources)
		query := r.URL.Query()
		for _, param := range a.params {
			if values, ok := query[param]; ok {
				sources[param] = values
			}
		}
	}
	return a.extension.Authenticate(r.Context(), sources)
}
