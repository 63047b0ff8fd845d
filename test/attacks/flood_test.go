// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package attacks

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// flood counts the outcomes of requests that are sent as fast as they are
// answered.
type flood struct {
	mu       sync.Mutex
	outcomes map[string]int
}

func (f *flood) count(outcome string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.outcomes[outcome]++
}

// startFlood sends a request again and again from each of so many addresses, over
// one connection each. The function that it returns stops it and returns the
// outcomes.
func startFlood(t *testing.T, s *server, addresses int, p post) func() map[string]int {
	t.Helper()
	return startVariedFlood(t, s, addresses, func() post { return p })
}

// startVariedFlood is startFlood with another request each time.
func startVariedFlood(t *testing.T, s *server, connections int, next func() post) func() map[string]int {
	t.Helper()
	f := &flood{outcomes: map[string]int{}}
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for n := range connections {
		clients.Go(func() {
			for ctx.Err() == nil {
				if err := f.connection(ctx, addressOf(ofFlood, n), s.address, next); err != nil && ctx.Err() == nil {
					f.count("broken")
					pauseFor(ctx, 100*time.Millisecond)
				}
			}
		})
	}
	stop := sync.OnceValue(func() map[string]int {
		cancel()
		clients.Wait()
		return f.outcomes
	})
	t.Cleanup(func() { stop() })
	return stop
}

// connection sends over one connection until it breaks.
func (f *flood) connection(ctx context.Context, source, target string, next func() post) error {
	p := next()
	if p.from != "" {
		source = p.from
	}
	conn, err := dialFrom(ctx, source, target)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	answers := bufio.NewReader(conn)
	for {
		// One write, so that the client does not cost more than the server.
		if _, err := conn.Write(append(p.head(len(p.body)), p.body...)); err != nil {
			return err
		}
		answer, err := readAnswer(answers)
		if err != nil {
			return err
		}
		f.count(strconv.Itoa(answer.Status))
		if answer.Header.Get("Connection") == "close" {
			return nil
		}
		p = next()
	}
}

// shippedLimits are the limits of an address in collector-config.yaml.
func shippedLimits(t *testing.T) (byteBurst, bytesPerSecond float64) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(harness.Root(t), "collector-config.yaml"))
	require.NoError(t, err)
	var config struct {
		Receivers struct {
			Saberloop struct {
				Limits struct {
					PerAddress struct {
						BytesPerSecond float64 `yaml:"bytes_per_second"`
						ByteBurst      float64 `yaml:"byte_burst"`
					} `yaml:"per_address"`
				}
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &config))
	limits := config.Receivers.Saberloop.Limits.PerAddress
	require.Positive(t, limits.BytesPerSecond, "limits::per_address::bytes_per_second in collector-config.yaml")
	if limits.ByteBurst == 0 {
		limits.ByteBurst = 10 * limits.BytesPerSecond // the default
	}
	return limits.ByteBurst, limits.BytesPerSecond
}

// abuseConfig makes the budgets of an address small enough to be used up within
// the test.
const abuseConfig = `
receivers:
  saberloop:
    limits:
      per_address: {bytes_per_day: 8388608}
`

// One client with the valid token at full speed: it writes no more than its rate
// and its budget of a day let it, and browsers are served all the while.
func TestAbuser(t *testing.T) {
	byteBurst, bytesPerSecond := shippedLimits(t)
	for name, tc := range map[string]struct {
		config string
		// most returns the bytes that may be stored in a time.
		most func(time.Duration) float64
	}{
		"shipped limits": {"", func(d time.Duration) float64 { return byteBurst + d.Seconds()*bytesPerSecond }},
		"daily budget":   {abuseConfig, func(time.Duration) float64 { return 8 << 20 }},
	} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, tc.config)
			before := s.bytesStored(t)
			began := time.Now()
			stopAbuse := startVariedFlood(t, s, 16, func() post {
				return post{from: addressOf(ofFlood, 0), body: abusiveBatch()}
			})
			b := startBrowsers(t, s, browsersOptions{number: 8, pause: 100 * time.Millisecond})
			wait(attackTime(8 * time.Second))
			outcomes := stopAbuse()
			took := time.Since(began)
			b.checkServed(t)
			checkNextBatch(t, s.address)
			written := s.bytesStored(t) - before
			// What the browsers sent and what requests in flight may exceed the limit.
			most := tc.most(took) + 16*mebibyte/8 + float64(len(b.latencies))*20_000
			t.Logf("abuser: %v; %.1f MB stored in %v, limit %.1f MB; peak %d MB", outcomes, float64(written)/1e6, took.Round(time.Second), most/1e6, s.peak()>>20)
			require.LessOrEqual(t, float64(written), most, "bytes stored")
			require.Positive(t, outcomes["429"], "refusals")
			s.checkMemory(t)
		})
	}
}

