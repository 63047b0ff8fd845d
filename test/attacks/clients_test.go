// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package attacks

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/test/harness"
	"github.com/saberloop/otelcol-saberloop/test/synthetic"
)

// answerTimeout bounds the wait for an answer.
const answerTimeout = 30 * time.Second

// dialFrom connects from a loopback address.
func dialFrom(ctx context.Context, source, target string) (net.Conn, error) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}, Timeout: answerTimeout}
	return dialer.DialContext(ctx, "tcp", target)
}

// post is a request to be sent from an address.
type post struct {
	from     string
	token    string // harness.Token by default
	encoding string
	body     []byte
}

// head returns the request up to its body. A length of less than zero means
// chunked.
func (p *post) head(length int) []byte {
	token := p.token
	if token == "" {
		token = harness.Token
	}
	head := "POST " + harness.Path + " HTTP/1.1\r\nHost: saberloop\r\nX-Telemetry-Token: " + token + "\r\n"
	if p.encoding != "" {
		head += "Content-Encoding: " + p.encoding + "\r\n"
	}
	if length < 0 {
		return []byte(head + "Transfer-Encoding: chunked\r\n\r\n")
	}
	return []byte(head + "Content-Length: " + strconv.Itoa(length) + "\r\n\r\n")
}

// send sends the request over a connection and returns the answer. The
// connection is of no use afterwards.
func (p *post) send(conn net.Conn) (harness.Answer, error) {
	if err := conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return harness.Answer{}, err
	}
	// A request may be answered before its body was sent.
	type result struct{ err error }
	written := make(chan result, 1)
	go func() {
		_, err := conn.Write(append(p.head(len(p.body)), p.body...))
		written <- result{err}
	}()
	answer, err := readAnswer(bufio.NewReader(conn))
	if err != nil {
		_ = conn.Close()
		return answer, fmt.Errorf("read answer: %w (write: %w)", err, (<-written).err)
	}
	_ = conn.SetWriteDeadline(time.Now())
	<-written // Only the answer counts.
	return answer, nil
}

