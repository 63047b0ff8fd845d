// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"context"
	"io"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/saberloop/otelcol-saberloop/receiver/saberloopreceiver/internal/connlimit"
)

const (
	// maxHeaderBytes limits the request line and the headers. net/http reads
	// headerSlop bytes more than it is told.
	maxHeaderBytes = 16 << 10
	headerSlop     = 4 << 10

	// The limits of an HTTP/2 connection. net/http buffers bodies that nobody has
	// read yet, and keeps a buffer as large as the largest frame: with its own
	// defaults 2 MiB for each connection, no token needed. A browser sends a batch
	// or two at a time.
	maxStreams    = 16
	maxFrame      = 16 << 10
	receiveBuffer = 64 << 10

	// maxLinger is the number of bytes read from a client after the answer.
	maxLinger = 32 << 20

	// drainTimeout is the time for clients to finish sending once the receiver
	// shuts down. net/http takes up to half a second to notice the end.
	drainTimeout = 3 * time.Second
)

// connections limits how many clients are connected, and how long they can hold
// up the server. The timeouts of http.Server limit that while it serves;
// connections does so when it shuts down, and for clients that got their answer.
type connections struct {
	limiter *connlimit.Limiter

	mu sync.Mutex
	// requests are those being answered. Their bodies may still be arriving.
	requests map[*http.ResponseController]struct{}
	// deadline is when bodies have to be there; zero until the shutdown.
	deadline time.Time
}

// newConnections returns the connections of a server. closed is called for each
// connection that is closed because there are too many.
func newConnections(cfg *LimitsConfig, trusts func(netip.Addr) bool, closed func()) *connections {
	return &connections{
		limiter: connlimit.New(connlimit.Config{
			Max:           cfg.MaxConnections,
			MaxPerAddress: cfg.MaxConnectionsPerAddress,
			Exempt:        trusts,
			Closed:        closed,
		}),
		requests: map[*http.ResponseController]struct{}{},
	}
}

// transfer is a request whose body may still be arriving. It is in the context
// of the request.
type transfer struct {
	control *http.ResponseController
	conn    connlimit.Request
}

type transferKey struct{}

// transferOf returns the transfer of a request. A request that did not come
// through connections, as in tests, has one that does nothing.
func transferOf(r *http.Request) *transfer {
	if t, ok := r.Context().Value(transferKey{}).(*transfer); ok {
		return t
	}
	return &transfer{}
}

// received says that nothing more is read before the answer.
func (t *transfer) received() { t.conn.Received() }

// cancel ends the body: a read of it fails.
func (t *transfer) cancel() {
	if t.control != nil {
		_ = t.control.SetReadDeadline(time.Unix(1, 0))
	}
}

// limit applies the limits to a server. next handles its requests.
func (c *connections) limit(server *http.Server, next http.Handler) {
	server.MaxHeaderBytes = maxHeaderBytes - headerSlop
	server.HTTP2 = &http.HTTP2Config{
		MaxConcurrentStreams:          maxStreams,
		MaxReadFrameSize:              maxFrame,
		MaxReceiveBufferPerConnection: receiveBuffer,
		MaxReceiveBufferPerStream:     receiveBuffer,
	}
	server.ConnState = c.limiter.Track
	server.ConnContext = c.limiter.Context
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t := &transfer{control: http.NewResponseController(w), conn: c.limiter.Begin(r.Context())}
		defer t.conn.End()
		c.add(t.control)
		defer c.remove(t.control)
		linger(next, t.control, w, r.WithContext(context.WithValue(r.Context(), transferKey{}, t)))
	})
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
	return time.AfterFunc(timeout, c.limiter.CloseUnused).Stop
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
