// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package backends

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// sshServer is an OpenSSH server on loopback that accepts one key.
type sshServer struct {
	port      int
	directory string
}

// privilegeSeparation is an empty directory that Debian's sshd needs as root. Its boot
// scripts create it otherwise.
const privilegeSeparation = "/run/sshd"

func startSSHServer(t *testing.T) *sshServer {
	t.Helper()
	sshd, err := exec.LookPath("sshd")
	if err != nil {
		sshd = "/usr/sbin/sshd" // not in the PATH of every user
	}
	require.FileExists(t, sshd, "there is no sshd: install openssh-server")
	if os.Geteuid() == 0 {
		require.NoError(t, os.MkdirAll(privilegeSeparation, 0o755))
	}
	s := &sshServer{port: harness.FreePort(t), directory: t.TempDir()}
	authorized := s.newKey(t, "user_key")
	s.newKey(t, "host_key")
	s.write(t, "authorized_keys", authorized)
	s.write(t, "sshd_config", fmt.Appendf(nil, `
ListenAddress 127.0.0.1:%d
HostKey %s
AuthorizedKeysFile %s
# The folders above are the test's, whatever their modes.
StrictModes no
UsePAM no
PidFile none
`, s.port, s.path("host_key"), s.path("authorized_keys")))

	// sshd requires an absolute path.
	process, err := harness.StartProcess(exec.Command(sshd, "-D", "-e", "-f", s.path("sshd_config")), s.path("sshd.log"))
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, process.Stop())
		if t.Failed() {
			t.Logf("log of sshd:\n%s", lastOf(s.path("sshd.log")))
		}
	})
	require.NoError(t, process.Await("listen", func() bool { return dials(s.port) }), "sshd")
	return s
}

func (s *sshServer) path(name string) string { return filepath.Join(s.directory, name) }

func (s *sshServer) write(t *testing.T, name string, content []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(s.path(name), content, 0o600))
}

// newKey creates a key pair and returns the public key.
func (s *sshServer) newKey(t *testing.T, name string) []byte {
	t.Helper()
	output, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", s.path(name)).CombinedOutput()
	require.NoError(t, err, "%s", output)
	public, err := os.ReadFile(s.path(name + ".pub"))
	require.NoError(t, err)
	return public
}

// tunnel opens the tunnel of analysis/README.md: the port there, on the server, forwards
// to the port here.
func (s *sshServer) tunnel(t *testing.T, there, here int) *harness.Process {
	t.Helper()
	me, err := user.Current()
	require.NoError(t, err)
	forward := fmt.Sprintf("127.0.0.1:%d:127.0.0.1:%d", there, here)
	log := s.path("ssh.log")
	var process *harness.Process
	// The server may still hold the port of a broken tunnel.
	require.Eventually(t, func() bool {
		process, err = harness.StartProcess(exec.Command("ssh", "-N", "-R", forward,
			"-p", strconv.Itoa(s.port), "-i", s.path("user_key"), "-F", "none",
			"-o", "ExitOnForwardFailure=yes", "-o", "BatchMode=yes",
			"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile="+s.path("known_hosts"),
			me.Username+"@127.0.0.1"), log)
		return err == nil && process.Await("open the tunnel", func() bool { return dials(there) }) == nil
	}, time.Minute, 100*time.Millisecond, "no tunnel; see its log")
	t.Cleanup(func() {
		assert.NoError(t, process.Stop())
		if t.Failed() {
			t.Logf("log of ssh:\n%s", lastOf(log))
		}
	})
	return process
}

// dials reports whether something listens on a port.
func dials(port int) bool {
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return conn.Close() == nil
}
