// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"go.yaml.in/yaml/v3"

	"github.com/saberloop/otelcol-saberloop/internal/entry"
	"github.com/saberloop/otelcol-saberloop/receiver/saberloopreceiver/internal/dedup"
	"github.com/saberloop/otelcol-saberloop/receiver/saberloopreceiver/internal/quota"
)

const tooMany = `{"error":"Too many requests"}`

// numberedLog is a batch of one log that no other number has.
func numberedLog(n int) string { return fmt.Sprintf(`{"logs":[{"message":"m","context":%d}]}`, n) }

// checkTooMany checks that a page can read a 429 and when to try again.
func checkTooMany(tb testing.TB, got reply) time.Duration {
	tb.Helper()
	require.Equal(tb, http.StatusTooManyRequests, got.status, got.body)
	assert.Equal(tb, tooMany, got.body)
	assert.Equal(tb, testOrigin, got.header.Get("Access-Control-Allow-Origin"))
	assert.Equal(tb, "Retry-After", got.header.Get("Access-Control-Expose-Headers"))
	seconds, err := strconv.Atoi(got.header.Get("Retry-After"))
	require.NoError(tb, err)
	assert.Positive(tb, seconds)
	return time.Duration(seconds) * time.Second
}

func TestRates(t *testing.T) {
	t.Parallel()
	slow := RateConfig{RequestsPerSecond: 0.1, RequestBurst: 3}
	bytesOnly := RateConfig{BytesPerSecond: 0.1, ByteBurst: 2*len(numberedLog(0)) + 1}
	for name, limit := range map[string]func(*LimitsConfig){
		"requests of an address": func(l *LimitsConfig) { l.PerAddress = slow },
		"requests in all":        func(l *LimitsConfig) { l.Total = slow },
		"bytes of an address":    func(l *LimitsConfig) { l.PerAddress = bytesOnly },
		"bytes in all": func(l *LimitsConfig) {
			l.Total = bytesOnly
			l.Total.ByteBurst *= 2 // this client has the half that is kept
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig()
			limit(&cfg.Limits)
			var stored sinks
			e := serve(t, cfg, stored.consumers())
			for n := range 3 {
				require.Equal(t, http.StatusOK, e.post(t, numberedLog(n)).status)
			}
			wait := checkTooMany(t, e.post(t, numberedLog(3)))
			assert.LessOrEqual(t, wait, 1000*time.Second)
			assert.Equal(t, 3, stored.counts().Logs)
			assert.Equal(t, http.StatusUnauthorized, e.do(t, request{noToken: true}).status, "comes before")
			large := strings.NewReader(strings.Repeat(" ", 1<<20+1))
			assert.Equal(t, http.StatusTooManyRequests, e.do(t, request{body: large}).status, "comes before 413")
		})
	}
}

// TestTooManyBeforeTheBody announces a body and does not send it.
func TestTooManyBeforeTheBody(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.Limits.PerAddress = RateConfig{RequestsPerSecond: 0.001, RequestBurst: 1}
	e := serve(t, cfg, failing(nil, nil, nil))
	require.Equal(t, http.StatusOK, e.post(t, oneLog).status)
	conn := dial(t, e)
	_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\n%s: %s\r\nContent-Length: 1000000\r\n\r\n", testPath, tokenHeader, testToken)
	require.NoError(t, err)
	status := make([]byte, len("HTTP/1.1 429"))
	_, err = io.ReadFull(conn, status)
	require.NoError(t, err)
	assert.Equal(t, "HTTP/1.1 429", string(status))
}

