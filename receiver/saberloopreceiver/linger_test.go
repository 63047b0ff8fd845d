// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAnswerReachesWhoIsStillSending has a client that looks for an answer
// only after it has sent all of a body that was refused early on.
func TestAnswerReachesWhoIsStillSending(t *testing.T) {
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

// TestWhoAsksFirstIsNotWaitedFor has a client that would send its body only
// if it were welcome.
func TestWhoAsksFirstIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	e := serve(t, testConfig(), failing(nil, nil, nil))
	got := e.rawPost(t, "Expect: 100-continue\r\nContent-Length: 16000000\r\n\r\n")
	assert.True(t, strings.HasPrefix(got, "HTTP/1.1 413 "), got)
}

// TestConnectionIsKept has two requests on one connection, the first of them
// refused with its body unread.
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