func readAnswer(from *bufio.Reader) (harness.Answer, error) {
	res, err := http.ReadResponse(from, nil)
	if err != nil {
		return harness.Answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return harness.Answer{Status: res.StatusCode, Header: res.Header, Body: body}, err
}

// once sends the request over a connection of its own.
func (p *post) once(ctx context.Context, target string) (harness.Answer, error) {
	conn, err := dialFrom(ctx, p.from, target)
	if err != nil {
		return harness.Answer{}, err
	}
	defer conn.Close()
	return p.send(conn)
}

// volley sends all requests at once, each over a connection of its own, and
// returns how many answers there were of each status. All have to be answered.
func volley(t *testing.T, target string, posts []post) map[int]int {
	t.Helper()
	conns := make([]net.Conn, len(posts))
	for i := range posts {
		var err error
		conns[i], err = dialFrom(t.Context(), posts[i].from, target)
		require.NoError(t, err)
		defer conns[i].Close()
	}
	answers, errs := make([]harness.Answer, len(posts)), make([]error, len(posts))
	var clients sync.WaitGroup
	for i := range posts {
		clients.Go(func() { answers[i], errs[i] = posts[i].send(conns[i]) })
	}
	clients.Wait()
	statuses := map[int]int{}
	for i := range posts {
		require.NoError(t, errs[i], "request %d of %d; %v", i, len(posts), statuses)
		statuses[answers[i].Status]++
		checkAnswer(t, answers[i])
	}
	return statuses
}

// checkAnswer checks that a refusal is one of the contract.
func checkAnswer(t *testing.T, a harness.Answer) {
	t.Helper()
	switch a.Status {
	case http.StatusOK, http.StatusBadRequest, http.StatusUnauthorized, http.StatusRequestEntityTooLarge:
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		require.Regexp(t, `^[1-9]\d*$`, a.Header.Get("Retry-After"), "Retry-After of %d", a.Status)
	default:
		require.Failf(t, "unexpected answer", "%d: %s", a.Status, a.Body)
	}
}

// mix has the batches of browsers. Other entries have no sequence.
var mix = synthetic.Mix{Seed: 9}

var sequenceMember = regexp.MustCompile(`"` + synthetic.SequenceKey + `":(\d+)`)

// checkStored checks that each entry of the mix that was acknowledged is stored
// exactly once, and no other one more than once. The privacy processor may have
// changed it.
func checkStored(t *testing.T, ledger *harness.Ledger, stored *harness.Reader) {
	t.Helper()
	count := map[int]int{}
	stored.Each(t, func(line harness.Line) {
		if member := sequenceMember.FindStringSubmatch(line.Entry); member != nil {
			sequence, err := strconv.Atoi(member[1])
			require.NoError(t, err)
			count[sequence]++
		}
	})
	sent, acknowledged := ledger.Batches()
	lost, more := 0, 0
	for n := range sent {
		for _, e := range mix.Batch(n).Entries {
			switch {
			case count[e.Sequence] > 1:
				more++
			case count[e.Sequence] == 0 && ledger.Acknowledged(n):
				lost++
			}
		}
	}
	t.Logf("%d batches sent, %d acknowledged, %d of their entries stored", sent, acknowledged, len(count))
	require.Zero(t, lost, "entries that were acknowledged and are not stored")
	require.Zero(t, more, "entries that are stored more than once")
}

// browsersOptions configure a number of browsers.
type browsersOptions struct {
	number int
	// pause is the time between two batches of one browser.
	pause time.Duration
	// url is the base URL; the server's by default.
	url string
	// transport changes the transport of a browser.
	transport func(*http.Transport)
	// ledger hands out the batches; a new one by default.
	ledger *harness.Ledger
}

// browsers send ordinary batches, each from an address of its own over one
// connection.
type browsers struct {
	ledger  *harness.Ledger
	url     string
	options browsersOptions

	stopped chan struct{}
	clients sync.WaitGroup

	mu        sync.Mutex
	latencies []time.Duration
	outcomes  map[string]int
	protocols map[string]int
}

func startBrowsers(t *testing.T, s *server, options browsersOptions) *browsers {
	t.Helper()
	b := &browsers{
		ledger: options.ledger, url: s.URL, options: options,
		stopped: make(chan struct{}), outcomes: map[string]int{}, protocols: map[string]int{},
	}
	if b.ledger == nil {
		b.ledger = harness.NewLedger(mix)
	}
	if options.url != "" {
		b.url = options.url
	}
	for i := range options.number {
		b.clients.Go(func() { b.browse(i) })
	}
	t.Cleanup(b.stop)
	return b
}

func (b *browsers) stop() {
	select {
	case <-b.stopped:
	default:
		close(b.stopped)
	}
	b.clients.Wait()
}

// browserTransport returns a transport of one connection from an address.
func browserTransport(source string) *http.Transport {
	return &http.Transport{
		MaxConnsPerHost:    1,
		DisableCompression: true,
		DialContext: func(ctx context.Context, _, target string) (net.Conn, error) {
			return dialFrom(ctx, source, target)
		},
	}
}

func (b *browsers) browse(n int) {
	transport := browserTransport(addressOf(ofBrowsers, n))
	if b.options.transport != nil {
		b.options.transport(transport)
	}
	client := &http.Client{Timeout: answerTimeout, Transport: transport}
	defer client.CloseIdleConnections()
	tick := time.NewTicker(b.options.pause)
	defer tick.Stop()
	for {
		select {
		case <-b.stopped:
			return
		case <-tick.C:
		}
		number, batch := b.ledger.Next()
		began := time.Now()
		outcome, protocol := sendAsBrowser(client, b.url, batch.Body)
		took := time.Since(began)
		if outcome == "200" {
			b.ledger.Acknowledge(number)
		}
		b.mu.Lock()
		b.latencies = append(b.latencies, took)
		b.outcomes[outcome]++
		b.protocols[protocol]++
		b.mu.Unlock()
	}
}

// sendAsBrowser returns the status or the error, and the protocol.
func sendAsBrowser(client *http.Client, url string, body []byte) (outcome, protocol string) {
	req, err := http.NewRequest(http.MethodPost, url+harness.Path, strings.NewReader(string(body)))
	if err != nil {
		return err.Error(), ""
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", harness.Origin)
	req.Header.Set("X-Telemetry-Token", harness.Token)
	res, err := client.Do(req)
	if err != nil {
		return err.Error(), ""
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err.Error(), res.Proto
	}
	return strconv.Itoa(res.StatusCode), res.Proto
}

// checkServed stops the browsers and checks that 99.9 % of their batches got 200,
// and 99 % within a second.
func (b *browsers) checkServed(t *testing.T) {
	t.Helper()
	require.Less(t, b.checkAnswered(t), time.Second, "99th percentile of the browsers' latency")
}

// checkAnswered is checkServed for attacks that need as much of the test's
// processor as of the server's. It returns the 99th percentile of the latency.
func (b *browsers) checkAnswered(t *testing.T) time.Duration {
	t.Helper()
	b.stop()
	slices.Sort(b.latencies)
	sent := len(b.latencies)
	require.NotZero(t, sent, "browsers sent nothing")
	served := float64(b.outcomes["200"]) / float64(sent)
	p99 := b.latencies[(sent-1)*99/100]
	outcomes := slices.Sorted(maps.Keys(b.outcomes))
	t.Logf("browsers: %d batches, %.2f %% served, p50 %v, p99 %v, most %v, outcomes %v %v", sent, 100*served,
		b.latencies[sent/2].Round(time.Millisecond), p99.Round(time.Millisecond), b.latencies[sent-1].Round(time.Millisecond),
		outcomes, b.protocols)
	require.GreaterOrEqual(t, served, 0.999, "part of the browsers' batches that got 200; outcomes %v", b.outcomes)
	return p99
}

// checkNextBatch checks that an ordinary batch, from an address that sent nothing
// before, gets 200 within a second.
func checkNextBatch(t *testing.T, target string) {
	t.Helper()
	began := time.Now()
	p := post{from: "127.12.0.1", body: fmt.Appendf(nil, `{"logs":[{"message":"next","at":%d}]}`, began.UnixNano())}
	answer, err := p.once(t.Context(), target)
	require.NoError(t, err, "the next ordinary batch")
	require.Equal(t, http.StatusOK, answer.Status, "the next ordinary batch: %s", answer.Body)
	require.Less(t, time.Since(began), time.Second, "time for the next ordinary batch")
}

func metricsOf(t *testing.T, c *harness.Collector) string {
	t.Helper()
	res, err := http.Get(c.MetricsURL)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	http.DefaultClient.CloseIdleConnections()
	return string(text)
}