// abusiveBatch is a new batch of 100 logs of a KB.
func abusiveBatch() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `{"batchId":"%x","logs":[{}`, rand.Uint64())
	for range 100 {
		fmt.Fprintf(&b, `,{"message":"%s"}`, strings.Repeat("spam ", 200))
	}
	b.WriteString(`]}`)
	return []byte(b.String())
}

// Ten times as many requests as the collector takes, sent whether it answers or
// not: refusals are fast and say when to try again, nothing that was acknowledged
// is lost, memory is bounded, and ordinary batches are served at once when the
// load ends.
func TestOverload(t *testing.T) {
	for name, config := range map[string]string{
		"shipped limits": "",
		// The processor and the disk are the limit.
		"no rate limits": noRateLimits,
	} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, config)
			ledger := harness.NewLedger(mix)
			capacity := measureCapacity(t, s, ledger)
			o := &overload{server: s, ledger: ledger, statuses: map[int]int{}}
			o.run(t, 10*capacity, attackTime(5*time.Second))
			checkNextBatch(t, s.address)
			slices.Sort(o.refusals)
			t.Logf("takes %.0f batches a second; at ten times that: %v, %d not answered, %d not sent; peak %d MB",
				capacity, o.statuses, o.broken, o.unsent, s.peak()>>20)
			require.Positive(t, o.statuses[http.StatusOK], "nothing was accepted")
			if len(o.refusals) > 0 {
				p99 := o.refusals[len(o.refusals)*99/100]
				t.Logf("refused within %v (p50), %v (p99)", o.refusals[len(o.refusals)/2], p99)
				assert.Less(t, p99, 3*time.Second, "99th percentile of the time to be refused")
			}
			s.checkMemory(t)
			s.Stop(t)
			checkStored(t, ledger, s.stored())
		})
	}
}

// measureCapacity returns how many batches a second are accepted of clients that
// wait for their answers.
func measureCapacity(t *testing.T, s *server, ledger *harness.Ledger) float64 {
	t.Helper()
	const clients, period = 16, 2 * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), period)
	defer cancel()
	var accepted [clients]int
	var running sync.WaitGroup
	for i := range clients {
		running.Go(func() {
			for n := i; ctx.Err() == nil; n += clients {
				number, batch := ledger.Next()
				p := post{from: addressOf(ofFlood, n%5000), body: batch.Body}
				if answer, err := p.once(context.WithoutCancel(ctx), s.address); err == nil && answer.Status == http.StatusOK {
					ledger.Acknowledge(number)
					accepted[i]++
				}
			}
		})
	}
	running.Wait()
	sum := 0
	for _, n := range accepted {
		sum += n
	}
	return float64(sum) / period.Seconds()
}

// overload sends batches at a rate, whether they are answered or not.
type overload struct {
	server *server
	ledger *harness.Ledger

	mu       sync.Mutex
	statuses map[int]int
	refusals []time.Duration
	// broken got no answer. unsent could not even be sent, since too many before
	// had no answer yet.
	broken, unsent int
}

func (o *overload) run(t *testing.T, rate float64, period time.Duration) {
	t.Helper()
	const maxInFlight = 2000
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var senders sync.WaitGroup
	inFlight := make(chan struct{}, maxInFlight)
	began := time.Now()
	for sent := 0; time.Since(began) < period; {
		<-tick.C
		for ; float64(sent) < rate*time.Since(began).Seconds(); sent++ {
			select {
			case inFlight <- struct{}{}:
			default:
				o.mu.Lock()
				o.unsent++
				o.mu.Unlock()
				continue
			}
			source := addressOf(ofFlood, sent%5000)
			senders.Go(func() {
				defer func() { <-inFlight }()
				o.send(t, source)
			})
		}
	}
	senders.Wait()
}

func (o *overload) send(t *testing.T, source string) {
	number, batch := o.ledger.Next()
	p := post{from: source, body: batch.Body}
	began := time.Now()
	answer, err := p.once(context.WithoutCancel(t.Context()), o.server.address)
	took := time.Since(began)
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case err != nil:
		o.broken++
	case answer.Status == http.StatusOK:
		o.ledger.Acknowledge(number)
		o.statuses[answer.Status]++
	default:
		assert.Contains(t, []int{http.StatusTooManyRequests, http.StatusServiceUnavailable}, answer.Status, "%s", answer.Body)
		assert.Regexp(t, `^[1-9]\d*$`, answer.Header.Get("Retry-After"))
		o.statuses[answer.Status]++
		o.refusals = append(o.refusals, took)
	}
}
