// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package attacks

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// maxStop is how long the collector may take to end.
const maxStop = 5 * time.Second

// SIGTERM while clients hang in every state: the collector ends in time, and what
// it acknowledged is stored.
func TestShutdownWithStuckClients(t *testing.T) {
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			certificate, config := newCertificate(t), ""
			if secure {
				config = certificate.config()
			}
			s := startServer(t, config)
			for _, tc := range stuck() {
				for range 5 {
					conn, err := dialFrom(t.Context(), addressOf(ofAttackers, 1), s.address)
					require.NoError(t, err)
					defer conn.Close()
					if secure && tc.handshake {
						conn = tlsConn(t, conn)
					}
					_, err = conn.Write(tc.sent)
					require.NoError(t, err, tc.name)
				}
			}
			options := browsersOptions{number: 4, pause: 20 * time.Millisecond}
			if secure {
				options.url, options.transport = "https://"+s.address, tlsBrowsers(true)
				// A stream without an end.
				f, err := dialFrames(t.Context(), addressOf(ofAttackers, 2), s.address)
				require.NoError(t, err)
				defer f.conn.Close()
				require.NoError(t, f.headers(false))
				require.NoError(t, f.WriteData(f.stream, false, []byte("{")))
			}
			b := startBrowsers(t, s, options)
			require.Eventually(t, func() bool {
				_, acknowledged := b.ledger.Batches()
				return acknowledged > 20
			}, time.Minute, 10*time.Millisecond)
			took := s.Stop(t)
			t.Logf("shutdown took %v", took)
			require.Less(t, took, maxStop, "time to shut down")
			b.stop()
			checkStored(t, b.ledger, s.stored())
		})
	}
}

func tlsConn(t *testing.T, conn net.Conn) net.Conn {
	t.Helper()
	secure := tlsClient(conn)
	require.NoError(t, secure.Handshake())
	return secure
}

// stuckClient is a client that stops after it has sent something.
type stuckClient struct {
	name      string
	handshake bool // whether it gets beyond that of TLS
	sent      []byte
}

func stuck() []stuckClient {
	wrong := post{token: "wrong"}
	gzip := post{encoding: "gzip"}
	zstd := post{encoding: "zstd"}
	whole := post{body: []byte(`{"logs":[]}`)}
	return []stuckClient{
		{"nothing", true, nil},
		{"half a handshake", false, []byte("\x16\x03\x01\x02\x00")},
		{"half of the headers", true, []byte("POST " + harness.Path + " HTTP/1.1\r\nHost: x\r\nX-")},
		{"half of the body", true, unfinishedBody(1000, 500)},
		{"half of the body, wrong token", true, append(wrong.head(1000), `{"logs":`...)},
		{"half of a body that is too large", true, append((&post{}).head(10_000_000), `{"logs":`...)},
		{"half of a gzip body", true, append(gzip.head(1000), 0x1f, 0x8b, 8)},
		{"half of a zstd body", true, append(zstd.head(1000), zstdHeader(8<<20)...)},
		{"half of a chunk", true, append((&post{}).head(-1), "100\r\n{"...)},
		{"idle", true, append(whole.head(len(whole.body)), whole.body...)},
	}
}
