// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !windows

package dailyjsonlreceiver

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The process sends itself SIGTERM. test/e2e checks the exit code of the
// Collector.
func TestEndCollectorSendsSIGTERM(t *testing.T) {
	t.Parallel()
	caught := make(chan os.Signal, 10)
	signal.Notify(caught, syscall.SIGTERM)
	defer signal.Stop(caught)
	ctx, cancel := context.WithCancel(t.Context())
	host := newHost(nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		endCollector(ctx, host)
	}()
	assert.Equal(t, syscall.SIGTERM, <-caught)
	cancel()
	<-done
	assert.Empty(t, host.reported)
}

// A symbolic link is not followed, and nothing of its target is in the log.
func TestSymbolicLinkIsSkipped(t *testing.T) {
	t.Parallel()
	dir, elsewhere := t.TempDir(), t.TempDir()
	put(t, dir, day23, logLine(1))
	put(t, elsewhere, "passwd", "root:x:0:0:root\n")
	require.NoError(t, os.Symlink(filepath.Join(elsewhere, "passwd"), filepath.Join(dir, day22)))
	g := newRig(onceConfig(dir))
	sink := new(logSink)
	g.logs = sink
	require.NoError(t, g.replay(t))
	assert.Equal(t, upTo(1, 1), sink.numbers())
	assertHas(t, g.messages(), "Day file skipped because it is not a regular file")
	for _, entry := range g.logged.All() {
		assert.NotContains(t, fmt.Sprint(entry.Message, entry.ContextMap()), "root")
	}
}
