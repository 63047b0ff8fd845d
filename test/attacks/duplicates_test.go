// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package attacks

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/test/faults/faultfs"
	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// Each batch sent many times, over 32 connections at once, with a batchId and
// without, while the disk fails now and then: each entry is stored exactly once.
func TestDuplicates(t *testing.T) {
	for name, withID := range map[string]bool{"batchId": true, "same body": false} {
		t.Run(name, func(t *testing.T) {
			batches, sendings := 40, 50
			if long() {
				batches, sendings = 200, 200
			}
			source, target := t.TempDir(), t.TempDir()
			disk, err := faultfs.Mount(source, target)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, disk.Unmount()) })
			s := startServerIn(t, filepath.Join(target, "data"), noRateLimits)

			ledger := harness.NewLedger(mix)
			bodies := make([][]byte, batches)
			for i := range bodies {
				_, batch := ledger.Next()
				bodies[i] = batch.Body
				if withID {
					bodies[i] = append(fmt.Appendf(nil, `{"batchId":"batch-%d-of-this-test",`, i), batch.Body[1:]...)
				}
			}
			d := &duplicates{server: s, ledger: ledger, bodies: bodies, outcomes: map[string]int{}}
			stopFaults := failNowAndThen(disk)
			d.send(t, sendings, 32)
			stopFaults()
			d.send(t, 1, 32) // all of them are stored in the end
			t.Logf("outcomes: %v", d.outcomes)
			require.Positive(t, d.outcomes["503"], "the disk never failed")
			require.Positive(t, d.outcomes["duplicate"])
			s.Stop(t)
			_, acknowledged := ledger.Batches()
			require.Equal(t, batches, acknowledged)
			checkStored(t, ledger, readerOf(filepath.Join(source, "data")))
		})
	}
}

// failNowAndThen lets a disk fail in many ways, a short time each, until the
// function that it returns is called.
func failNowAndThen(disk *faultfs.Dir) func() {
	stop := make(chan struct{})
	var faulty sync.WaitGroup
	faulty.Go(func() {
		defer disk.Set(0)
		for fault := faultfs.WriteFails; ; fault = fault<<1&7 | fault>>2&1 {
			for _, f := range []faultfs.Fault{fault, 0} {
				disk.Set(f)
				timer := time.NewTimer(50 * time.Millisecond)
				select {
				case <-timer.C:
				case <-stop:
					timer.Stop()
					return
				}
			}
		}
	})
	return func() {
		close(stop)
		faulty.Wait()
	}
}

type duplicates struct {
	server *server
	ledger *harness.Ledger
	bodies [][]byte

	mu       sync.Mutex
	outcomes map[string]int
}

// send sends each batch so many times, in random order.
func (d *duplicates) send(t *testing.T, sendings, connections int) {
	t.Helper()
	order := make([]int, 0, sendings*len(d.bodies))
	for range sendings {
		for i := range d.bodies {
			order = append(order, i)
		}
	}
	rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	var next atomic.Int64
	var clients sync.WaitGroup
	for n := range connections {
		clients.Go(func() {
			client := &http.Client{Timeout: answerTimeout, Transport: browserTransport(addressOf(ofBrowsers, n))}
			defer client.CloseIdleConnections()
			for {
				i := int(next.Add(1)) - 1
				if i >= len(order) {
					return
				}
				answer, err := d.server.Post(client, d.bodies[order[i]])
				if err != nil {
					t.Errorf("batch %d: %v", order[i], err)
					return
				}
				d.count(t, order[i], answer)
			}
		})
	}
	clients.Wait()
}

func (d *duplicates) count(t *testing.T, batch int, answer harness.Answer) {
	t.Helper()
	outcome := strconv.Itoa(answer.Status)
	switch answer.Status {
	case http.StatusOK:
		d.ledger.Acknowledge(batch)
		duplicate, err := answer.Member("duplicate")
		if err != nil {
			t.Errorf("batch %d: %v", batch, err)
		}
		if duplicate == "true" {
			outcome = "duplicate"
		}
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		assert.NotEmpty(t, answer.Header.Get("Retry-After"))
	default:
		assert.Failf(t, "unexpected answer", "%d: %s", answer.Status, answer.Body)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.outcomes[outcome]++
}
