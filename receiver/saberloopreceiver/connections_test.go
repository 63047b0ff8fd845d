// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

// TestAnswerReachesSendingClient has a client that reads the answer only after it
// has sent all of the body, which was refused before.
func TestAnswerReachesSendingClient(t *testing.T) {
	t.Parallel()
	e := serve(t, testConfig(), failing(nil, nil, nil))
	tests := []struct {
		name, token, header string
		status              int
	}{
		{"announced", testToken, fmt.Sprintf("Content-Length: %d\r\n\r\n", 16<<20), http.StatusRequestEntityTooLarge},
		{"not announced", testToken, fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n", 16<<20), http.StatusRequestEntityTooLarge},
		{"without a token", "none", fmt.Sprintf("Content-Length: %d\r\n\r\n", 16<<20), http.StatusUnauthorized},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", e.address)
			require.NoError(t, err)
			defer func() { assert.NoError(t, conn.Close()) }()
			require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
			_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\n%s: %s\r\n%s", testPath, tokenHeader, tt.token, tt.header)
			require.NoError(t, err)
			_, err = io.WriteString(conn, strings.Repeat(" ", 16<<20))
			require.NoError(t, err)
			status := make([]byte, len("HTTP/1.1 413"))
			_, err = io.ReadFull(conn, status)
			require.NoError(t, err)
			assert.Equal(t, fmt.Sprintf("HTTP/1.1 %d", tt.status), string(status))
		})
	}
}

// TestExpectContinue has a client that waits for permission to send the body.
func TestExpectContinue(t *testing.T) {
	t.Parallel()
	e := serve(t, testConfig(), failing(nil, nil, nil))
	got := e.rawPost(t, "Expect: 100-continue\r\nContent-Length: 16000000\r\n\r\n")
	assert.True(t, strings.HasPrefix(got, "HTTP/1.1 413 "), got)
}

// TestConnectionIsKept sends two requests on one connection. The first is refused
// before its body is read.
func TestConnectionIsKept(t *testing.T) {
	t.Parallel()
	e := serve(t, testConfig(), failing(nil, nil, nil))
	large := strings.Repeat(" ", 1<<20+1)
	got := e.rawRequests(t,
		fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", testPath, len(large), large),
		fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s: %s\r\nContent-Length: %d\r\n\r\n%s",
			testPath, tokenHeader, testToken, len(oneLog), oneLog),
	)
	assert.True(t, strings.HasPrefix(got, "HTTP/1.1 401 "), got)
	assert.Contains(t, got, "HTTP/1.1 200 ")
}

// TestHeaderSize sends headers of just the limit and of one byte more.
func TestHeaderSize(t *testing.T) {
	t.Parallel()
	e := serve(t, testConfig(), failing(nil, nil, nil))
	for size, status := range map[int]string{
		maxHeaderBytes:     "HTTP/1.1 200 ",
		maxHeaderBytes + 1: "HTTP/1.1 431 ",
		1 << 20:            "HTTP/1.1 431 ",
	} {
		headers := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s: %s\r\nContent-Length: %d\r\nX-Padding: \r\n\r\n",
			testPath, tokenHeader, testToken, len(oneLog))
		padding := strings.Repeat("x", size-len(headers))
		conn := dial(t, e)
		go func() {
			// The server does not read all of it.
			_, _ = io.WriteString(conn, strings.TrimSuffix(headers, "\r\n\r\n")+padding+"\r\n\r\n"+oneLog)
		}()
		answer := make([]byte, len(status))
		_, err := io.ReadFull(conn, answer)
		require.NoError(t, err)
		assert.Equal(t, status, string(answer), size)
	}
}

func dial(t *testing.T, e *endpoint) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", e.address)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, conn.Close()) })
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	return conn
}

// patient is a configuration without timeouts.
func patient() *Config {
	cfg := testConfig()
	cfg.ServerConfig.ReadHeaderTimeout, cfg.ServerConfig.ReadTimeout, cfg.ServerConfig.WriteTimeout = 0, 0, 0
	return cfg
}

