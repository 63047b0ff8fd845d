// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package attacks

import (
	"context"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// maxDescriptors is the most files that the collector has open under attack: its
// 512 connections, those that are being accepted and closed, and its own.
const maxDescriptors = 700

// slowClients are connections that send something at once, and then a little now
// and then. A connection that ends is made again.
type slowClients struct {
	// number is the number of connections, from so many addresses.
	number, addresses int
	// start is what the n-th connection sends at once.
	start func(n int) []byte
	// more is sent after each pause.
	more  []byte
	pause time.Duration
	// target is the server's address by default.
	target string
	// wrap makes another connection of each, such as one with TLS.
	wrap func(net.Conn) net.Conn
}

// begin starts the clients. The function that it returns stops them and returns
// how often one connected.
func (c slowClients) begin(t *testing.T, s *server) func() int64 {
	t.Helper()
	if c.target == "" {
		c.target = s.address
	}
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	var connected atomic.Int64
	for n := range c.number {
		clients.Go(func() {
			for ctx.Err() == nil {
				c.connect(ctx, n, &connected)
				pauseFor(ctx, time.Second)
			}
		})
	}
	stop := sync.OnceValue(func() int64 {
		cancel()
		clients.Wait()
		return connected.Load()
	})
	t.Cleanup(func() { stop() })
	return stop
}

// connect sends until the connection ends or the context does.
func (c slowClients) connect(ctx context.Context, n int, connected *atomic.Int64) {
	conn, err := dialFrom(ctx, addressOf(ofAttackers, n%c.addresses), c.target)
	if err != nil {
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	connected.Add(1)
	if c.wrap != nil {
		conn = c.wrap(conn)
	}
	if _, err := conn.Write(c.start(n)); err != nil {
		return
	}
	if c.pause == 0 {
		_, _ = conn.Read(make([]byte, 1)) // until the server ends it
		return
	}
	for pauseFor(ctx, c.pause) {
		if _, err := conn.Write(c.more); err != nil {
			return
		}
	}
}

// pauseFor returns false when the context ends before.
func pauseFor(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// unfinishedHeaders is a request without a token whose headers have a size and
// no end.
func unfinishedHeaders(size int) []byte {
	line := "X-Filler: " + strings.Repeat("x", 1000) + "\r\n"
	return []byte("POST " + harness.Path + " HTTP/1.1\r\nHost: saberloop\r\n" + strings.Repeat(line, size/len(line)))
}

// unfinishedBody is a request of which a part of the body is sent.
func unfinishedBody(announced, sent int) []byte {
	p := post{body: filled(sent, `{"logs":[`, `{"a":"b"}`, ` `)}
	return append(p.head(announced), p.body...)
}

// Clients that hold connections without ever finishing a request: browsers are
// served, and memory and open files stay within their bounds.
func TestSlowClients(t *testing.T) {
	for name, attack := range map[string]slowClients{
		"900 KB of headers, one address": {
			number: 400, addresses: 1,
			start: func(int) []byte { return unfinishedHeaders(900_000) },
		},
		"900 KB of headers": {
			number: 1000, addresses: 200,
			start: func(int) []byte { return unfinishedHeaders(900_000) },
		},
		"15 KB of headers": {
			number: 2000, addresses: 200,
			start: func(int) []byte { return unfinishedHeaders(15_000) },
		},
		"2000 bodies of 2 KB": {
			number: 2000, addresses: 200,
			start: func(int) []byte { return unfinishedBody(1_000_000, 2_000) },
		},
		"2000 bodies of 60 KB": {
			number: 2000, addresses: 200,
			start: func(int) []byte { return unfinishedBody(1_000_000, 60_000) },
		},
		"200 bodies of 900 KB": {
			number: 200, addresses: 50,
			start: func(int) []byte { return unfinishedBody(1_000_000, 900_000) },
		},
		"zstd with a window of 8 MiB": {
			number: 400, addresses: 200,
			start: func(int) []byte {
				p := post{encoding: "zstd"}
				return append(p.head(100_000), zstdHeader(8<<20)...)
			},
			more: zstdRLE(10), pause: time.Second,
		},
		"gzip": {
			number: 1000, addresses: 200,
			start: func(int) []byte {
				p := post{encoding: "gzip"}
				return append(p.head(100_000), 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff)
			},
			more: []byte{0}, pause: time.Second,
		},
		"answers that are not read": {
			number: 500, addresses: 200,
			start: func(int) []byte {
				p := post{body: []byte(`{"logs":[{}]}`)}
				return []byte(strings.Repeat(string(p.head(len(p.body)))+string(p.body), 20))
			},
			more: []byte("POST "), pause: time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, "")
			before := s.descriptors()
			most := s.mostDescriptors()
			stop := attack.begin(t, s)
			b := startBrowsers(t, s, browsersOptions{number: 8, pause: 250 * time.Millisecond})
			wait(attackTime(4 * time.Second))
			b.checkServed(t)
			checkNextBatch(t, s.address)
			t.Logf("attackers connected %d times; %d open files at most, %d before; peak %d MB", stop(), most(), before, s.peak()>>20)
			require.LessOrEqual(t, most(), maxDescriptors, "open files")
			s.checkMemory(t)
			checkStored(t, b.ledger, s.stored())
		})
	}
}

// 5,000 connections that send a byte a second, half of them in their headers and
// half in their bodies, and a flood of wrong tokens from 200 addresses.
func TestSlowClientsAndFlood(t *testing.T) {
	s := startServer(t, "")
	most := s.mostDescriptors()
	stopSlow := slowClients{
		number: 5000, addresses: 200,
		start: func(n int) []byte {
			if n%2 == 0 {
				return []byte("POST " + harness.Path + " HTTP/1.1\r\nHost: saberloop\r\nX-")
			}
			p := post{}
			return append(p.head(1000), '{')
		},
		more: []byte("x"), pause: time.Second,
	}.begin(t, s)
	stopFlood := startFlood(t, s, 200, post{token: "wrong", body: []byte(`{"logs":[{"message":"one"}]}`)})
	b := startBrowsers(t, s, browsersOptions{number: 8, pause: 100 * time.Millisecond})
	wait(attackTime(15 * time.Second))
	b.checkServed(t)
	checkNextBatch(t, s.address)
	t.Logf("slow clients connected %d times; flood: %v; %d open files at most; peak %d MB", stopSlow(), stopFlood(), most(), s.peak()>>20)
	require.LessOrEqual(t, most(), maxDescriptors, "open files")
	s.checkMemory(t)
	checkStored(t, b.ledger, s.stored())
}
