// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package backends

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// servers are Loki, Prometheus and Jaeger on loopback.
type servers struct {
	Loki       loki
	Prometheus prometheus
	Jaeger     jaeger

	importEnv []string // the addresses, for import.yaml
	running   []*server
}

type server struct {
	name    string
	process *harness.Process
	log     string // path
}

// startServers starts empty servers, which store their data in directory, and waits until
// they are ready. The caller stops them. If one does not start, the others are stopped.
func startServers(tb testing.TB, directory string) *servers {
	tb.Helper()
	s := &servers{}
	ready := false
	defer func() {
		if !ready {
			s.showLogs(tb)
			assert.NoError(tb, s.stop())
		}
	}()

	address := func() (port, hostPort string) {
		port = strconv.Itoa(harness.FreePort(tb))
		return port, "127.0.0.1:" + port
	}
	lokiPort, lokiAddress := address()
	lokiGRPC, _ := address()
	_, prometheusAddress := address()
	queryPort, queryAddress := address()
	otlpPort, otlpAddress := address()
	queryGRPC, _ := address()
	s.Loki = loki{"http://" + lokiAddress}
	s.Prometheus = prometheus{"http://" + prometheusAddress}
	s.Jaeger = jaeger{"http://" + queryAddress}
	s.importEnv = []string{"LOKI=" + s.Loki.url, "PROMETHEUS=" + s.Prometheus.url, "JAEGER=" + otlpAddress}

	services := composeServices(tb)
	lokiServer := s.start(tb, services["loki"], directory, []string{
		"LOKI_ADDRESS=127.0.0.1", "LOKI_HTTP_PORT=" + lokiPort, "LOKI_GRPC_PORT=" + lokiGRPC,
		"LOKI_DIRECTORY=" + filepath.Join(directory, "loki"),
	})
	prometheusServer := s.start(tb, services["prometheus"], directory, nil, "--web.listen-address="+prometheusAddress)
	jaegerServer := s.start(tb, services["jaeger"], directory, []string{
		"JAEGER_ADDRESS=127.0.0.1", "JAEGER_QUERY_PORT=" + queryPort, "JAEGER_QUERY_GRPC_PORT=" + queryGRPC,
		"JAEGER_OTLP_PORT=" + otlpPort, "JAEGER_DIRECTORY=" + filepath.Join(directory, "jaeger"),
	})
	prometheusServer.awaitReady(tb, s.Prometheus.url+"/-/ready")
	jaegerServer.awaitReady(tb, s.Jaeger.url+"/api/services")
	lokiServer.awaitReady(tb, s.Loki.url+"/ready")
	ready = true
	return s
}

// ownServers starts servers for a test.
func ownServers(t *testing.T) *servers {
	t.Helper()
	s := startServers(t, t.TempDir())
	t.Cleanup(func() {
		if t.Failed() {
			s.showLogs(t)
		}
		assert.NoError(t, s.stop())
	})
	return s
}

// composeServices returns the services of docker-compose.telemetry.yml. The tests start
// them as it says.
func composeServices(tb testing.TB) types.Services {
	tb.Helper()
	file := filepath.Join(harness.Root(tb), "docker-compose.telemetry.yml")
	options, err := cli.NewProjectOptions([]string{file}, cli.WithProfiles([]string{"all"}))
	require.NoError(tb, err)
	project, err := options.LoadProject(tb.Context())
	require.NoError(tb, err)
	return project.Services
}

// start starts a service without a container. Its volume is a directory below directory,
// and it reads its settings from the repository.
func (s *servers) start(tb testing.TB, service types.ServiceConfig, directory string, env []string, args ...string) *server {
	tb.Helper()
	binary := filepath.Join(harness.Root(tb), ".cache", "servers", service.Name)
	_, err := os.Stat(binary)
	require.NoError(tb, err, "there is no %s: run `make servers` first", service.Name)
	var outside []string // pairs of a path in the container and its replacement
	for _, v := range service.Volumes {
		source := v.Source
		if v.Type == types.VolumeTypeVolume {
			source = filepath.Join(directory, service.Name)
			require.NoError(tb, os.MkdirAll(source, 0o750))
		}
		outside = append(outside, v.Target, source)
	}
	replacer := strings.NewReplacer(outside...)
	cmd := exec.Command(binary)
	for _, arg := range service.Command {
		cmd.Args = append(cmd.Args, replacer.Replace(arg))
	}
	cmd.Args = append(cmd.Args, args...)
	cmd.Env = os.Environ()
	for key, value := range service.Environment.Resolve(nil) {
		cmd.Env = append(cmd.Env, key+"="+*value)
	}
	cmd.Env = append(cmd.Env, env...)
	log := filepath.Join(directory, service.Name+".log")
	process, err := harness.StartProcess(cmd, log)
	require.NoError(tb, err)
	started := &server{service.Name, process, log}
	s.running = append(s.running, started)
	return started
}

// awaitReady waits until a server answers 200.
func (s *server) awaitReady(tb testing.TB, url string) {
	tb.Helper()
	require.NoError(tb, s.process.Await("get ready", func() bool {
		res, err := http.Get(url)
		if err != nil {
			return false
		}
		defer res.Body.Close()
		return res.StatusCode == http.StatusOK
	}), s.name)
}

// stop stops the servers.
func (s *servers) stop() error {
	var errs []error
	for _, server := range s.running {
		if err := server.process.Stop(); err != nil {
			errs = append(errs, fmt.Errorf("%s %w", server.name, err))
		}
	}
	s.running = nil
	return errors.Join(errs...)
}

// showLogs shows the ends of the servers' logs.
func (s *servers) showLogs(tb testing.TB) {
	tb.Helper()
	for _, server := range s.running {
		tb.Logf("log of %s:\n%s", server.name, lastOf(server.log))
	}
}

// lastOf returns the end of a log file, or the error.
func lastOf(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return harness.LastOf(string(text), 4<<10)
}
