// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/saberloop/otelcol-saberloop/internal/demodata"
	"github.com/saberloop/otelcol-saberloop/test/synthetic"
)

// afterRefusal is how long a client of a Load waits after a batch that was not
// acknowledged: a collector that is down or full answers fast.
const afterRefusal = 20 * time.Millisecond

// LoadOptions configure a Load.
type LoadOptions struct {
	// Connections is the number of clients that send at once.
	Connections int
	// Ledger hands out the batches. By default it is a new one.
	Ledger *Ledger
	// Batches is the number of batches to send. By default clients send until
	// Stop is called.
	Batches int
	// Pause is the time a client waits between two batches.
	Pause time.Duration
	// MayRefuse allows the answer 503 with Retry-After. Set it where the disk
	// fails or the collector shuts down under load.
	MayRefuse bool
	// MayBreak allows requests without an answer. Set it where the collector is
	// stopped, killed or reloaded under load.
	MayBreak bool
}

// Load is a number of clients that send batches, each over one connection. A
// batch is sent once; a client drops one that was not acknowledged. The test
// fails on any outcome other than 200 and those that the options allow.
type Load struct {
	// Ledger knows which batches were sent and acknowledged.
	Ledger *Ledger

	tb        testing.TB
	collector *Collector
	options   LoadOptions
	left      atomic.Int64
	stop      func()
	stopped   chan struct{}
	clients   sync.WaitGroup
}

// StartLoad starts the clients. They stop at the end of the test at the latest.
func StartLoad(tb testing.TB, c *Collector, options LoadOptions) *Load {
	tb.Helper()
	if options.Ledger == nil {
		options.Ledger = NewLedger(synthetic.Mix{Seed: 1})
	}
	stopped := make(chan struct{})
	l := &Load{
		Ledger:    options.Ledger,
		tb:        tb,
		collector: c,
		options:   options,
		stop:      sync.OnceFunc(func() { close(stopped) }),
		stopped:   stopped,
	}
	l.left.Store(int64(options.Batches))
	for range options.Connections {
		l.clients.Go(l.client)
	}
	tb.Cleanup(l.Stop)
	return l
}

// Wait waits until all batches were sent and answered.
func (l *Load) Wait() { l.clients.Wait() }

// Stop stops the clients and waits for the answers to requests in flight.
func (l *Load) Stop() {
	l.stop()
	l.clients.Wait()
}

func (l *Load) client() {
	client := NewClient()
	defer client.CloseIdleConnections()
	for {
		if l.options.Batches > 0 && l.left.Add(-1) < 0 {
			return
		}
		pause := l.options.Pause
		acknowledged, err := l.send(client)
		if err != nil {
			l.tb.Error(err)
			return
		}
		if !acknowledged {
			pause = max(pause, afterRefusal)
		}
		if !l.wait(pause) {
			return
		}
	}
}

// wait waits for the pause. It returns false when the load was stopped.
func (l *Load) wait(pause time.Duration) bool {
	select {
	case <-l.stopped:
		return false
	default:
	}
	if pause == 0 {
		return true
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-l.stopped:
		return false
	case <-timer.C:
		return true
	}
}

// send sends the next batch and reports whether it was acknowledged. An outcome
// that the options do not allow is an error.
func (l *Load) send(client *http.Client) (acknowledged bool, err error) {
	n, batch := l.Ledger.Next()
	answer, err := l.collector.Post(client, batch.Body)
	switch {
	case err != nil && l.options.MayBreak:
		return false, nil
	case err != nil:
		return false, fmt.Errorf("send batch %d: %w", n, err)
	case answer.Status == http.StatusServiceUnavailable && l.options.MayRefuse:
		return false, answer.checkUnavailable()
	case answer.Status != http.StatusOK:
		return false, fmt.Errorf("batch %d was answered %d: %s", n, answer.Status, answer.Body)
	}
	l.Ledger.Acknowledge(n)
	received, err := answer.Member("received")
	if err == nil && received != countsOf(batch) {
		err = fmt.Errorf("batch %d has %s entries, but the answer says that %s were received", n, countsOf(batch), received)
	}
	return true, err
}

var wholeSeconds = regexp.MustCompile(`^[1-9]\d*$`)

// checkUnavailable checks that an answer with status 503 tells the client when
// to send again.
func (a Answer) checkUnavailable() error {
	message, err := a.Member("error")
	if err == nil && message != `"Service unavailable"` {
		err = fmt.Errorf("error in an answer 503: %s", message)
	}
	if retryAfter := a.Header.Get("Retry-After"); !wholeSeconds.MatchString(retryAfter) {
		err = errors.Join(err, fmt.Errorf("Retry-After in an answer 503: %q", retryAfter))
	}
	return err
}

// countsOf returns the "received" that the answer to a batch should have, as
// Canonical spells it.
func countsOf(batch synthetic.Batch) string {
	var c Counts
	for _, e := range batch.Entries {
		switch e.Signal {
		case demodata.Logs:
			c.Logs++
		case demodata.Traces:
			c.Traces++
		case demodata.Metrics:
			c.Metrics++
		}
	}
	return c.Canonical()
}
