// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package harness runs the real otelcol-saberloop for tests. It starts the binary
// that `make build` leaves, sends it requests, stops, kills and restarts it, and
// reads what it stored. The collector stops when the test ends; its log is shown
// if the test failed.
package harness

import (
	_ "embed"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Token and Origin are the defaults of Options.
const (
	Token  = "test-token"
	Origin = "https://saberloop.com"
)

// startTimeout and stopTimeout limit the wait for the health check after a start
// and for the exit after SIGTERM. They only decide how soon a broken test ends.
const (
	startTimeout = time.Minute
	stopTimeout  = time.Minute
)

// listenTime is the time after which a healthy collector handles signals. The
// Collector calls signal.Notify after all its components have started, and does
// not report it. Before that, a signal kills the process.
const listenTime = 500 * time.Millisecond

// readyMessage is in the log when all components run.
const readyMessage = "Everything is ready"

//go:embed collector.yaml
var baseConfig []byte

// shippedAddresses is merged into collector-config.yaml. The endpoint of the
// receiver is an environment variable there.
const shippedAddresses = `
extensions:
  health_check: {endpoint: "${env:HARNESS_HEALTH_ENDPOINT}"}
service:
  telemetry:
    metrics:
      readers:
        - pull:
            exporter:
              prometheus:
                host: localhost
                port: ${env:HARNESS_METRICS_PORT}
                without_scope_info: true
                without_type_suffix: true
                without_units: true
`

// Options configure a collector. The zero value is a working configuration.
type Options struct {
	// Directory holds the day files. The default is a new directory.
	Directory string
	// Token is the only accepted token. The default is the constant Token.
	Token string
	// Origin is the only accepted origin. The default is the constant Origin.
	Origin string
	// Config is YAML that is merged into the harness's collector.yaml.
	Config string
	// Shipped takes the repository's collector-config.yaml instead of the
	// harness's collector.yaml. Only its addresses are changed.
	Shipped bool
	// Wrapper is a command that runs the collector in its own process, such as
	// taskset with its arguments.
	Wrapper []string
	// Flags and Env are additional arguments and environment variables.
	Flags, Env []string
	// Binary is the path of the program. The default is Binary(tb).
	Binary string
}

// Collector is a running otelcol-saberloop.
type Collector struct {
	// URL is the base URL of the receiver, HealthURL that of the health check,
	// MetricsURL that of the collector's own metrics.
	URL, HealthURL, MetricsURL string
	// Directory holds the day files.
	Directory string
	// Token is the accepted token.
	Token string

	args   []string // the program is the first
	env    []string
	config string // path of the file with Options.Config
	log    string // path of the file with the output of all runs

	process *Process
	listens <-chan time.Time
}

// Start starts a collector and waits until it is healthy. The collector stops
// when the test ends; its log is shown if the test failed.
func Start(tb testing.TB, options Options) *Collector {
	tb.Helper()
	c := newCollector(tb, options)
	c.start(tb)
	return c
}

// StartFails runs a collector that must exit with a code other than 0. It returns
// the log.
func StartFails(tb testing.TB, options Options) string {
	tb.Helper()
	c := newCollector(tb, options)
	c.Launch(tb)
	select {
	case <-c.process.Exited():
	case <-time.After(startTimeout):
		require.FailNow(tb, "the collector runs; it should have failed to start")
	}
	require.NotZero(tb, c.process.State().ExitCode(), "exit code")
	return c.Log(tb)
}

func newCollector(tb testing.TB, options Options) *Collector {
	tb.Helper()
	if options.Directory == "" {
		options.Directory = filepath.Join(tb.TempDir(), "telemetry-data")
	}
	if options.Token == "" {
		options.Token = Token
	}
	if options.Origin == "" {
		options.Origin = Origin
	}
	if options.Binary == "" {
		options.Binary = Binary(tb)
	}
	ingest, health, metrics := address(FreePort(tb)), address(FreePort(tb)), FreePort(tb)
	own := tb.TempDir()
	c := &Collector{
		URL:        "http://" + ingest,
		HealthURL:  "http://" + health,
		MetricsURL: "http://" + address(metrics) + "/metrics",
		Directory:  options.Directory,
		Token:      options.Token,
		config:     filepath.Join(own, "options.yaml"),
		log:        filepath.Join(own, "collector.log"),
		env: append(append(os.Environ(), options.Env...),
			"HARNESS_ENDPOINT="+ingest,
			"HARNESS_HEALTH_ENDPOINT="+health,
			"HARNESS_METRICS_PORT="+strconv.Itoa(metrics),
			"HARNESS_DIRECTORY="+options.Directory,
			"HARNESS_TOKEN="+options.Token,
			"HARNESS_ORIGIN="+options.Origin),
	}
	base := filepath.Join(own, "collector.yaml")
	if options.Shipped {
		shipped := filepath.Join(Root(tb), "collector-config.yaml")
		require.NoError(tb, os.WriteFile(base, []byte(shippedAddresses), 0o600))
		c.args = []string{"--config=" + shipped, "--config=" + base}
		c.env = append(c.env,
			"TELEMETRY_ENDPOINT="+ingest,
			"TELEMETRY_DIR="+options.Directory,
			"TELEMETRY_TOKEN="+options.Token,
			"TELEMETRY_ORIGIN="+options.Origin)
	} else {
		require.NoError(tb, os.WriteFile(base, baseConfig, 0o600))
		c.args = []string{"--config=" + base}
	}
	c.writeConfig(tb, options.Config)
	c.args = slices.Concat(options.Wrapper, []string{options.Binary}, c.args, []string{"--config=" + c.config}, options.Flags)
	tb.Cleanup(func() {
		c.end(tb)
		if tb.Failed() {
			tb.Logf("log of the collector:\n%s", LastOf(c.Log(tb), 64<<10))
		}
	})
	return c
}

// Binary returns the path of the otelcol-saberloop under test: the value of
// OTELCOL_SABERLOOP, or what `make build` builds.
func Binary(tb testing.TB) string {
	tb.Helper()
	path := os.Getenv("OTELCOL_SABERLOOP")
	if path == "" {
		path = filepath.Join(Root(tb), "_build", "otelcol-saberloop")
	}
	if _, err := os.Stat(path); err != nil {
		require.FailNow(tb, "no collector to test", "run `make build` first: %v", err)
	}
	return path
}

// Root returns the root of the repository.
func Root(tb testing.TB) string {
	tb.Helper()
	_, file, _, ok := runtime.Caller(0)
	require.True(tb, ok, "source path of the harness is unknown")
	return filepath.Join(filepath.Dir(file), "..", "..")
}

func (c *Collector) writeConfig(tb testing.TB, config string) {
	tb.Helper()
	if strings.TrimSpace(config) == "" {
		config = "{}"
	}
	require.NoError(tb, os.WriteFile(c.config, []byte(config), 0o600))
}

// start launches the collector and waits until it is healthy.
func (c *Collector) start(tb testing.TB) {
	tb.Helper()
	c.Launch(tb)
	c.await(tb, "become healthy", func() bool { return c.Health() == http.StatusOK })
	c.listens = time.After(listenTime)
}

// Launch starts the process again after a stop or kill, without waiting until it
// is healthy.
func (c *Collector) Launch(tb testing.TB) {
	tb.Helper()
	cmd := exec.Command(c.args[0], c.args[1:]...)
	cmd.Env = c.env
	process, err := StartProcess(cmd, c.log)
	require.NoError(tb, err)
	c.process = process
}

func (c *Collector) await(tb testing.TB, what string, done func() bool) {
	tb.Helper()
	require.NoError(tb, c.process.Await(what, done), "collector")
}

// Health returns the status code of the health check, or 0 without an answer.
func (c *Collector) Health() int {
	res, err := http.Get(c.HealthURL)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	return res.StatusCode
}

// Stop sends SIGTERM and requires exit code 0. It returns how long that took.
func (c *Collector) Stop(tb testing.TB) time.Duration {
	tb.Helper()
	c.awaitListening()
	began := time.Now()
	c.Signal(tb, syscall.SIGTERM)
	select {
	case <-c.process.Exited():
	case <-time.After(stopTimeout):
		require.FailNowf(tb, "collector ignores SIGTERM", "it still runs after %v", stopTimeout)
	}
	require.Zero(tb, c.process.State().ExitCode(), "exit code after SIGTERM")
	return time.Since(began)
}

// awaitListening waits until the collector handles signals.
func (c *Collector) awaitListening() {
	if c.listens != nil {
		<-c.listens
		c.listens = nil
	}
}

// Process returns the collector's process. A restart makes a new one.
func (c *Collector) Process() *Process { return c.process }

// Signal sends a signal to the collector's process.
func (c *Collector) Signal(tb testing.TB, signal os.Signal) {
	tb.Helper()
	require.NoError(tb, c.process.Signal(signal))
}

// Kill kills the collector with SIGKILL.
func (c *Collector) Kill(tb testing.TB) {
	tb.Helper()
	require.NoError(tb, c.process.Kill())
}

// Restart starts the collector again after a stop or kill, with the same ports,
// directory and configuration, and waits until it is healthy.
func (c *Collector) Restart(tb testing.TB) {
	tb.Helper()
	c.start(tb)
}

// Reload replaces Options.Config and waits until the collector runs with it. It
// returns how long that took.
func (c *Collector) Reload(tb testing.TB, config string) time.Duration {
	tb.Helper()
	c.awaitListening()
	c.writeConfig(tb, config)
	began := time.Now()
	before := strings.Count(c.Log(tb), readyMessage)
	c.Signal(tb, syscall.SIGHUP)
	c.await(tb, "reload its configuration", func() bool {
		return strings.Count(c.Log(tb), readyMessage) > before && c.Health() == http.StatusOK
	})
	return time.Since(began)
}

// Log returns the output of the collector.
func (c *Collector) Log(tb testing.TB) string {
	tb.Helper()
	log, err := os.ReadFile(c.log)
	if errors.Is(err, os.ErrNotExist) {
		return "" // never started
	}
	require.NoError(tb, err)
	return string(log)
}

// end stops the collector if it still runs.
func (c *Collector) end(tb testing.TB) {
	tb.Helper()
	if c.process == nil {
		return
	}
	if err := c.process.Stop(); err != nil {
		tb.Errorf("collector %v", err)
	}
	if text := c.Log(tb); strings.Contains(text, "panic: ") || strings.Contains(text, "WARNING: DATA RACE") {
		tb.Error("collector panicked, or its race detector found something")
	}
}

func address(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// LastOf returns the last lines of a text, at most size bytes.
func LastOf(text string, size int) string {
	if len(text) <= size {
		return text
	}
	text = text[len(text)-size:]
	return "…" + text[strings.IndexByte(text, '\n')+1:]
}
