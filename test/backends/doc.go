// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package backends fills the real Loki, Prometheus and Jaeger with a made-up
// month of day files, by the real binary and the configurations in analysis/,
// and holds what they answer against the files.
//
// The servers are those that `make servers` builds, started as
// docker-compose.telemetry.yml says, on loopback. One set of them, with the
// month in it, is shared by all tests that only ask (sharedMonth); a test that
// sends something more starts its own (startServers).
package backends
