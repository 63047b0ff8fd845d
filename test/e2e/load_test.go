// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/test/harness"
	"github.com/saberloop/otelcol-saberloop/test/synthetic"
)

// 64 connections send 10,000 batches. All are acknowledged, and every entry is stored
// exactly once, as it was sent.
func TestManyConnections(t *testing.T) {
	t.Parallel()
	const batches = 10_000
	c := harness.Start(t, harness.Options{})
	load := harness.StartLoad(t, c, harness.LoadOptions{Connections: 64, Batches: batches})
	load.Wait()
	c.Stop(t)

	sent, acknowledged := load.Ledger.Batches()
	require.Equal(t, batches, sent)
	require.Equal(t, batches, acknowledged)
	tally := load.Ledger.Check(t, &harness.Reader{Directory: c.Directory})
	t.Logf("%d batches, %d entries", acknowledged, tally.Acknowledged)
}

// BenchmarkSync measures what it costs to make batches durable before they are
// acknowledged: the rate of 64 connections with sync: commit and with
// sync: none, in turns, so that both see the same machine.
//
//	go test ./test/e2e -run=^$ -bench=Sync -benchtime=40000x
func BenchmarkSync(b *testing.B) {
	const turns = 4
	requests := make([][]byte, b.N)
	for n := range requests {
		requests[n] = request(synthetic.Mix{Seed: 1}.Batch(n).Body)
	}
	modes := []string{"commit", "none"}
	collectors := map[string]*harness.Collector{}
	for _, mode := range modes {
		collectors[mode] = harness.Start(b, harness.Options{Config: "exporters: {daily_jsonl: {sync: " + mode + "}}"})
	}
	took := map[string]time.Duration{}
	b.ResetTimer()
	for turn := range turns {
		share := requests[turn*len(requests)/turns : (turn+1)*len(requests)/turns]
		for _, mode := range modes {
			took[mode] += sendAll(b, collectors[mode], share)
		}
	}
	b.StopTimer()
	rate := func(mode string) float64 { return float64(b.N) / took[mode].Seconds() }
	b.ReportMetric(rate("commit"), "commit-batches/s")
	b.ReportMetric(rate("none"), "none-batches/s")
	b.ReportMetric(rate("none")/rate("commit"), "none/commit")
}

// sendAll sends the requests over 64 connections and returns how long that took.
func sendAll(b *testing.B, c *harness.Collector, requests [][]byte) time.Duration {
	b.Helper()
	const connections = 64
	target, err := url.Parse(c.URL)
	require.NoError(b, err)
	var next atomic.Int64
	var clients sync.WaitGroup
	start := time.Now()
	for range connections {
		clients.Go(func() {
			assert.NoError(b, send(target.Host, func() []byte {
				if n := int(next.Add(1)) - 1; n < len(requests) {
					return requests[n]
				}
				return nil
			}))
		})
	}
	clients.Wait()
	return time.Since(start)
}

// send sends requests over one connection until next returns nil. It does little work
// of its own, because it shares the machine with the collector.
func send(host string, next func() []byte) error {
	conn, err := net.Dial("tcp", host)
	if err != nil {
		return err
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	for request := next(); request != nil; request = next() {
		if _, err := conn.Write(request); err != nil {
			return fmt.Errorf("write request: %w", err)
		}
		answer, err := http.ReadResponse(answers, nil)
		if err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
		body, err := io.ReadAll(answer.Body)
		if err = errors.Join(err, answer.Body.Close()); err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("answer %d: %s", answer.StatusCode, body)
		}
	}
	return nil
}

// request returns the bytes of a POST.
func request(body []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: x\r\nX-Telemetry-Token: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		harness.Path, harness.Token, len(body))
	b.Write(body)
	return b.Bytes()
}
