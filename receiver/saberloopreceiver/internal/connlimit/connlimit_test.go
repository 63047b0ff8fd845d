// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package connlimit

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeConn is a connection from an address.
type fakeConn struct {
	net.Conn
	remote net.TCPAddr
	closed atomic.Bool
}

func from(address string) *fakeConn {
	return &fakeConn{remote: net.TCPAddr{IP: net.ParseIP(address), Port: 1}}
}

func (c *fakeConn) RemoteAddr() net.Addr { return &c.remote }
func (c *fakeConn) Close() error         { c.closed.Store(true); return nil }

// open accepts a connection as Accept does, and reports whether it was kept.
func open(l *Limiter, c *fakeConn) bool {
	closed := l.add(c)
	if closed != nil {
		_ = closed.Close()
	}
	return closed != net.Conn(c)
}

// work has a connection's request worked on.
func work(l *Limiter, c *fakeConn) {
	l.Track(c, http.StateActive)
	r := l.Begin(l.Context(context.Background(), c))
	r.Received()
}

// The server waits before it closes a connection after a refusal. Meanwhile it
// works on nothing, and must not keep browsers out.
func TestConnectionsBeingClosedMakeRoom(t *testing.T) {
	t.Parallel()
	l := New(Config{Max: 2})
	refused := from("10.0.0.1")
	require.True(t, open(l, refused))
	l.Track(refused, http.StateActive) // 431: the handler never sees it
	answered := from("10.0.0.1")
	require.True(t, open(l, answered))
	l.Track(answered, http.StateActive)
	r := l.Begin(l.Context(context.Background(), answered))
	r.Received()
	r.End()
	require.True(t, open(l, from("10.0.0.2")))
	assert.True(t, refused.closed.Load())
	require.True(t, open(l, from("10.0.0.3")))
	assert.True(t, answered.closed.Load())
}

func TestOldestWaitingIsClosed(t *testing.T) {
	t.Parallel()
	l := New(Config{Max: 3})
	a, b, c := from("10.0.0.1"), from("10.0.0.2"), from("10.0.0.3")
	for _, conn := range []*fakeConn{a, b, c} {
		require.True(t, open(l, conn))
	}
	work(l, a)
	require.True(t, open(l, from("10.0.0.4")))
	assert.False(t, a.closed.Load())
	assert.True(t, b.closed.Load())
	assert.False(t, c.closed.Load())
	assert.Equal(t, 3, l.Len())
	l.Track(b, http.StateClosed) // says the server, later
	assert.Equal(t, 3, l.Len())
	l.Track(a, http.StateClosed)
	assert.Equal(t, 2, l.Len())
}

func TestIdleIsClosedLast(t *testing.T) {
	t.Parallel()
	l := New(Config{Max: 2})
	idle, slow := from("10.0.0.1"), from("10.0.0.2")
	require.True(t, open(l, idle))
	l.Track(idle, http.StateActive)
	l.Track(idle, http.StateIdle)
	require.True(t, open(l, slow))
	require.True(t, open(l, from("10.0.0.3")))
	assert.True(t, slow.closed.Load())
	assert.False(t, idle.closed.Load())
}

func TestAddressWithMostIsClosedFirst(t *testing.T) {
	t.Parallel()
	l := New(Config{Max: 4})
	browser := from("10.0.0.1")
	require.True(t, open(l, browser))
	for range 10 {
		require.True(t, open(l, from("2001:db8::1")))
		require.True(t, open(l, from("2001:db8::2")), "of the same /64")
	}
	assert.False(t, browser.closed.Load())
	assert.Equal(t, 4, l.Len())
}

