// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package connlimit bounds the connections of an HTTP server, in all and per
// address, without letting slow clients keep others out.
//
// When a connection is accepted over a limit, another one is closed for it.
// Connections that can be closed are the ones that wait for their client: those
// that have not sent the headers of a request, those whose body is being
// received, those that are idle, and those that the server is about to close: it
// waits half a second after an answer for which it closes a connection, such as
// 431. Of these one is closed that belongs to the
// address with the most connections; of several, an idle one last; and of
// several, the one that has waited for its client longest. Connections whose
// request is being worked on are never closed. If there is no other, or the
// others belong to addresses that have fewer than the new one's, the new
// connection is closed.
//
// So thousands of slow connections from many addresses replace each other, while
// a browser that has one or two is not affected. Addresses are peers: IPv6
// addresses count by /64, and peers that are exempt (proxies, whose connections
// carry many clients) have no limit per address and are closed last.
//
// # Wiring
//
// The limiter needs the listener (Listen), http.Server.ConnState (Track) and
// ConnContext (Context), and the handler has to say when it has received a body
// (Request). Connections are not wrapped, so that net/http still finds TLS below
// them: Listen takes the listener with TLS.
package connlimit

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"sync"

	"github.com/saberloop/otelcol-saberloop/receiver/saberloopreceiver/internal/clientaddr"
)

// Config says how many connections there may be.
type Config struct {
	// Max and MaxPerAddress are numbers of connections; 0 is no limit.
	Max, MaxPerAddress int
	// Exempt reports whether an address has no limit of its own.
	Exempt func(netip.Addr) bool
	// Closed is called for each connection that is closed because of a limit.
	// It must not block.
	Closed func()
}

// Limiter bounds the connections of a server.
type Limiter struct {
	cfg Config

	mu     sync.Mutex
	byConn map[net.Conn]*conn
	conns  []*conn
	// addresses are those of the connections that are not exempt.
	addresses map[clientaddr.Key]*address
	// turn counts the times that a connection began to wait for its client.
	turn uint64
}

// address counts the connections of one address.
type address struct {
	key   clientaddr.Key
	conns int
}

// conn is a connection and what it waits for.
type conn struct {
	net.Conn

	index int // in Limiter.conns
	// address is nil where it is exempt.
	address *address
	// state is that of the server. Active comes once a request has its headers.
	state http.ConnState
	// since is the turn in which it began to wait for its client.
	since uint64
	// receiving and working are the numbers of its requests whose bodies are
	// being received, and that are being worked on; HTTP/2 has several at once.
	receiving, working int
}

// New returns a Limiter without connections.
func New(cfg Config) *Limiter {
	return &Limiter{cfg: cfg, byConn: map[net.Conn]*conn{}, addresses: map[clientaddr.Key]*address{}}
}

// Listen returns a listener that enforces the limits.
func (l *Limiter) Listen(listener net.Listener) net.Listener { return &limited{listener, l} }

type limited struct {
	net.Listener
	limiter *Limiter
}

// Accept implements net.Listener.
func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		closed := l.limiter.add(c)
		if closed == nil {
			return c, nil
		}
		if l.limiter.cfg.Closed != nil {
			l.limiter.cfg.Closed()
		}
		_ = closed.Close()
		if closed != c {
			return c, nil
		}
	}
}

// add registers a connection, and returns the one to close for it if there is
// one: c itself if no other can be closed.
func (l *Limiter) add(nc net.Conn) net.Conn {
	peer := clientaddr.Peer(nc.RemoteAddr().String())
	c := &conn{Conn: nc, state: http.StateNew}
	l.mu.Lock()
	defer l.mu.Unlock()
	if peer.IsValid() && (l.cfg.Exempt == nil || !l.cfg.Exempt(peer)) {
		key := clientaddr.KeyOf(peer)
		if c.address = l.addresses[key]; c.address == nil {
			c.address = &address{key: key}
		}
	}
	full := l.cfg.Max > 0 && len(l.conns) >= l.cfg.Max
	fullOfAddress := l.cfg.MaxPerAddress > 0 && c.count() >= l.cfg.MaxPerAddress
	var victim *conn
	if full || fullOfAddress {
		if victim = l.victim(c, fullOfAddress); victim == nil {
			return nc
		}
		l.remove(victim)
	}
	c.index = len(l.conns)
	l.conns = append(l.conns, c)
	l.byConn[nc] = c
	if c.address != nil {
		c.address.conns++
		l.addresses[c.address.key] = c.address
	}
	l.wait(c)
	if victim == nil {
		return nil
	}
	return victim.Conn
}

