// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !windows

package dailyjsonlreceiver

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.opentelemetry.io/collector/component"
)

// endCollector sends the process the signal by which it is asked to end. A
// component has no other way to a shutdown with exit code 0.
func endCollector(ctx context.Context, _ component.Host) {
	// The Collector listens for signals only once all components are started,
	// which may be after a short replay: until then the signal must not kill.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGTERM)
	defer signal.Stop(caught)
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for ctx.Err() == nil {
		// It can't fail: the process is there, and its own.
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
		select {
		case <-ctx.Done():
		case <-again.C:
		}
	}
}