func TestAddressWithMostClosesNoOthers(t *testing.T) {
	t.Parallel()
	l := New(Config{Max: 3})
	browser := from("10.0.0.1")
	require.True(t, open(l, browser))
	for range 2 {
		busy := from("10.0.0.2")
		require.True(t, open(l, busy))
		work(l, busy)
	}
	assert.False(t, open(l, from("10.0.0.2")))
	assert.False(t, browser.closed.Load())
	assert.True(t, open(l, from("10.0.0.3")))
	assert.True(t, browser.closed.Load(), "it is the only one that waits")
}

func TestMaxPerAddress(t *testing.T) {
	t.Parallel()
	l := New(Config{MaxPerAddress: 2, Exempt: func(a netip.Addr) bool { return a.IsLoopback() }})
	first := from("10.0.0.1")
	require.True(t, open(l, first))
	require.True(t, open(l, from("10.0.0.2")))
	require.True(t, open(l, from("10.0.0.1")))
	require.True(t, open(l, from("10.0.0.1")))
	assert.True(t, first.closed.Load())
	assert.Equal(t, 3, l.Len())
	for range 10 {
		require.True(t, open(l, from("127.0.0.1")))
	}
	assert.Equal(t, 13, l.Len(), "a proxy")
}

func TestBusyConnectionsAreKept(t *testing.T) {
	t.Parallel()
	l := New(Config{Max: 1})
	busy := from("10.0.0.1")
	require.True(t, open(l, busy))
	ctx := l.Context(t.Context(), busy)
	l.Track(busy, http.StateActive)
	first, second := l.Begin(ctx), l.Begin(ctx)
	first.Received()
	first.Received()
	assert.False(t, open(l, from("10.0.0.2")))
	first.End()
	first.End()
	require.True(t, open(l, from("10.0.0.2")), "its other request is being received")
	assert.True(t, busy.closed.Load())
	second.Received()
	second.End()
	assert.Equal(t, 1, l.Len())

	none := l.Begin(l.Context(context.Background(), busy))
	none.Received()
	none.End()
}

func TestCloseUnused(t *testing.T) {
	t.Parallel()
	l := New(Config{})
	used, unused := from("10.0.0.1"), from("10.0.0.1")
	open(l, used)
	open(l, unused)
	l.Track(used, http.StateActive)
	l.Track(used, http.StateIdle)
	l.CloseUnused()
	assert.True(t, unused.closed.Load())
	assert.False(t, used.closed.Load())
}

// TestLaws opens and closes connections at random.
func TestLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{
			Max:           rapid.IntRange(0, 6).Draw(t, "max"),
			MaxPerAddress: rapid.IntRange(0, 4).Draw(t, "max per address"),
			Exempt:        func(a netip.Addr) bool { return a.IsLoopback() },
		}
		l := New(cfg)
		type request struct {
			Request
			conn *fakeConn
		}
		var conns []*fakeConn
		var requests []*request
		first := from("10.0.0.1")
		open(l, first)
		conns = append(conns, first)
		pick := func(t *rapid.T) *fakeConn { return rapid.SampledFrom(conns).Draw(t, "conn") }
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				perAddress, live := map[string]int{}, 0
				for _, c := range conns {
					if !c.closed.Load() {
						live++
						perAddress[c.remote.IP.String()]++
					}
				}
				assert.Equal(t, live, l.Len())
				if cfg.Max > 0 {
					assert.LessOrEqual(t, live, cfg.Max)
				}
				for address, n := range perAddress {
					if cfg.MaxPerAddress > 0 && address != "127.0.0.1" {
						assert.LessOrEqual(t, n, cfg.MaxPerAddress)
					}
				}
				for _, r := range requests {
					if r.received {
						assert.False(t, r.conn.closed.Load(), "it is being worked on")
					}
				}
			},
			"open": func(t *rapid.T) {
				c := from(rapid.SampledFrom([]string{"10.0.0.1", "10.0.0.2", "2001:db8::1", "127.0.0.1"}).Draw(t, "address"))
				open(l, c)
				conns = append(conns, c)
			},
			"begin": func(t *rapid.T) {
				c := pick(t)
				l.Track(c, http.StateActive)
				requests = append(requests, &request{Request: l.Begin(l.Context(context.Background(), c)), conn: c})
			},
			"received": func(t *rapid.T) {
				if len(requests) == 0 {
					return
				}
				r := rapid.SampledFrom(requests).Draw(t, "request")
				if !r.conn.closed.Load() {
					r.Received()
				}
			},
			"end": func(t *rapid.T) {
				if len(requests) == 0 {
					return
				}
				i := rapid.IntRange(0, len(requests)-1).Draw(t, "request")
				r := requests[i]
				r.End()
				requests = append(requests[:i], requests[i+1:]...)
				for _, other := range requests {
					if other.conn == r.conn {
						return
					}
				}
				l.Track(r.conn, http.StateIdle)
			},
			"close": func(t *rapid.T) {
				c := pick(t)
				for _, r := range requests {
					if r.conn == c {
						return
					}
				}
				c.closed.Store(true)
				l.Track(c, http.StateClosed)
			},
		})
	})
}

