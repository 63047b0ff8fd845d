// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package e2e

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// browserTimeout limits the wait for the report of a browser.
const browserTimeout = 2 * time.Minute

//go:embed testdata/page.html
var page []byte

// report has what the page's script saw, by the name of the probe.
type report map[string]json.RawMessage

// seen is what a script can read of an answer.
type seen struct {
	Status     int
	RetryAfter string
	Answer     struct {
		Status, Error string
		Received      *harness.Counts
	}
	Error string // of fetch: no answer, or one that the script must not read
}

// In a real browser, a page of the allowed origin can read every answer, including
// errors: status, JSON, Retry-After.
func TestBrowser(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	c := harness.Start(t, harness.Options{Origin: site.URL, Config: unreachable("metrics")})
	got := site.visit(t, c)

	for name, want := range map[string]struct {
		status     int
		outcome    string // "status" or "error" of the answer
		retryAfter bool
	}{
		"stored":            {200, "ok", false},
		"duplicate":         {200, "ok", false},
		"stored, keepalive": {200, "ok", false},
		"wrong token":       {401, "Unauthorized", false},
		"too large":         {413, "Payload too large", false},
		"invalid":           {400, "Invalid JSON", false},
		"unavailable":       {503, "Service unavailable", true},
	} {
		saw := got.seen(t, name)
		require.Empty(t, saw.Error, "%s: the script got no answer", name)
		require.Equal(t, want.status, saw.Status, name)
		require.Equal(t, want.outcome, saw.Answer.Status+saw.Answer.Error, name)
		require.Equal(t, want.retryAfter, saw.RetryAfter != "", "%s: Retry-After", name)
	}
	require.Equal(t, &harness.Counts{Logs: 1}, got.seen(t, "stored").Answer.Received)

	lines := (&harness.Reader{Directory: c.Directory}).Next(t)
	require.Len(t, lines, 2)
	require.Equal(t, `{"context":{"topic":"Math 😀"},"level":"info","message":"Sent by a real browser"}`, lines[0].Entry)
}

// A page of another origin can read no answer, and nothing that it sends is stored.
func TestBrowserOfOtherOrigin(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	c := harness.Start(t, harness.Options{})
	got := site.visit(t, c)
	for _, name := range []string{"stored", "duplicate", "stored, keepalive", "wrong token", "too large", "invalid", "unavailable"} {
		require.Equal(t, "TypeError", got.seen(t, name).Error, name)
	}
	require.Empty(t, (&harness.Reader{Directory: c.Directory}).Next(t))
}

func (r report) seen(t *testing.T, name string) seen {
	t.Helper()
	var s seen
	require.Contains(t, r, name)
	require.NoError(t, json.Unmarshal(r[name], &s), "%s: %s", name, r[name])
	return s
}

// site is a web site whose page sends its report to the site.
type site struct {
	*httptest.Server
	reports chan report
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{reports: make(chan report, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(page)
	})
	mux.HandleFunc("POST /report", func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var got report
		if json.Unmarshal(body, &got) == nil {
			s.reports <- got
		}
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// visit opens the page in a new browser and returns the report.
func (s *site) visit(t *testing.T, c *harness.Collector) report {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		require.FailNow(t, "no browser to test with", "install Debian's package chromium: %v", err)
	}
	var output bytes.Buffer
	browser := exec.Command(chromium,
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--disable-dev-shm-usage", "--user-data-dir="+t.TempDir(),
		"--remote-debugging-port=0", // keeps it running
		s.URL+"/?collector="+url.QueryEscape(c.URL+harness.Path))
	browser.Stdout, browser.Stderr = &output, &output
	browser.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, browser.Start())
	defer func() {
		// Kills the process group: its processes write to the temporary directory.
		_ = syscall.Kill(-browser.Process.Pid, syscall.SIGKILL)
		_ = browser.Wait()
	}()
	select {
	case got := <-s.reports:
		return got
	case <-time.After(browserTimeout):
		_ = syscall.Kill(-browser.Process.Pid, syscall.SIGKILL)
		_ = browser.Wait()
		require.FailNow(t, "page did not report", "output of the browser:\n%s", output.String())
		return nil
	}
}
