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
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Token and Origin are what a collector of the harness lets in, unless its
// Options say otherwise.
const (
	Token  = "test-token"
	Origin = "https://saberloop.com"
)

// startTimeout and stopTimeout bound the wait for a collector that never
// becomes healthy, and for one that ignores its SIGTERM. Both are generous:
// they decide how soon a broken test ends, not what passes.
const (
	startTimeout = time.Minute
	stopTimeout  = time.Minute
)

// listenTime is how long after its start a collector is believed to be deaf to
// signals: the Collector calls signal.Notify only once all its components run,
// and nothing tells when it has.
const listenTime = 500 * time.Millisecond

// readyMessage is what the Collector logs when all its components run.
const readyMessage = "Everything is ready"

//go:embed collector.yaml
var baseConfig []byte

// Options say what is special about a collector. The zero value is the
// ordinary one, with a directory of its own.
type Options struct {
	// Directory holds the day files. It is a new one of the test's by default.
	Directory string
	// Token is the one token that is let in, Token by default.
	Token string
	// Origin is the one origin that is let in, Origin by default.
	Origin string
	// Config is YAML that is merged over the harness's collector.yaml.
	Config string
	// Flags are further command line arguments, Env further variables of the
	// environment.
	Flags, Env []string
	// Binary is the path of the program, Binary(tb) by default.
	Binary string
}

// Collector is a running otelcol-saberloop.
type Collector struct {
	// URL is the receiver's base URL, HealthURL what the health check
	// answers, MetricsURL the collector's own metrics.
	URL, HealthURL, MetricsURL string
	// Directory holds the day files.
	Directory string
	// Token is the token that is let in.
	Token string

	binary string
	args   []string
	env    []string
	config string // the path of the file that holds Options.Config
	log    string // the path of the file that its output goes to, over all its restarts

	process *Process
	listens <-chan time.Time
}

// Start starts a collector and waits until it is healthy. When the test ends
// the collector is stopped, and its log shown if the test failed.
func Start(tb testing.TB, options Options) *Collector {
	tb.Helper()
	c := newCollector(tb, options)
	c.start(tb)
	return c
}

// StartFails runs a collector that is expected to end by itself, with an
// exit code other than 0, and returns what it logged.
func StartFails(tb testing.TB, options Options) string {
	tb.Helper()
	c := newCollector(tb, options)
	c.Launch(tb)
	select {
	case <-c.process.Exited():
	case <-time.After(startTimeout):
		require.FailNow(tb, "collector goes on, it should have failed to start")
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
		binary:     options.Binary,
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
	require.NoError(tb, os.WriteFile(base, baseConfig, 0o600))
	c.writeConfig(tb, options.Config)
	c.args = append([]string{"--config=" + base, "--config=" + c.config}, options.Flags...)
	tb.Cleanup(func() {
		c.end(tb)
		if tb.Failed() {
			tb.Logf("log of the collector:\n%s", LastOf(c.Log(tb), 64<<10))
		}
	})
	return c
}

// Binary is the path of the otelcol-saberloop under test: the one that `make
// build` leaves, or what OTELCOL_SABERLOOP names.
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

// Root is the root of the repository.
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

// Launch starts a collector that was stopped or killed again, and does not
// wait for it.
func (c *Collector) Launch(tb testing.TB) {
	tb.Helper()
	cmd := exec.Command(c.binary, c.args...)
	cmd.Env = c.env
	process, err := StartProcess(cmd, c.log)
	require.NoError(tb, err)
	c.process = process
}

func (c *Collector) await(tb testing.TB, what string, done func() bool) {
	tb.Helper()
	require.NoError(tb, c.process.Await(what, done), "collector")
}

// Health is the status code of the health check's answer, 0 where it does not
// answer.
func (c *Collector) Health() int {
	res, err := http.Get(c.HealthURL)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	return res.StatusCode
}

// Stop sends SIGTERM, and wants the collector to end by itself with exit
// code 0. It returns how long that took.
func (c *Collector) Stop(tb testing.TB) time.Duration {
	tb.Helper()
	c.awaitListening()
	began := time.Now()
	c.Signal(tb, syscall.SIGTERM)
	select {
	case <-c.process.Exited():
	case <-time.After(stopTimeout):
		require.FailNowf(tb, "collector ignores SIGTERM", "it runs on after %v", stopTimeout)
	}
	require.Zero(tb, c.process.State().ExitCode(), "exit code after SIGTERM")
	return time.Since(began)
}

// awaitListening waits until a signal asks the collector for something, instead
// of ending it.
func (c *Collector) awaitListening() {
	if c.listens != nil {
		<-c.listens
		c.listens = nil
	}
}

// Signal sends a signal to the collector's process.
func (c *Collector) Signal(tb testing.TB, signal os.Signal) {
	tb.Helper()
	require.NoError(tb, c.process.Signal(signal))
}

// Kill ends the collector as a crash would, by SIGKILL.
func (c *Collector) Kill(tb testing.TB) {
	tb.Helper()
	require.NoError(tb, c.process.Kill())
}

// Restart starts a collector that was stopped or killed again: same ports,
// same directory, same configuration.
func (c *Collector) Restart(tb testing.TB) {
	tb.Helper()
	c.start(tb)
}

// Reload gives the collector another Options.Config and waits until it runs
// with that. It returns how long that took.
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

// Log is all that the collector has written to stdout and stderr.
func (c *Collector) Log(tb testing.TB) string {
	tb.Helper()
	log, err := os.ReadFile(c.log)
	if errors.Is(err, os.ErrNotExist) {
		return "" // never started
	}
	require.NoError(tb, err)
	return string(log)
}

// end ends the collector if it still runs, first politely.
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

// LastOf cuts a text to its last lines of at most so many bytes.
func LastOf(text string, size int) string {
	if len(text) <= size {
		return text
	}
	text = text[len(text)-size:]
	return "…" + text[strings.IndexByte(text, '\n')+1:]
}