func TestTrustedProxies(t *testing.T) {
	t.Parallel()
	for _, trusted := range [][]string{nil, {"127.0.0.1"}, {"127.0.0.0/8", "10.0.0.0/8"}} {
		cfg := testConfig()
		cfg.TrustedProxies = trusted
		cfg.Limits.PerAddress = RateConfig{RequestsPerSecond: 0.001, RequestBurst: 1}
		e := serve(t, cfg, failing(nil, nil, nil))
		n := 0
		send := func(forwardedFor string) int {
			n++
			return e.do(t, request{body: strings.NewReader(numberedLog(n)), header: map[string]string{"X-Forwarded-For": forwardedFor}}).status
		}
		assert.Equal(t, http.StatusOK, send("203.0.113.1"))
		assert.Equal(t, http.StatusTooManyRequests, send("1.1.1.1, 203.0.113.1"), "the client's claim does not count")
		want := http.StatusOK
		if trusted == nil {
			want = http.StatusTooManyRequests
		}
		assert.Equal(t, want, send("203.0.113.2"))
		assert.Equal(t, want, send("2001:db8::1"))
		assert.Equal(t, http.StatusTooManyRequests, send("2001:db8::2"), "of the same /64")
	}
}

// TestSchoolClass has 40 browsers behind one address send a batch every three
// seconds, and all at once now and then, with the limits of the shipped
// configuration.
func TestSchoolClass(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.Limits = shippedLimits(t)
	now := time.Date(2026, 1, 2, 8, 0, 0, 0, time.UTC)
	limits, err := newLimits(cfg, func() time.Time { return now })
	require.NoError(t, err)
	client := limits.client(&http.Request{RemoteAddr: "203.0.113.1:1"})
	size := len(typicalBatch())
	b, err := newApps(cfg).own.decoder.Decode([]byte(typicalBatch()), now)
	require.NoError(t, err)
	amount := storedSize(size, b, b.Received)
	send := func() {
		require.Nil(t, limits.admit(client))
		require.Nil(t, limits.charge(client, size))
		_, refusal := limits.take(client, amount)
		require.Nil(t, refusal)
	}
	const lessons = 4 * 45 * time.Minute
	for at := time.Duration(0); at < lessons; at += 3 * time.Second {
		for range 40 {
			send()
			if at%time.Minute != 0 { // otherwise all at the same time
				now = now.Add(3 * time.Second / 40)
			}
		}
		if at%time.Minute == 0 {
			now = now.Add(3 * time.Second)
		}
	}
}

// TestOneAddressCannotUseAll has one address send as much as it can, and another
// one like a browser, with the limits of the shipped configuration.
func TestOneAddressCannotUseAll(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.Limits = shippedLimits(t)
	now := time.Date(2026, 1, 2, 8, 0, 0, 0, time.UTC)
	limits, err := newLimits(cfg, func() time.Time { return now })
	require.NoError(t, err)
	abuser := limits.client(&http.Request{RemoteAddr: "203.0.113.1:1"})
	browser := limits.client(&http.Request{RemoteAddr: "203.0.113.2:1"})
	var stored int64
	const minute = 60_000
	for millisecond := range minute {
		now = now.Add(time.Millisecond)
		if limits.admit(abuser) == nil && limits.charge(abuser, 1<<20) == nil {
			if _, refusal := limits.take(abuser, quotaOf(1<<20)); refusal == nil {
				stored += 1 << 20
			}
		}
		if millisecond%3000 == 0 {
			require.Nil(t, limits.admit(browser))
			require.Nil(t, limits.charge(browser, 3000))
		}
	}
	l := cfg.Limits.PerAddress
	assert.LessOrEqual(t, stored, int64(l.ByteBurst)+int64(60*l.BytesPerSecond)+1<<20)
	assert.LessOrEqual(t, stored, l.BytesPerDay)
}

