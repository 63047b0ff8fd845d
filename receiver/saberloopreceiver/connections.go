// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// maxHeaderBytes limits the request line and the headers. net/http reads
	// headerSlop bytes more than it is told.
	maxHeaderBytes = 16 << 10
	headerSlop     = 4 << 10

	// maxLinger is the number of bytes read from a client after the answer.
	maxLinger = 32 << 20

	// drainTimeout is the time for clients to finish sending once the receiver
	// shuts down. net/http takes up to half a second to notice the end.
	drainTimeout = 3 * time.Second
)

// connections limits how long clients can hold up the server. The timeouts of
// http.Server limit that while it serves; connections does so when it shuts
// down, and for clients that got their answer.
type connections struct {
	mu sync.Mutex
	// unused are the connections that have not sent the headers of a request.
	unused map[net.Conn]struct{}
	// requests are those being answered. Their bodies may still be arriving.
	requests map[*http.ResponseController]struct{}
	// deadline is when bodies have to be there; zero until the shutdown.
	deadline time.Time
}

func newConnections() *connections {
	return &connections{
		unused:   map[net.Conn]struct{}{},
		requests: map[*http.ResponseController]struct{}{},
	}
}

// limit applies the limits to a server. next handles its requests.
func (c *connections) limit(server *http.Server, next http.Handler) {
	server.MaxHeaderBytes = maxHeaderBytes - headerSlop
	server.ConnState = c.track
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		c.add(control)
		defer c.remove(control)
		linger(next, control, w, r)
	})
}

// track implements http.Server.ConnState.
func (c *connections) track(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		c.mu.Lock()
		c.unused[conn] = struct{}{}
		c.mu.Unlock()
	case http.StateIdle:
		// It was active before.
	default:
		c.mu.Lock()
		delete(c.unused, conn)
		c.mu.Unlock()
	}
}

func (c *connections) add(request *http.ResponseController) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests[request] = struct{}{}
	if !c.deadline.IsZero() {
		_ = request.SetReadDeadline(c.deadline)
	}
}

func (c *connections) remove(request *http.ResponseController) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.requests, request)
}

// drain lets clients send until the timeout, and then closes the connections
// that are still sending a request. A request that was read is not affected. The
// function that it returns releases the timer.
func (c *connections) drain(timeout time.Duration) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = time.Now().Add(timeout)
	for request := range c.requests {
		// Only a ResponseWriter that is not the server's has no deadlines.
		_ = request.SetReadDeadline(c.deadline)
	}
	return time.AfterFunc(timeout, c.closeUnused).Stop
}

func (c *connections) closeUnused() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.unused {
		_ = conn.Close()
	}
}

// linger calls next and then reads the rest of the body. Most clients look for
// the answer only when they have sent all of the body. If the server closes the
// connection before, they see a network error instead of a 413. net/http itself
// reads up to 256 KiB.
func linger(next http.Handler, control *http.ResponseController, w http.ResponseWriter, r *http.Request) {
	// HTTP/2 ends a stream without closing the connection. A client that sent
	// Expect does not send a body that was refused.
	if r.ProtoMajor != 1 || r.Header.Get("Expect") != "" {
		next.ServeHTTP(w, r)
		return
	}
	// Without full duplex net/http closes the body when it sends the answer.
	// Only a ResponseWriter that is not the server's returns an error.
	_ = control.EnableFullDuplex()
	body := r.Body
	next.ServeHTTP(w, r)
	// The read timeout of the request still applies. net/http closes the
	// connection if the client is gone or sends more than this.
	if control.Flush() == nil {
		_, _ = io.CopyN(io.Discard, body, maxLinger)
	}
}
