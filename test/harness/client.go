// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Path is the URL path of the receiver.
const Path = "/telemetry/ingest"

// answerTimeout limits the wait for an answer.
const answerTimeout = 30 * time.Second

// Counts are numbers of entries per signal, as in answers.
type Counts struct {
	Logs    int `json:"logs"`
	Traces  int `json:"traces"`
	Metrics int `json:"metrics"`
}

// Canonical returns the counts as Answer.Member spells them.
func (c Counts) Canonical() string {
	return fmt.Sprintf(`{"logs":%d,"metrics":%d,"traces":%d}`, c.Logs, c.Metrics, c.Traces)
}

// Answer is the answer to a request.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Member returns a member of the answer's JSON object in canonical form, or "" if
// there is none.
func (a Answer) Member(key string) (string, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(a.Body, &members); err != nil {
		return "", fmt.Errorf("read answer %q: %w", a.Body, err)
	}
	value, ok := members[key]
	if !ok {
		return "", nil
	}
	return Canonical(value)
}

// Post sends a batch as a client does.
func (c *Collector) Post(client *http.Client, body []byte) (Answer, error) {
	req, err := http.NewRequest(http.MethodPost, c.URL+Path, bytes.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Telemetry-Token", c.Token)
	res, err := client.Do(req)
	if err != nil {
		return Answer{}, err
	}
	return readAnswer(res)
}

// MustPost sends a batch and requires an answer.
func (c *Collector) MustPost(tb testing.TB, body []byte) Answer {
	tb.Helper()
	client := NewClient()
	defer client.CloseIdleConnections()
	answer, err := c.Post(client, body)
	require.NoError(tb, err)
	return answer
}

// NewClient returns an HTTP client with one connection. Close its idle connections
// after use.
func NewClient() *http.Client {
	return &http.Client{
		Timeout:   answerTimeout,
		Transport: &http.Transport{MaxConnsPerHost: 1, DisableCompression: true},
	}
}

// Request is a request whose headers are sent in this order and spelling.
type Request struct {
	Method string
	// Target is the path and query. The default is Path.
	Target string
	// Header has names and values. Host and Connection are added. Content-Length is
	// added to a POST or a body without Transfer-Encoding.
	Header [][2]string
	// Body is sent in chunks if the header has Transfer-Encoding.
	Body []byte
}

// Exchange sends one request over a new connection.
func (c *Collector) Exchange(tb testing.TB, request Request) Answer {
	tb.Helper()
	answer, err := c.exchange(request)
	require.NoError(tb, err, "%s %s", request.Method, request.Target)
	return answer
}

func (c *Collector) exchange(request Request) (Answer, error) {
	target, err := url.Parse(c.URL)
	if err != nil {
		return Answer{}, err
	}
	conn, err := net.DialTimeout("tcp", target.Host, answerTimeout)
	if err != nil {
		return Answer{}, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return Answer{}, err
	}
	// A write may fail because the collector refuses the body early. Only a missing
	// answer is an error.
	_, writeErr := conn.Write(request.wire(target.Host))
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: request.Method})
	if err != nil {
		return Answer{}, fmt.Errorf("exchange: %w", errors.Join(writeErr, err))
	}
	return readAnswer(res)
}

// wire returns the bytes of the request.
func (r Request) wire(host string) []byte {
	target := r.Target
	if target == "" {
		target = Path
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", r.Method, target, host)
	chunked := false
	for _, field := range r.Header {
		fmt.Fprintf(&b, "%s: %s\r\n", field[0], field[1])
		chunked = chunked || http.CanonicalHeaderKey(field[0]) == "Transfer-Encoding"
	}
	switch {
	case chunked:
		b.WriteString("\r\n")
		writeChunks(&b, r.Body)
	case len(r.Body) > 0 || r.Method == http.MethodPost:
		fmt.Fprintf(&b, "Content-Length: %s\r\n\r\n", strconv.Itoa(len(r.Body)))
		b.Write(r.Body)
	default:
		b.WriteString("\r\n")
	}
	return b.Bytes()
}

// writeChunks writes a body in two chunks.
func writeChunks(b *bytes.Buffer, body []byte) {
	half := len(body) / 2
	for _, chunk := range [][]byte{body[:half], body[half:]} {
		if len(chunk) > 0 { // an empty chunk would end the body
			fmt.Fprintf(b, "%x\r\n%s\r\n", len(chunk), chunk)
		}
	}
	b.WriteString("0\r\n\r\n")
}

func readAnswer(res *http.Response) (Answer, error) {
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return Answer{}, fmt.Errorf("read answer: %w", err)
	}
	return Answer{res.StatusCode, res.Header, body}, nil
}
