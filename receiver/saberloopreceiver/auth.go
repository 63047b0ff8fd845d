// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/extension/extensionauth"
)

// tokenHeader is the request header with the token.
const tokenHeader = "X-Telemetry-Token" //nolint:gosec // the name is no secret

// tokens holds the hashes of the accepted tokens. Hashes have one length, so that
// the time of a comparison does not reveal the length of a token.
type tokens [][sha256.Size]byte

// newTokens ignores blank tokens.
func newTokens(configured []configopaque.String) tokens {
	var ts tokens
	for _, c := range configured {
		if token := trimBlanks(string(c)); token != "" {
			ts = append(ts, sha256.Sum256([]byte(token)))
		}
	}
	return ts
}

// accept reports whether the value of the header is one of the tokens, in
// constant time.
func (ts tokens) accept(header string) bool {
	sent := sha256.Sum256([]byte(trimBlanks(header)))
	found := 0
	for i := range ts {
		found |= subtle.ConstantTimeCompare(sent[:], ts[i][:])
	}
	return found == 1
}

func trimBlanks(s string) string { return strings.Trim(s, " \t\r\n") }

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
