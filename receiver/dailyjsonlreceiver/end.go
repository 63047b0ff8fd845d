// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
)

// endFunc makes the Collector shut down. It returns when ctx ends, which
// Shutdown of the receiver causes.
type endFunc func(ctx context.Context, host component.Host)

// unfinished holds the receivers with the mode once that have not finished. The
// last one to finish ends the Collector.
type unfinished struct {
	mu        sync.Mutex
	receivers map[*dailyReceiver]struct{}
}

func newUnfinished() *unfinished {
	return &unfinished{receivers: map[*dailyReceiver]struct{}{}}
}

func (u *unfinished) add(r *dailyReceiver) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.receivers[r] = struct{}{}
}

// finish removes r and reports whether it was the last one.
func (u *unfinished) finish(r *dailyReceiver) (last bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, ok := u.receivers[r]; !ok {
		return false
	}
	delete(u.receivers, r)
	return len(u.receivers) == 0
}

// endCollector asks the Collector to shut down with exit code 0.
//
// The Collector stops for a signal, for a fatal status of a component, or when
// the program that embeds it says so. A component has the first two. Both end
// with exit code 0, but for a fatal status the Collector also logs an error with
// a stack trace. So the process sends itself SIGTERM, and reports a fatal status
// only on Windows, where Go can't send that signal.
func endCollector(ctx context.Context, host component.Host) {
	// A signal that the Collector does not listen for yet must not kill the
	// process.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGTERM)
	defer signal.Stop(caught)
	end(ctx, host, func() error {
		self, err := os.FindProcess(os.Getpid())
		if err != nil {
			return err
		}
		return self.Signal(syscall.SIGTERM)
	})
}

// errFinished is what the Collector logs as the reason for a fatal status.
var errFinished = errors.New("all day files were replayed, so the Collector ends; this is not a failure")

const (
	// signalInterval is the time between two signals. The Collector listens for
	// them only after every component has started.
	signalInterval = time.Second
	// startGrace is the time that the Collector has for starting the components.
	// A fatal status that is reported earlier blocks the start of the others.
	startGrace = 5 * time.Second
)

// end calls terminate until ctx ends. If that fails, it reports a fatal status.
func end(ctx context.Context, host component.Host, terminate func() error) {
	for ctx.Err() == nil {
		if err := terminate(); err != nil {
			if sleep(ctx, startGrace) {
				// It blocks until the Collector reads it, which is never if
				// something else ends the Collector at this moment.
				go componentstatus.ReportStatus(host, componentstatus.NewFatalErrorEvent(errFinished))
			}
			<-ctx.Done()
			return
		}
		sleep(ctx, signalInterval)
	}
}