func TestDailyBudgets(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]func(*LimitsConfig){
		"entries of an address": func(l *LimitsConfig) { l.PerAddress.EntriesPerDay = 3 },
		"entries in all":        func(l *LimitsConfig) { l.Total.EntriesPerDay = 3 },
		"bytes of an address":   func(l *LimitsConfig) { l.PerAddress.BytesPerDay = 1100 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig()
			limit(&cfg.Limits)
			host := &testHost{extensions: map[component.ID]component.Component{storageID: newMemoryStorage()}}
			cfg.Storage = &storageID
			var stored sinks
			e := start(t, cfg, stored.consumers(), receivertest.NewNopSettings(componentType), host)
			for n := range 3 {
				require.Equal(t, http.StatusOK, e.post(t, numberedLog(n)).status)
			}
			wait := checkTooMany(t, e.post(t, numberedLog(3)))
			assert.LessOrEqual(t, wait, 24*time.Hour)
			e.client.CloseIdleConnections()
			require.NoError(t, e.shutdown(t.Context()))

			e = serveWith(t, cfg, stored.consumers(), receivertest.NewNopSettings(componentType), host)
			checkTooMany(t, e.post(t, numberedLog(4)))
			assert.Equal(t, 3, stored.counts().Logs)
		})
	}
}

// TestBudgetIsGivenBack has a pipeline fail, which costs no budget.
func TestBudgetIsGivenBack(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.Limits.PerAddress.EntriesPerDay = 2
	var full atomic.Bool
	full.Store(true)
	e := serve(t, cfg, calling(t, func() error {
		if full.Load() {
			return errFull
		}
		return nil
	}))
	for range 3 {
		require.Equal(t, http.StatusServiceUnavailable, e.post(t, oneLog).status)
	}
	full.Store(false)
	require.Equal(t, http.StatusOK, e.post(t, oneLog).status)
	for range 3 {
		require.Equal(t, true, e.post(t, oneLog).fields(t)["duplicate"], "costs none either")
	}
	require.Equal(t, http.StatusOK, e.post(t, numberedLog(1)).status)
	checkTooMany(t, e.post(t, numberedLog(2)))
}

