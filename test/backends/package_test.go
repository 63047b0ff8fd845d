// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package backends imports a generated month of day files into the real Loki,
// Prometheus and Jaeger, with the real binary and the configurations in
// analysis/, and compares what the servers answer with the files.
//
// `make servers` builds the servers. They run on loopback, configured as in
// docker-compose.telemetry.yml. Tests that only query share one set of servers
// (sharedMonth); tests that send data start their own (startServers).
package backends

import (
	"fmt"
	"net/http"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// tests runs the tests and then stops the shared servers.
type tests struct{ *testing.M }

func (t tests) Run() int {
	code := t.M.Run()
	http.DefaultClient.CloseIdleConnections()
	if err := stopShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(tests{m}) }
