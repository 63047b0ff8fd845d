// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// Texts that must not be in the collector's log: the token, a wrong token, and a text
// in every payload.
const (
	tokenCanary   = "Zq7-token-canary"
	wrongCanary   = "Zq7-wrong-canary"
	payloadCanary = "Zq7-payload-canary"
	canaryMark    = "Zq7" // part of all of them
)

// The log has no token and no payload, at level debug and whatever is wrong with the
// request.
func TestNoSecretsInLog(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{
		Token:  tokenCanary,
		Config: "service: {telemetry: {logs: {level: debug}}}",
	})
	for _, tc := range httpCases(t) {
		tc = withCanaries(tc)
		c.Exchange(t, tc.request(harness.Origin))
	}
	c.Stop(t)
	log := c.Log(t)
	require.Contains(t, log, "debug", "the log level is not debug")
	require.NotContains(t, log, canaryMark)

	stored := false
	for _, line := range (&harness.Reader{Directory: c.Directory}).Next(t) {
		stored = stored || strings.Contains(line.Entry, payloadCanary)
	}
	require.True(t, stored, "no canary was stored")
}

// The same if the pipeline fails: exporters may log what they could not deliver.
func TestNoSecretsInLogOfFailures(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{
		Token: tokenCanary,
		Config: unreachable("logs") + `
  telemetry: {logs: {level: debug}}
`,
	})
	tc := httpCase{Body: []byte(`{"logs":[{"message":"m"}]}`), Method: "POST", Headers: [][2]string{{"X-Telemetry-Token", harness.Token}}}
	tc = withCanaries(tc)
	answer := c.Exchange(t, tc.request(""))
	require.Equal(t, 503, answer.Status)
	c.Stop(t)
	require.NotContains(t, c.Log(t), canaryMark)
}

// withCanaries adds canaries to a case: as the token, in keys and values of valid JSON,
// and around a body that is not JSON.
func withCanaries(tc httpCase) httpCase {
	var headers [][2]string
	for _, h := range tc.Headers {
		if strings.EqualFold(h[0], "X-Telemetry-Token") {
			h[1] = strings.Replace(h[1], harness.Token, tokenCanary, 1)
			h[1] = strings.Replace(h[1], "nope", wrongCanary, 1)
		}
		headers = append(headers, h)
	}
	tc.Headers = headers
	if _, encoded := headerOf(tc.request(""), "Content-Encoding"); encoded || len(tc.Body) == 0 {
		return tc
	}
	canary := []byte(payloadCanary)
	body := bytes.ReplaceAll(tc.Body, []byte(`{"`), []byte(`{"`+payloadCanary+`":"`+payloadCanary+`","`))
	body = bytes.ReplaceAll(body, []byte(`:"`), append([]byte(`:"`), canary...))
	if bytes.Equal(body, tc.Body) {
		body = append(append(body, canary...), body...)
	}
	tc.Body = body
	return tc
}

// unreachable returns a configuration that sends a signal to an endpoint where nothing
// listens. It ends inside of "service".
func unreachable(signal string) string {
	return `
exporters:
  otlp_http:
    endpoint: http://127.0.0.1:1
    sending_queue: {enabled: false}
    retry_on_failure: {enabled: false}
service:
  pipelines:
    ` + signal + `: {exporters: [otlp_http]}
`
}
