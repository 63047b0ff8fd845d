// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package attacks

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// zstdHeader returns the beginning of a zstd frame whose window has a size, a
// power of two.
func zstdHeader(window int) []byte {
	exponent := 0
	for 1<<(10+exponent) < window {
		exponent++
	}
	return []byte{0x28, 0xb5, 0x2f, 0xfd, 0, byte(exponent << 3)}
}

// zstdRLE returns n blocks of 128 KiB, each made of one byte.
func zstdRLE(n int) []byte {
	header := uint32(128<<10<<3 | 1<<1)
	block := []byte{byte(header), byte(header >> 8), byte(header >> 16), ' '}
	return bytes.Repeat(block, n)
}

const bombSize = 10 << 30

// bombs are bodies that decompress to 10 GB of blanks. Those of gzip and deflate
// are longer than a body may be: a MiB of them has no more than a GB.
func bombs(t *testing.T) map[string][]byte {
	t.Helper()
	const piece = 64 << 20
	blanks := bytes.Repeat([]byte(" "), 1<<20)
	var member bytes.Buffer
	w := gzip.NewWriter(&member)
	for range piece / len(blanks) {
		_, err := w.Write(blanks)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())

	// All pieces but the first refer back to blanks, and are the same.
	var stream bytes.Buffer
	z, err := zlib.NewWriterLevel(&stream, 6)
	require.NoError(t, err)
	var first int
	for i := range 2 {
		first = stream.Len()
		for range piece / len(blanks) {
			_, err := z.Write(blanks)
			require.NoError(t, err)
		}
		require.NoError(t, z.Flush(), i)
	}
	head, again := bytes.Clone(stream.Bytes()[:first]), bytes.Clone(stream.Bytes()[first:])
	return map[string][]byte{
		"gzip":    bytes.Repeat(member.Bytes(), bombSize/piece),
		"deflate": append(head, bytes.Repeat(again, bombSize/piece-1)...),
		"zstd":    append(zstdHeader(1<<20), zstdRLE(bombSize/(128<<10))...),
	}
}

// Rubbish of every kind: each gets a clear answer or a clean end, nothing crashes,
// and afterwards no goroutine, file or memory is left behind.
func TestRubbish(t *testing.T) {
	idle := idleGoroutines(t)
	s := startServer(t, noRateLimits)
	checkNextBatch(t, s.address)
	before := s.descriptors()
	bombs := bombs(t)
	var firstPeak int64
	rounds := 2
	if long() {
		rounds = 20
	}
	for round := range rounds {
		for name, attack := range rubbish(bombs) {
			if round == 0 {
				t.Run(name, func(t *testing.T) { attack(t, s) })
			} else {
				attack(t, s)
			}
			s.checkAlive(t)
		}
		checkNextBatch(t, s.address)
		if round == 0 {
			firstPeak = s.peak()
		}
	}
	t.Logf("peak %d MB after the first round, %d MB after %d rounds", firstPeak>>20, s.peak()>>20, rounds)
	s.checkMemory(t)
	assert.LessOrEqual(t, s.peak(), firstPeak+firstPeak/4, "peak of memory after further rounds")
	assert.Eventually(t, func() bool { return s.descriptors() <= before+1 }, 45*time.Second, 50*time.Millisecond, "files stay open")
	stacks := s.dump(t)
	assert.LessOrEqual(t, len(stacks), idle+3, "goroutines are left behind:\n%s", strings.Join(stacks, "\n"))
}

// idleGoroutines returns the number of goroutines of a collector that has
// answered one request.
func idleGoroutines(t *testing.T) int {
	t.Helper()
	s := startServer(t, noRateLimits)
	checkNextBatch(t, s.address)
	return len(s.dump(t))
}

// noRateLimits is for tests that send more than clients may.
const noRateLimits = `
receivers:
  saberloop:
    limits:
      per_address: {requests_per_second: 0, bytes_per_second: 0, bytes_per_day: 0, entries_per_day: 0}
      total: {requests_per_second: 0, bytes_per_second: 0, bytes_per_day: 0, entries_per_day: 0}
`