func TestDuplicates(t *testing.T) {
	t.Parallel()
	const answer = `{"status":"ok","received":{"logs":1,"traces":0,"metrics":0}}`
	duplicate := strings.TrimSuffix(answer, "}") + `,"duplicate":true}`
	withID := func(id, sentAt string) string {
		return `{"batchId":"` + id + `","sentAt":"` + sentAt + `","logs":[{"message":"m"}]}`
	}
	tests := []struct {
		name          string
		first, second string
		duplicate     bool
	}{
		{"the same batchId", withID("a", "1"), withID("a", "2"), true},
		{"another batchId", withID("a", "1"), withID("b", "1"), false},
		{"the same body", oneLog, oneLog, true},
		{"another body", oneLog, numberedLog(1), false},
		{"the same body of a session", `{"logs":[{"sessionId":"s"}]}`, `{"logs":[{"sessionId":"s"}]}`, true},
		{"another session", `{"logs":[{"sessionId":"s"}]}`, `{"logs":[{"sessionId":"t"}]}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var stored sinks
			e := serve(t, testConfig(), stored.consumers())
			assert.Equal(t, answer, e.post(t, tt.first).body)
			want := answer
			if tt.duplicate {
				want = duplicate
			}
			assert.Equal(t, want, e.post(t, tt.second).body)
			got := e.postEncoded(t, "gzip", bytes.NewReader(gzipped(t, tt.second)))
			assert.Equal(t, duplicate, got.body, "the coding does not matter")
			if tt.duplicate {
				assert.Equal(t, 1, stored.counts().Logs)
			} else {
				assert.Equal(t, 2, stored.counts().Logs)
			}
		})
	}
}

// TestDuplicateAnswersAsTheFirstTime is about a batch of which entries were
// refused.
func TestDuplicateAnswersAsTheFirstTime(t *testing.T) {
	t.Parallel()
	e := serve(t, testConfig(), failing(nil, nil, nil))
	first := e.post(t, `{"batchId":"x","logs":[{},1]}`)
	require.Equal(t, http.StatusOK, first.status)
	assert.Equal(t, strings.TrimSuffix(first.body, "}")+`,"duplicate":true}`, e.post(t, `{"batchId":"x","logs":[{},1]}`).body)
	assert.NotContains(t, e.post(t, `{"logs":[]}`).body+e.post(t, `{"logs":[]}`).body, "duplicate", "nothing was stored")
}

func TestDuplicatesCanBeTurnedOff(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.Duplicates.Window = 0
	var stored sinks
	e := serve(t, cfg, stored.consumers())
	for range 3 {
		assert.NotContains(t, e.post(t, oneLog).body, "duplicate")
	}
	assert.Equal(t, 3, stored.counts().Logs)
}

// TestSameBodyOfAnotherClient: nothing in the bodies tells the clients apart.
func TestSameBodyOfAnotherClient(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.TrustedProxies = []string{"127.0.0.1"}
	var stored sinks
	e := serve(t, cfg, stored.consumers())
	send := func(address, body string) {
		got := e.do(t, request{body: strings.NewReader(body), header: map[string]string{"X-Forwarded-For": address}})
		require.Equal(t, http.StatusOK, got.status)
	}
	for _, address := range []string{"203.0.113.1", "203.0.113.2", "203.0.113.1"} {
		send(address, oneLog)
	}
	assert.Equal(t, 2, stored.counts().Logs)
	for _, address := range []string{"203.0.113.1", "203.0.113.2"} {
		send(address, `{"logs":[{"sessionId":"s"}]}`)
	}
	assert.Equal(t, 3, stored.counts().Logs, "a client's address changes within a session")
}

func TestStoredInPart(t *testing.T) {
	t.Parallel()
	var stored sinks
	var full atomic.Bool
	full.Store(true)
	next := stored.consumers()
	next.traces = calling(t, func() error {
		if full.Load() {
			return errFull
		}
		return nil
	}).traces
	e := serve(t, testConfig(), next)
	const inPart = `{"error":"Service unavailable","received":{"logs":1,"traces":0,"metrics":1}}`
	for range 3 {
		got := e.post(t, oneOfEach)
		require.Equal(t, http.StatusServiceUnavailable, got.status)
		assert.Equal(t, inPart, got.body)
		assert.Equal(t, entry.Counts{Logs: 1, Metrics: 1}, stored.counts())
	}
	full.Store(false)
	const all = `{"status":"ok","received":{"logs":1,"traces":1,"metrics":1}`
	assert.Equal(t, all+"}", e.post(t, oneOfEach).body)
	assert.Equal(t, all+`,"duplicate":true}`, e.post(t, oneOfEach).body)
	assert.Equal(t, entry.Counts{Logs: 1, Metrics: 1}, stored.counts())
}

// TestEachIsStoredOnce sends each batch often, from many connections at once, to
// pipelines that fail now and then.
func TestEachIsStoredOnce(t *testing.T) {
	t.Parallel()
	const batches, sendings, connections = 20, 20, 16
	var stored sinks
	var calls atomic.Int64
	next := stored.consumers()
	next.traces = calling(t, func() error {
		if calls.Add(1)%3 == 0 {
			return errFull
		}
		return nil
	}).traces
	e := serve(t, testConfig(), next)
	queue := make(chan int)
	var all sync.WaitGroup
	var acknowledged [batches]atomic.Int64
	for range connections {
		all.Go(func() {
			for n := range queue {
				body := fmt.Sprintf(`{"logs":[{"message":"%d","sessionId":"s"}],"traces":[{"name":"%[1]d"}]}`, n)
				if n%2 == 0 {
					body = fmt.Sprintf(`{"batchId":"%d",%s`, n, body[1:])
				}
				switch got := e.post(t, body); got.status {
				case http.StatusOK:
					acknowledged[n].Add(1)
				case http.StatusServiceUnavailable:
				default:
					t.Error(got.status, got.body)
				}
			}
		})
	}
	for n := range batches * sendings {
		queue <- n % batches
	}
	close(queue)
	all.Wait()
	assert.Equal(t, batches, stored.counts().Logs)
	for n := range batches {
		assert.Positive(t, acknowledged[n].Load(), n)
	}
}

func TestKnownBatchesSurviveARestart(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.Storage = &storageID
	host := &testHost{extensions: map[component.ID]component.Component{storageID: newMemoryStorage()}}
	var stored sinks
	for i := range 3 {
		e := start(t, cfg, stored.consumers(), receivertest.NewNopSettings(componentType), host)
		assert.Equal(t, i > 0, strings.Contains(e.post(t, oneOfEach).body, "duplicate"))
		e.client.CloseIdleConnections()
		require.NoError(t, e.shutdown(t.Context()))
	}
	assert.Equal(t, 3, stored.counts().Total())
}

// TestFailingStorage: a receiver serves without a storage that works.
func TestFailingStorage(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.Storage = &storageID
	cfg.Limits.PerAddress.EntriesPerDay = 1
	for _, failing := range []*memoryStorage{
		{openErr: errFull},
		{getErr: errFull, setErr: errFull},
		{data: map[string][]byte{quotaKey: []byte("x"), batchesKey: []byte("y")}},
	} {
		host := &testHost{extensions: map[component.ID]component.Component{storageID: failing}}
		var stored sinks
		e := start(t, cfg, stored.consumers(), receivertest.NewNopSettings(componentType), host)
		assert.Equal(t, http.StatusOK, e.post(t, oneLog).status)
		assert.Equal(t, 1, e.log.FilterLevelExact(zap.WarnLevel).Len())
		e.client.CloseIdleConnections()
		err := e.shutdown(t.Context())
		assert.Equal(t, failing.setErr != nil, err != nil, err)
	}
}

func TestStorageIsNotThere(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.Storage = &storageID
	for _, extensions := range []map[component.ID]component.Component{nil, {storageID: newFakeAuth()}} {
		r := create(t, receivertest.NewNopSettings(componentType), cfg, failing(nil, nil, nil))[0]
		require.ErrorContains(t, r.Start(t.Context(), &testHost{extensions: extensions}), "storage: ")
		require.NoError(t, r.Shutdown(t.Context()))
	}
}

// TestBudgetsAreSaved saves while the receiver runs, for a crash.
func TestBudgetsAreSaved(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.Limits.Total.EntriesPerDay = 10
	store := newMemoryStorage()
	limits, err := newLimits(cfg, time.Now)
	require.NoError(t, err)
	core, log := observer.New(zap.DebugLevel)
	s := &state{client: store, limits: limits, logger: zap.New(core)}
	_, refusal := limits.take([16]byte{1}, quotaOf(1))
	require.Nil(t, refusal)
	store.setErr = errFull
	for range 3 {
		s.save(t.Context())
	}
	assert.Equal(t, 1, log.Len(), "logged once")
	store.setErr = nil
	s.save(t.Context())
	assert.NotEmpty(t, store.data[quotaKey])
	delete(store.data, quotaKey)
	s.save(t.Context())
	assert.Empty(t, store.data, "nothing has changed")
}

// TestMemoryIsForWholeBodies fills the memory with bodies that are half-sent.
func TestMemoryIsForWholeBodies(t *testing.T) {
	t.Parallel()
	cfg := patient()
	cfg.ServerConfig.MaxRequestBodySize = 64 << 10
	cfg.Limits.MaxMemory = 20 * 64 << 10
	cfg.Limits.MaxConnections, cfg.Limits.MaxConnectionsPerAddress = 0, 0
	e := serve(t, cfg, failing(nil, nil, nil))
	const half = 40 << 10
	for range 40 {
		conn := dial(t, e)
		_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\n%s: %s\r\nContent-Length: %d\r\n\r\n%s",
			testPath, tokenHeader, testToken, half+1, strings.Repeat(" ", half))
		require.NoError(t, err)
	}
	for n := range 20 {
		got := e.post(t, numberedLog(n))
		require.Equal(t, http.StatusOK, got.status, got.body)
	}
	large := `{"logs":[{"message":"` + strings.Repeat("x", 60<<10) + `"}]}`
	require.Equal(t, http.StatusOK, e.postEncoded(t, "gzip", bytes.NewReader(gzipped(t, large))).status)
	usage := e.receiver().handler.limits.memory.Usage()
	assert.LessOrEqual(t, usage.Bodies, cfg.Limits.MaxMemory/bodiesShare)
}

// TestNoMemory has pipelines hold it.
func TestNoMemory(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.ServerConfig.MaxRequestBodySize = 4 << 10
	cfg.Limits.MaxMemory = 1 << 20
	cfg.Limits.MemoryWait = time.Millisecond
	proceed := make(chan struct{})
	e := serve(t, cfg, calling(t, func() error {
		<-proceed
		return nil
	}))
	const requests = 20
	replies := make(chan reply, requests)
	var all sync.WaitGroup
	for n := range requests {
		all.Go(func() { replies <- e.post(t, numberedLog(n)) })
	}
	checkTooMany(t, <-replies) // all others are held
	close(proceed)
	all.Wait()
	statuses := map[int]int{}
	for range requests - 1 {
		statuses[(<-replies).status]++
	}
	assert.Equal(t, requests-1, statuses[http.StatusOK]+statuses[http.StatusTooManyRequests], statuses)
	assert.Positive(t, statuses[http.StatusOK])
	assert.Equal(t, http.StatusOK, e.post(t, numberedLog(requests)).status)
	assert.Zero(t, e.receiver().handler.limits.memory.Usage())
}

// TestSlowConnections takes all connections by slow ones.
func TestSlowConnections(t *testing.T) {
	t.Parallel()
	cfg := patient()
	cfg.Limits.MaxConnections = 10
	e := serve(t, cfg, failing(nil, nil, nil))
	for n := range 40 {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+n%4))}}
		conn, err := dialer.DialContext(t.Context(), "tcp", e.address)
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		_, _ = io.WriteString(conn, "POST "+testPath+" HTTP/1.1\r\nHost: x\r\n")
		if n%2 == 0 {
			_, _ = fmt.Fprintf(conn, "%s: %s\r\nContent-Length: 10\r\n\r\n{", tokenHeader, testToken)
		}
		require.Equal(t, http.StatusOK, e.post(t, numberedLog(n)).status)
		assert.LessOrEqual(t, e.receiver().connections.limiter.Len(), 10)
	}
}

func TestApps(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	const shop = "https://shop.example"
	cfg.Tokens = append(cfg.Tokens, TokenConfig{Token: "shop-token", ServiceName: "shop", AllowedOrigins: []string{shop}})
	var stored sinks
	e := serve(t, cfg, stored.consumers())
	send := func(token, origin string) int {
		header := map[string]string{tokenHeader: token}
		if origin != "" {
			header["Origin"] = origin
		}
		got := e.do(t, request{body: strings.NewReader(`{"batchId":"x","logs":[{}]}`), header: header})
		if origin == shop || origin == testOrigin {
			assert.Equal(t, origin, got.header.Get("Access-Control-Allow-Origin"), "its page can read the answer")
		}
		return got.status
	}
	assert.Equal(t, http.StatusOK, send(testToken, testOrigin))
	assert.Equal(t, http.StatusOK, send("shop-token", shop))
	assert.Equal(t, http.StatusOK, send("shop-token", ""))
	assert.Equal(t, http.StatusForbidden, send("shop-token", testOrigin))
	assert.Equal(t, http.StatusForbidden, send(testToken, shop))
	assert.Equal(t, http.StatusForbidden, send("wrong", "https://evil.example"))
	assert.Equal(t, http.StatusUnauthorized, send("wrong", shop))
	var names []string
	for _, logs := range stored.logs.AllLogs() {
		name, _ := logs.ResourceLogs().At(0).Resource().Attributes().Get("service.name")
		names = append(names, name.Str())
	}
	assert.Equal(t, []string{"saberloop", "shop"}, names, "a batchId belongs to an app")
}

// TestTokensFile rotates a token while requests come.
func TestTokensFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tokens")
	require.NoError(t, os.WriteFile(path, []byte("old\n"), 0o600))
	cfg := testConfig()
	cfg.Tokens, cfg.TokensFile = nil, path
	e := serve(t, cfg, failing(nil, nil, nil))
	n := 0
	send := func(token string) int {
		n++
		return e.do(t, request{body: strings.NewReader(numberedLog(n)), header: map[string]string{tokenHeader: token}}).status
	}
	require.Equal(t, http.StatusOK, send("old"))
	require.Equal(t, http.StatusUnauthorized, send("new"))
	require.NoError(t, os.WriteFile(path, []byte("new\nold\n"), 0o600))
	require.Eventually(t, func() bool {
		require.Equal(t, http.StatusOK, send("old"))
		return send("new") == http.StatusOK
	}, time.Minute, 10*time.Millisecond)

	cfg.TokensFile = path + ".missing"
	r := create(t, receivertest.NewNopSettings(componentType), cfg, failing(nil, nil, nil))[0]
	require.ErrorContains(t, r.Start(t.Context(), componenttest.NewNopHost()), "tokens_file: ")
	require.NoError(t, r.Shutdown(t.Context()))
}

func TestWarningsOnceAMinute(t *testing.T) {
	t.Parallel()
	core, log := observer.New(zap.DebugLevel)
	now := time.Now()
	w := warnings{logger: zap.New(core), now: func() time.Time { return now }}
	for range 100 {
		w.refused(reasonMemory)
		w.refused(reasonTotalRate)
		now = now.Add(time.Second)
	}
	assert.Equal(t, 4, log.Len())
	assert.EqualValues(t, 60, log.All()[2].ContextMap()["since_last_warning"])
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	batch := &entry.Batch{Received: entry.Counts{Logs: 1, Traces: 2}}
	whole := dedup.Signals{Logs: true, Traces: true, Metrics: true}
	assert.Equal(t, whole, outcome(batch, dedup.Signals{}, entry.Counts{}).Stored)
	assert.Zero(t, outcome(batch, dedup.Signals{}, batch.Received))
	assert.Equal(t, dedup.Signals{Logs: true, Metrics: true}, outcome(batch, dedup.Signals{}, entry.Counts{Traces: 2}).Stored)
	logs := &entry.Batch{Received: entry.Counts{Logs: 1}}
	assert.Zero(t, outcome(logs, dedup.Signals{}, logs.Received), "signals without entries are nothing that was stored")
}

// shippedLimits are those of collector-config.yaml.
func shippedLimits(tb testing.TB) LimitsConfig {
	tb.Helper()
	text, err := os.ReadFile("../../collector-config.yaml")
	require.NoError(tb, err)
	var file struct {
		Receivers struct {
			Saberloop struct{ Limits map[string]any }
		}
	}
	require.NoError(tb, yaml.Unmarshal(text, &file))
	limits := defaultLimits()
	require.NotEmpty(tb, file.Receivers.Saberloop.Limits)
	require.NoError(tb, confmap.NewFromStringMap(file.Receivers.Saberloop.Limits).Unmarshal(&limits))
	return limits
}

func quotaOf(bytes int64) quota.Budget { return quota.Budget{Bytes: bytes, Entries: 1} }

var storageID = component.MustNewID("memory_storage")

// memoryStorage is a storage extension and its only client.
type memoryStorage struct {
	component.StartFunc
	component.ShutdownFunc

	mu                      sync.Mutex
	data                    map[string][]byte
	openErr, getErr, setErr error
}

var errStorage = errors.New("not used")

func newMemoryStorage() *memoryStorage { return &memoryStorage{data: map[string][]byte{}} }

func (s *memoryStorage) GetClient(context.Context, component.Kind, component.ID, string) (storage.Client, error) {
	return s, s.openErr
}

func (s *memoryStorage) Get(_ context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.data[key], s.getErr
}

func (s *memoryStorage) Set(_ context.Context, key string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.setErr == nil {
		s.data[key] = value
	}
	return s.setErr
}

func (s *memoryStorage) Delete(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.data, key)
	return nil
}

func (*memoryStorage) Batch(context.Context, ...*storage.Operation) error { return errStorage }

func (*memoryStorage) Close(context.Context) error { return nil }
