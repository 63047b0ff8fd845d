// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package attacks

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// behindNginx trusts the proxy on the same machine.
const behindNginx = `
receivers:
  saberloop:
    trusted_proxies: [127.0.0.1/32]
`

// nginxConfig is what the receiver's README shows, and what nginx needs to run
// as a test's child.
const nginxConfig = `
daemon off;
master_process off;
pid %[1]s/nginx.pid;
error_log %[1]s/error.log;
events { worker_connections 2048; }
http {
    access_log off;
    client_body_temp_path %[1]s/body;
    proxy_temp_path %[1]s/proxy;
    fastcgi_temp_path %[1]s/fastcgi;
    uwsgi_temp_path %[1]s/uwsgi;
    scgi_temp_path %[1]s/scgi;
    server {
        listen %[2]s;
        location /telemetry/ {
            proxy_pass http://%[3]s;
            proxy_bind 127.0.0.1;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            client_max_body_size 2m;
            proxy_read_timeout 60s;
        }
    }
}
`

// startNginx runs an nginx in front of a server and returns its address.
func startNginx(t *testing.T, s *server) string {
	t.Helper()
	program, err := exec.LookPath("nginx")
	require.NoError(t, err, "install it as `make test-attacks` does: scripts/setup.sh nginx")
	directory := t.TempDir()
	// Workers of nginx are not root.
	require.NoError(t, os.Chmod(directory, 0o777))
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(harness.FreePort(t)))
	config := filepath.Join(directory, "nginx.conf")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, nginxConfig, directory, address, s.address), 0o600))
	log := filepath.Join(directory, "output.log")
	process, err := harness.StartProcess(exec.Command(program, "-p", directory, "-c", config), log)
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, process.Stop())
		if text, err := os.ReadFile(filepath.Join(directory, "error.log")); err == nil && t.Failed() {
			t.Logf("log of nginx:\n%s", harness.LastOf(string(text), 4<<10))
		}
	})
	require.NoError(t, process.Await("listen", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}))
	return address
}

// nginx stops slow clients. Small compressed bodies pass it.
func TestBehindNginx(t *testing.T) {
	bodies := worstBodies()
	for _, name := range []string{"empty points", "10000 logs", "arrays of arrays", "deep objects"} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, behindNginx)
			proxy := startNginx(t, s)
			attackWithBody(t, s, proxy, bodies[name])
		})
	}
	for name, body := range swollen() {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, behindNginx)
			attackWithBody(t, s, startNginx(t, s), body)
		})
	}
}

// Behind a proxy, clients are told apart: one at full speed is refused, and
// browsers on other addresses are served. A client can't pass for another one.
func TestAbuserBehindNginx(t *testing.T) {
	s := startServer(t, behindNginx)
	proxy := startNginx(t, s)
	direct := s.address
	s.address = proxy
	stopAbuse := startVariedFlood(t, s, 16, func() post {
		return post{from: addressOf(ofFlood, 0), body: abusiveBatch()}
	})
	b := startBrowsers(t, s, browsersOptions{number: 8, pause: 100 * time.Millisecond, url: "http://" + proxy})
	slow := slowClients{
		number: 500, addresses: 250, target: proxy,
		start: func(int) []byte { return unfinishedBody(1_000_000, 2_000) },
		more:  []byte(" "), pause: time.Second,
	}.begin(t, s)
	wait(attackTime(8 * time.Second))
	outcomes := stopAbuse()
	b.checkServed(t)
	checkNextBatch(t, proxy)
	checkNextBatch(t, direct)
	t.Logf("abuser: %v; slow clients connected %d times; peak %d MB", outcomes, slow(), s.peak()>>20)
	require.Positive(t, outcomes["429"], "refusals")
	s.checkMemory(t)
	checkStored(t, b.ledger, s.stored())
}