// victim returns the connection to close for c: one of the same address only,
// if that has to be.
func (l *Limiter) victim(c *conn, sameAddress bool) *conn {
	var victim *conn
	for _, other := range l.conns {
		switch {
		case other.working > 0:
		case sameAddress && other.address != c.address:
		case other.count() < c.count(): // c's address has more than its share
		case victim == nil || other.before(victim):
			victim = other
		}
	}
	return victim
}

// before reports whether c is to be closed rather than d.
func (c *conn) before(d *conn) bool {
	if n, m := c.count(), d.count(); n != m {
		return n > m
	}
	if c, d := c.state == http.StateIdle, d.state == http.StateIdle; c != d {
		return d
	}
	return c.since < d.since
}

// count is the number of connections of c's address, 0 where it is exempt.
func (c *conn) count() int {
	if c.address == nil {
		return 0
	}
	return c.address.conns
}

func (l *Limiter) wait(c *conn) {
	l.turn++
	c.since = l.turn
}

func (l *Limiter) remove(c *conn) {
	last := len(l.conns) - 1
	l.conns[c.index] = l.conns[last]
	l.conns[c.index].index = c.index
	l.conns[last] = nil
	l.conns = l.conns[:last]
	delete(l.byConn, c.Conn)
	if c.address == nil {
		return
	}
	if c.address.conns--; c.address.conns == 0 {
		delete(l.addresses, c.address.key)
	}
}

// Track implements http.Server.ConnState.
func (l *Limiter) Track(nc net.Conn, state http.ConnState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.byConn[nc]
	if c == nil {
		return // closed for another one
	}
	c.state = state
	switch state {
	case http.StateIdle, http.StateActive:
		l.wait(c)
	case http.StateClosed, http.StateHijacked:
		l.remove(c)
	}
}

type contextKey struct{}

// Context implements http.Server.ConnContext.
func (l *Limiter) Context(ctx context.Context, nc net.Conn) context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.byConn[nc]; c != nil {
		return context.WithValue(ctx, contextKey{}, c)
	}
	return ctx
}

// Request is one that is being handled. Its zero value does nothing.
type Request struct {
	limiter  *Limiter
	conn     *conn
	received bool
}

// Begin registers a request whose body has not been received, by its context.
func (l *Limiter) Begin(ctx context.Context) Request {
	c, _ := ctx.Value(contextKey{}).(*conn)
	if c == nil {
		return Request{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c.receiving++
	l.wait(c)
	return Request{limiter: l, conn: c}
}

// Received says that the request has been received whole, or that no more of it
// is read before it is answered.
func (r *Request) Received() {
	if r.conn == nil || r.received {
		return
	}
	r.limiter.mu.Lock()
	defer r.limiter.mu.Unlock()
	r.received = true
	r.conn.receiving--
	r.conn.working++
}

// End says that the request has been answered.
func (r *Request) End() {
	if r.conn == nil {
		return
	}
	r.limiter.mu.Lock()
	defer r.limiter.mu.Unlock()
	if r.received {
		r.conn.working--
	} else {
		r.conn.receiving--
	}
	r.conn = nil
}

// CloseUnused closes the connections on which no request has arrived.
func (l *Limiter) CloseUnused() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		if c.state == http.StateNew {
			_ = c.Close()
		}
	}
}

// Len is the number of connections.
func (l *Limiter) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.conns)
}

// Unused is the number of connections on which no request has arrived.
func (l *Limiter) Unused() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, c := range l.conns {
		if c.state == http.StateNew {
			n++
		}
	}
	return n
}