// TestSlowConnectionsDoNotShutOutBrowsers runs a server with all its places
// taken several times over, by headers and by bodies that never end.
func TestSlowConnectionsDoNotShutOutBrowsers(t *testing.T) {
	t.Parallel()
	var closed atomic.Int64
	l := New(Config{Max: 20, MaxPerAddress: 15, Closed: func() { closed.Add(1) }})
	server := &http.Server{
		ReadHeaderTimeout: time.Minute,
		ConnState:         l.Track,
		ConnContext:       l.Context,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			request := l.Begin(r.Context())
			defer request.End()
			_, err := io.Copy(io.Discard, r.Body)
			request.Received()
			if err == nil {
				_, _ = io.WriteString(w, "thanks")
			}
		}),
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l.Listen(listener)) }()
	address := listener.Addr().String()

	var slow []net.Conn
	attack := func(source, text string) {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
		conn, err := dialer.DialContext(t.Context(), "tcp", address)
		require.NoError(t, err)
		slow = append(slow, conn)
		_, _ = io.WriteString(conn, text) // it may be closed already
	}
	browser := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for i := range 20 {
		for j := range 5 {
			source := fmt.Sprintf("127.0.0.%d", 2+j)
			attack(source, "POST / HTTP/1.1\r\nHost: x\r\n")
			attack(source, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nbegin")
		}
		resp, err := browser.Post("http://"+address, "text/plain", strings.NewReader("a batch"))
		require.NoError(t, err, i)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, "thanks", string(body))
		require.LessOrEqual(t, l.Len(), 20)
	}
	assert.GreaterOrEqual(t, closed.Load(), int64(150))
	for _, conn := range slow {
		_ = conn.Close()
	}
	require.NoError(t, server.Close())
	require.ErrorIs(t, <-served, http.ErrServerClosed)
	require.Eventually(t, func() bool { return l.Len() == 0 }, 10*time.Second, time.Millisecond)
}

func BenchmarkAccept(b *testing.B) {
	for _, size := range []int{1, 512} {
		b.Run(fmt.Sprintf("full of %d", size), func(b *testing.B) {
			l := New(Config{Max: size})
			for i := range size {
				open(l, from(fmt.Sprintf("10.0.%d.%d", i/256, i%256)))
			}
			c := from("192.0.2.1")
			b.ReportAllocs()
			for b.Loop() {
				l.add(c)
				l.Track(c, http.StateClosed)
				l.add(from("192.0.2.2"))
			}
		})
	}
}

func BenchmarkRequest(b *testing.B) {
	l := New(Config{Max: 10})
	c := from("10.0.0.1")
	open(l, c)
	ctx := l.Context(b.Context(), c)
	b.ReportAllocs()
	for b.Loop() {
		l.Track(c, http.StateActive)
		r := l.Begin(ctx)
		r.Received()
		r.End()
		l.Track(c, http.StateIdle)
	}
}
