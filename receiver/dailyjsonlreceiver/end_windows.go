// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
)

// errFinished is no error, but what the Collector logs when it ends.
var errFinished = errors.New("all day files were delivered, which ends the Collector; this is no error")

// startGrace is how long the Collector is given to start all components: it
// can't be told to end before.
const startGrace = 5 * time.Second

// endCollector reports a fatal error: Windows has no signal that a process
// could send to itself alone. The Collector shuts down in order then, with exit
// code 0.
func endCollector(ctx context.Context, host component.Host) {
	select {
	case <-ctx.Done():
		return
	case <-time.After(startGrace):
	}
	// It returns when the Collector has heard it, or never when something
	// else ends the Collector at the same moment.
	go componentstatus.ReportStatus(host, componentstatus.NewFatalErrorEvent(errFinished))
	<-ctx.Done()
}
