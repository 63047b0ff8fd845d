// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package faults

import (
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// SIGTERM under load: the process exits by itself, and every acknowledged entry is
// stored.
func TestShutdown(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{})
	load := harness.StartLoad(t, c, harness.LoadOptions{Connections: 32, MayRefuse: true, MayBreak: true})
	for range 10 {
		awaitAcknowledged(t, load, 100)
		t.Logf("shutdown under load took %v", c.Stop(t))
		c.Restart(t)
	}
	load.Stop()
	c.Stop(t)
	load.Ledger.Check(t, stored(c.Directory))
}

// A client that stops in the middle of its request does not prevent the shutdown.
func TestShutdownWithHangingClient(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{})
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.URL, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.Write([]byte("POST " + harness.Path + " HTTP/1.1\r\nHost: x\r\nX-Telemetry-Token: test-token\r\nContent-Length: 1000\r\n\r\n{\"logs\":["))
	require.NoError(t, err)
	require.Equal(t, 200, c.MustPost(t, oneLog).Status)
	t.Logf("shutdown took %v", c.Stop(t))
}

// SIGHUP with a changed configuration under load: every acknowledged entry is
// stored, and the new configuration is in effect.
func TestReload(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{})
	load := harness.StartLoad(t, c, harness.LoadOptions{Connections: 32, MayRefuse: true, MayBreak: true})
	for _, config := range []string{
		"exporters: {daily_jsonl: {sync: interval}}",
		"exporters: {daily_jsonl: {sync: none, compression: gzip}}",
		"receivers: {saberloop: {tokens: [test-token, another]}}",
		// Above what the load sends, below the default of 512.
		"receivers: {saberloop: {max_depth: 505}}\nexporters: {daily_jsonl: {retention: {days: 7}}}",
	} {
		awaitAcknowledged(t, load, 100)
		t.Logf("reload under load took %v", c.Reload(t, config))
	}
	awaitAcknowledged(t, load, 100)
	load.Stop()
	require.Equal(t, 400, c.MustPost(t, []byte(`{"logs":[{"deep":`+strings.Repeat("[", 504)+strings.Repeat("]", 504)+`}]}`)).Status)
	c.Stop(t)
	load.Ledger.Check(t, stored(c.Directory))
}
