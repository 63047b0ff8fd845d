// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/saberloop/otelcol-saberloop/internal/synthetic"
)

// afterRefusal is how long a connection of a Load waits after a batch was not
// taken: a collector that is down or full refuses fast.
const afterRefusal = 20 * time.Millisecond

// LoadOptions say what a Load sends.
type LoadOptions struct {
	// Connections is how many clients send at once.
	Connections int
	// Ledger hands out the batches; nil is a new one.
	Ledger *Ledger
	// Batches is how many are sent; 0 is as many as can be until Stop.
	Batches int
	// Pause is the time a client waits between two batches.
	Pause time.Duration
}

// Load is many clients that send batches at once, each on one connection.
// None sends a batch twice: what is not acknowledged is given up.
type Load struct {
	// Ledger says what became of the batches.
	Ledger *Ledger

	tb        testing.TB
	collector *Collector
	options   LoadOptions
	left      atomic.Int64
	stop      func()
	stopped   chan struct{}
	clients   sync.WaitGroup
}

// StartLoad begins to send. The load ends with the test, if not before.
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

// Wait returns when all batches were sent and answered.
func (l *Load) Wait() { l.clients.Wait() }

// Stop ends the sending and waits for the answers still to come.
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
		if !l.send(client) {
			pause = max(pause, afterRefusal)
		}
		if !l.rest(pause) {
			return
		}
	}
}

// rest waits, and tells whether to go on.
func (l *Load) rest(pause time.Duration) bool {
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

// send sends a batch and tells whether it was acknowledged.
func (l *Load) send(client *http.Client) bool {
	n, batch := l.Ledger.Next()
	answer, err := l.collector.Post(client, batch.Body)
	if err != nil || answer.Status != http.StatusOK {
		return false
	}
	l.Ledger.Acknowledge(n)
	received, err := answer.Member("received")
	if err != nil {
		l.tb.Error(err)
	}
	return assert.Equal(l.tb, countsOf(batch), received, "answer to batch %d", n)
}

// countsOf is the "received" of the answer to a batch, canonical.
func countsOf(batch synthetic.Batch) string {
	var c Counts
	for _, e := range batch.Entries {
		switch e.Signal {
		case synthetic.Logs:
			c.Logs++
		case synthetic.Traces:
			c.Traces++
		case synthetic.Metrics:
			c.Metrics++
		}
	}
	return c.Canonical()
}