// TestShutdownDoesNotWaitForSlowClients shuts down while clients have sent a part
// of a request. A request that has arrived is stored.
func TestShutdownDoesNotWaitForSlowClients(t *testing.T) {
	t.Parallel()
	const post = "POST " + testPath + " HTTP/1.1\r\nHost: x\r\nX-Telemetry-Token: "
	tests := []struct{ name, sent, answer string }{
		{"in the body", post + testToken + "\r\nContent-Length: 100\r\n\r\n{", "HTTP/1.1 503 "},
		{"in a chunk", post + testToken + "\r\nTransfer-Encoding: chunked\r\n\r\na\r\n{", "HTTP/1.1 503 "},
		{"in a compressed body", post + testToken + "\r\nContent-Encoding: gzip\r\nContent-Length: 100\r\n\r\n\x1f", "HTTP/1.1 503 "},
		{"in the body, wrong token", post + "wrong\r\nContent-Length: 100\r\n\r\n{", "HTTP/1.1 401 "},
		{"in the headers", post, ""},
		{"before the headers", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var stored sinks
			e := start(t, patient(), stored.consumers(), receivertest.NewNopSettings(componentType), componenttest.NewNopHost())
			e.receiver().drainTimeout = 50 * time.Millisecond
			conn := dial(t, e)
			_, err := io.WriteString(conn, tt.sent)
			require.NoError(t, err)
			// counted reports whether that many requests and unused connections
			// are known.
			counted := func(requests, unused int) func() bool {
				connections := e.receiver().connections
				return func() bool {
					connections.mu.Lock()
					defer connections.mu.Unlock()
					return len(connections.requests) == requests && connections.limiter.Unused() == unused
				}
			}
			if tt.answer == "" {
				require.Eventually(t, counted(0, 1), time.Minute, time.Millisecond)
			} else {
				require.Eventually(t, counted(1, 0), time.Minute, time.Millisecond)
			}

			// http.Server itself waits 5 seconds for a new connection, and
			// without end for a body.
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			defer cancel()
			require.NoError(t, e.shutdown(ctx))
			answer, err := io.ReadAll(conn)
			if tt.answer != "" || err == nil {
				require.NoError(t, err)
				assert.Equal(t, tt.answer, string(answer[:min(len(answer), len(tt.answer))]))
			}
			assert.Zero(t, stored.counts())
			assert.Eventually(t, counted(0, 0), time.Minute, time.Millisecond)
		})
	}
}

// TestDrainTimeout: shutdown ends within 5 seconds. http.Server polls every half
// second.
func TestDrainTimeout(t *testing.T) {
	t.Parallel()
	assert.LessOrEqual(t, drainTimeout, 4*time.Second)
}

// TestDrainKeepsWholeRequests drains while a pipeline handles a request whose body
// has arrived.
func TestDrainKeepsWholeRequests(t *testing.T) {
	t.Parallel()
	called, proceed := make(chan struct{}), make(chan struct{})
	e := start(t, patient(), calling(t, func() error {
		close(called)
		<-proceed
		return nil
	}), receivertest.NewNopSettings(componentType), componenttest.NewNopHost())
	e.receiver().drainTimeout = time.Nanosecond
	conn := dial(t, e)
	_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\n%s: %s\r\nContent-Length: %d\r\n\r\n%s",
		testPath, tokenHeader, testToken, len(oneLog), oneLog)
	require.NoError(t, err)
	<-called
	down := make(chan error, 1)
	go func() { down <- e.shutdown(context.Background()) }()
	require.Eventually(t, e.receiver().handler.stopping.Load, time.Minute, time.Millisecond)
	close(proceed)
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(string(answer), "HTTP/1.1 200 "), string(answer))
	require.NoError(t, <-down)
}

// TestDrainHTTP2 drains while a body arrives over HTTP/2, and then sends another
// one on the same connection: only the stream of a request ends.
func TestDrainHTTP2(t *testing.T) {
	t.Parallel()
	e := serve(t, patient(), failing(nil, nil, nil))
	server := httptest.NewUnstartedServer(e.receiver().server.Handler)
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range 2 {
		body, client := io.Pipe()
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+testPath, body)
		require.NoError(t, err)
		r.Header.Set(tokenHeader, testToken)
		go func() {
			_, _ = io.WriteString(client, oneLog[:5])
			e.receiver().connections.drain(0)
		}()
		resp, err := server.Client().Do(r)
		require.NoError(t, err)
		require.NoError(t, client.Close())
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, 2, resp.ProtoMajor)
		assert.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	}
}