// rubbish are attacks that last a moment each.
func rubbish(bombs map[string][]byte) map[string]func(*testing.T, *server) {
	attacks := map[string]func(*testing.T, *server){
		"10 MB of brackets":            bodyAttack(bytes.Repeat([]byte("["), 10_000_000), 413),
		"1 MB of brackets":             bodyAttack(bytes.Repeat([]byte("["), 1_000_000), 400, 413),
		"brackets in logs":             bodyAttack([]byte(`{"logs":`+strings.Repeat("[", 1_000_000)), 400, 413),
		"1e6 keys":                     bodyAttack(append([]byte(`{"logs":[{"a":0`), append(bytes.Repeat([]byte(`,"a":0`), 1_000_000), `}]}`...)...), 413),
		"170,000 keys":                 bodyAttack(manyKeys(`{"logs":[{`, `}]}`), 400),
		"number of 1e6 digits":         bodyAttack([]byte(`{"logs":[{"a":`+strings.Repeat("9", 1_000_000)+`}]}`), 400, 200),
		"number of 1e6 zeros":          bodyAttack([]byte(`{"logs":[{"a":0.`+strings.Repeat("0", 1_000_000)+`1}]}`), 400, 200),
		"exponent of 1e6 digits":       bodyAttack([]byte(`{"logs":[{"a":1e`+strings.Repeat("9", 1_000_000)+`}]}`), 400),
		"only zeros":                   bodyAttack(make([]byte, 1_000_000), 400),
		"no UTF-8":                     bodyAttack(bytes.Repeat([]byte{0xff}, 1_000_000), 400),
		"100,000 headers":              rawAttack([]byte("POST "+harness.Path+" HTTP/1.1\r\nHost: x\r\n"+strings.Repeat("X: y\r\n", 100_000)+"\r\n"), 431),
		"header of 10 MB":              rawAttack([]byte("POST "+harness.Path+" HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("y", 10_000_000)+"\r\n\r\n"), 431),
		"target of 10 MB":              rawAttack([]byte("POST /"+strings.Repeat("y", 10_000_000)+" HTTP/1.1\r\nHost: x\r\n\r\n"), 431),
		"no HTTP":                      rawAttack(randomBytes(1_000_000), 400, 431),
		"TLS without TLS":              rawAttack([]byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"+strings.Repeat("x", 500)+"\r\n\r\n"), 400),
		"HTTP/2 without TLS":           rawAttack([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+strings.Repeat("x", 100_000)), 400, 404, 505),
		"two lengths":                  rawAttack([]byte("POST "+harness.Path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), 400),
		"length and chunks":            rawAttack([]byte("POST "+harness.Path+" HTTP/1.1\r\nHost: x\r\nX-Telemetry-Token: test-token\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"), 400),
		"chunk longer than it can be":  rawAttack([]byte("POST "+harness.Path+" HTTP/1.1\r\nHost: x\r\nX-Telemetry-Token: test-token\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}\r\n"), 400),
		"length larger than it can be": rawAttack([]byte("POST "+harness.Path+" HTTP/1.1\r\nHost: x\r\nX-Telemetry-Token: test-token\r\nContent-Length: 99999999999999999999\r\n\r\n{}"), 400),
		"chunks without end":           endlessChunks([]byte("1000\r\n" + strings.Repeat(" ", 0x1000) + "\r\n")),
		"tiny chunks without end":      endlessChunks([]byte(strings.Repeat("1\r\n \r\n", 1000))),
		"chunk extensions without end": endlessChunks([]byte(strings.Repeat("1;"+strings.Repeat("x", 3000)+"\r\n \r\n", 10))),
		"pipelined rubbish":            pipelinedRubbish,
		"half-closed":                  halfClosed,
		"half a body, half-closed":     halfBody,
		"reset":                        reset,
	}
	for encoding, bomb := range bombs {
		statuses := []int{413}
		attacks["bomb of "+encoding] = encodedAttack(encoding, bomb, statuses...)
		attacks["bomb of "+encoding+", cut"] = encodedAttack(encoding, bomb[:min(len(bomb), mebibyte)], statuses...)
		attacks["bomb of "+encoding+", chunked"] = chunkedBomb(encoding, bomb)
		attacks["broken "+encoding] = encodedAttack(encoding, append(bytes.Clone(bomb[:20]), randomBytes(100_000)...), 400, 413)
	}
	return attacks
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

// bodyAttack sends a body and wants one of the statuses.
func bodyAttack(body []byte, statuses ...int) func(*testing.T, *server) {
	return encodedAttack("", body, statuses...)
}

func encodedAttack(encoding string, body []byte, statuses ...int) func(*testing.T, *server) {
	return func(t *testing.T, s *server) {
		t.Helper()
		p := post{from: addressOf(ofAttackers, 1), encoding: encoding, body: body}
		answer, err := p.once(t.Context(), s.address)
		require.NoError(t, err)
		require.Contains(t, statuses, answer.Status, "%s", answer.Body)
	}
}

// rawAttack sends bytes and wants one of the statuses.
func rawAttack(sent []byte, statuses ...int) func(*testing.T, *server) {
	return func(t *testing.T, s *server) {
		t.Helper()
		conn := dialRaw(t, s)
		defer conn.Close()
		var writer sync.WaitGroup
		writer.Go(func() { _, _ = conn.Write(sent) })
		answer, err := readAnswer(bufio.NewReader(conn))
		_ = conn.SetWriteDeadline(time.Now())
		writer.Wait()
		if errors.Is(err, net.ErrClosed) || isReset(err) {
			return // closed before all was read: the reset may overtake the answer
		}
		require.NoError(t, err)
		require.Contains(t, statuses, answer.Status, "%s", answer.Body)
	}
}

func isReset(err error) bool {
	return err != nil && strings.Contains(err.Error(), "connection reset by peer")
}

func dialRaw(t *testing.T, s *server) net.Conn {
	t.Helper()
	conn, err := dialFrom(t.Context(), addressOf(ofAttackers, 1), s.address)
	require.NoError(t, err)
	require.NoError(t, conn.SetDeadline(time.Now().Add(answerTimeout)))
	return conn
}

// endlessChunks sends chunks until the server ends the connection.
func endlessChunks(chunks []byte) func(*testing.T, *server) {
	return func(t *testing.T, s *server) {
		t.Helper()
		conn := dialRaw(t, s)
		defer conn.Close()
		p := post{}
		_, err := conn.Write(p.head(-1))
		require.NoError(t, err)
		began := time.Now()
		for err == nil && time.Since(began) < answerTimeout {
			_, err = conn.Write(chunks)
		}
		require.Error(t, err, "the server reads on")
		require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "the server reads no more, and does not end the connection")
	}
}

// chunkedBomb sends a bomb in chunks, so that its size is not known.
func chunkedBomb(encoding string, bomb []byte) func(*testing.T, *server) {
	return func(t *testing.T, s *server) {
		t.Helper()
		conn := dialRaw(t, s)
		defer conn.Close()
		var writer sync.WaitGroup
		writer.Go(func() {
			p := post{encoding: encoding}
			_, err := conn.Write(p.head(-1))
			for rest := bomb; err == nil && len(rest) > 0; {
				n := min(len(rest), 64<<10)
				_, err = fmt.Fprintf(conn, "%x\r\n%s\r\n", n, rest[:n])
				rest = rest[n:]
			}
			if err == nil {
				_, _ = io.WriteString(conn, "0\r\n\r\n")
			}
		})
		answer, err := readAnswer(bufio.NewReader(conn))
		_ = conn.SetWriteDeadline(time.Now())
		writer.Wait()
		require.NoError(t, err)
		require.Equal(t, http.StatusRequestEntityTooLarge, answer.Status, "%s", answer.Body)
	}
}

// pipelinedRubbish follows good requests with rubbish: the good ones are
// answered.
func pipelinedRubbish(t *testing.T, s *server) {
	t.Helper()
	conn := dialRaw(t, s)
	defer conn.Close()
	const good = 20
	p := post{body: []byte(`{"logs":[]}`)}
	var requests []byte
	for range good {
		requests = append(append(requests, p.head(len(p.body))...), p.body...)
	}
	requests = append(requests, randomBytes(1000)...)
	_, err := conn.Write(append(requests, "\r\n\r\n"...))
	require.NoError(t, err)
	answers := bufio.NewReader(conn)
	for i := range good {
		answer, err := readAnswer(answers)
		require.NoError(t, err, i)
		require.Equal(t, http.StatusOK, answer.Status, "%s", answer.Body)
	}
	if answer, err := readAnswer(answers); err == nil {
		require.Contains(t, []int{400, 431}, answer.Status)
	}
}

// halfClosed sends a whole request and the end of its own direction: it gets its
// answer.
func halfClosed(t *testing.T, s *server) {
	t.Helper()
	conn := dialRaw(t, s)
	defer conn.Close()
	id := binary.BigEndian.Uint64(randomBytes(8))
	p := post{body: fmt.Appendf(nil, `{"logs":[{"message":"%x"}]}`, id)}
	_, err := conn.Write(append(p.head(len(p.body)), p.body...))
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	answer, err := readAnswer(bufio.NewReader(conn))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.Status, "%s", answer.Body)
}

// halfBody ends its own direction in the middle of a body.
func halfBody(t *testing.T, s *server) {
	t.Helper()
	conn := dialRaw(t, s)
	defer conn.Close()
	_, err := conn.Write(unfinishedBody(1000, 500))
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	if answer, err := readAnswer(bufio.NewReader(conn)); err == nil {
		require.Equal(t, http.StatusBadRequest, answer.Status, "%s", answer.Body)
	}
}

// reset ends connections by a reset, in the middle of what they send.
func reset(t *testing.T, s *server) {
	t.Helper()
	for i := range 200 {
		conn := dialRaw(t, s)
		_, err := conn.Write([][]byte{
			unfinishedHeaders(1000),
			unfinishedBody(100_000, 50_000),
			append((&post{}).head(12), `{"logs":[{}]`...),
		}[i%3])
		require.NoError(t, err)
		require.NoError(t, conn.(*net.TCPConn).SetLinger(0))
		require.NoError(t, conn.Close())
	}
}
