// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"crypto/sha256"
	"crypto/subtle"
	"strings"

	"go.opentelemetry.io/collector/config/configopaque"
)

// tokenHeader is the request header that carries the token.
const tokenHeader = "X-Telemetry-Token" //nolint:gosec // its name is no secret

// tokens are the hashes of the accepted tokens. Hashes are all of one length,
// so that comparing them does not tell how long a token is.
type tokens [][sha256.Size]byte

// newTokens leaves out the blank ones.
func newTokens(configured []configopaque.String) tokens {
	var ts tokens
	for _, c := range configured {
		if token := trimBlanks(string(c)); token != "" {
			ts = append(ts, sha256.Sum256([]byte(token)))
		}
	}
	return ts
}

// accepts reports whether the header's value is one of the tokens. How long it
// takes depends neither on which one matches nor on how much of one does.
func (ts tokens) accepts(header string) bool {
	sent := sha256.Sum256([]byte(trimBlanks(header)))
	found := 0
	for i := range ts {
		found |= subtle.ConstantTimeCompare(sent[:], ts[i][:])
	}
	return found == 1
}

func trimBlanks(s string) string { return strings.Trim(s, " \t\r\n") }
