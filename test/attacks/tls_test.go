// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package attacks

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// certificate is a self-signed certificate in files.
type certificate struct{ certFile, keyFile string }

func newCertificate(t *testing.T) *certificate {
	t.Helper()
	directory := t.TempDir()
	c := &certificate{filepath.Join(directory, "cert.pem"), filepath.Join(directory, "key.pem")}
	c.renew(t)
	return c
}

// renew replaces the certificate and returns its serial number.
func (c *certificate) renew(t *testing.T) *big.Int {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: "saberloop"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	// As acme clients do: whole files take the place of the old ones.
	for path, block := range map[string]*pem.Block{
		c.keyFile:  {Type: "PRIVATE KEY", Bytes: keyDER},
		c.certFile: {Type: "CERTIFICATE", Bytes: der},
	} {
		require.NoError(t, os.WriteFile(path+".new", pem.EncodeToMemory(block), 0o600))
		require.NoError(t, os.Rename(path+".new", path))
	}
	return template.SerialNumber
}

// config has the receiver serve TLS.
func (c *certificate) config() string {
	return fmt.Sprintf(`
receivers:
  saberloop:
    tls: {cert_file: %q, key_file: %q, reload_interval: 500ms}
`, c.certFile, c.keyFile)
}

// insecure accepts any certificate.
func insecure(protocols ...string) *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, NextProtos: protocols}
}

func startTLSServer(t *testing.T, config string) (*server, *certificate) {
	t.Helper()
	c := newCertificate(t)
	return startServer(t, c.config()+config), c
}

func tlsBrowsers(http2 bool) func(*http.Transport) {
	return func(transport *http.Transport) {
		transport.TLSClientConfig = insecure()
		transport.ForceAttemptHTTP2 = http2
		if http2 {
			transport.MaxConnsPerHost = 0 // HTTP/2 has one connection anyway
		}
	}
}

// TLS without a proxy: browsers with HTTP/2 and with HTTP/1.1 keep their
// connections, a renewed certificate is used without a restart, and no request is
// lost meanwhile.
func TestTLS(t *testing.T) {
	s, certificate := startTLSServer(t, "")
	url := "https://" + s.address
	ledger := harness.NewLedger(mix)
	second := startBrowsers(t, s, browsersOptions{number: 4, pause: 100 * time.Millisecond, url: url, transport: tlsBrowsers(true), ledger: ledger})
	first := startBrowsers(t, s, browsersOptions{number: 4, pause: 100 * time.Millisecond, url: url, transport: tlsBrowsers(false), ledger: ledger})
	wait(time.Second)
	serial := certificate.renew(t)
	require.Eventually(t, func() bool {
		conn, err := tls.Dial("tcp", s.address, insecure())
		if err != nil {
			return false
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Cmp(serial) == 0
	}, 30*time.Second, 100*time.Millisecond, "the new certificate is not used")
	wait(time.Second)
	second.checkServed(t)
	first.checkServed(t)
	require.Equal(t, len(second.latencies), second.protocols["HTTP/2.0"], "%v", second.protocols)
	require.Equal(t, len(first.latencies), first.protocols["HTTP/1.1"], "%v", first.protocols)
	s.Stop(t)
	checkStored(t, ledger, s.stored())
}

// frames is a connection that speaks HTTP/2 frame by frame.
type frames struct {
	*http2.Framer

	conn   net.Conn
	writer *syncWriter
	hpack  *hpack.Encoder
	block  bytes.Buffer
	stream uint32
}

// syncWriter collects frames until they are flushed.
type syncWriter struct {
	mu   sync.Mutex
	conn net.Conn
}

func (w *syncWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.conn.Write(p)
}

// dialFrames connects and sends the preface. What the server sends is read and
// dropped, and its settings and pings acknowledged.
func dialFrames(ctx context.Context, source, target string) (*frames, error) {
	raw, err := dialFrom(ctx, source, target)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, insecure("h2"))
	if err := conn.SetDeadline(time.Now().Add(2 * answerTimeout)); err != nil {
		return nil, err
	}
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, err
	}
	f := &frames{conn: conn, writer: &syncWriter{conn: conn}}
	f.Framer = http2.NewFramer(f.writer, conn)
	f.hpack = hpack.NewEncoder(&f.block)
	_, err = io.WriteString(f.writer, http2.ClientPreface)
	if err == nil {
		err = f.WriteSettings()
	}
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	return f, nil
}

// discard reads until the connection ends.
func (f *frames) discard() { _, _ = io.Copy(io.Discard, f.conn) }

// headers opens a stream with a request.
func (f *frames) headers(end bool, more ...hpack.HeaderField) error {
	if f.stream == 0 {
		f.stream = 1
	} else {
		f.stream += 2
	}
	f.block.Reset()
	for _, field := range append([]hpack.HeaderField{
		{Name: ":method", Value: "POST"},
		{Name: ":scheme", Value: "https"},
		{Name: ":authority", Value: "saberloop"},
		{Name: ":path", Value: harness.Path},
		{Name: "x-telemetry-token", Value: harness.Token},
	}, more...) {
		if err := f.hpack.WriteField(field); err != nil {
			return err
		}
	}
	return f.WriteHeaders(http2.HeadersFrameParam{StreamID: f.stream, BlockFragment: f.block.Bytes(), EndHeaders: true, EndStream: end})
}

// Attacks that HTTP/2 makes possible. Each is done by several connections, again
// and again, until the time is over or the server has ended them.
func http2Attacks() map[string]func(context.Context, *frames) error {
	large := bytes.Repeat([]byte(" "), 16<<10)
	return map[string]func(context.Context, *frames) error{
		// CVE-2023-44487.
		"rapid resets": func(_ context.Context, f *frames) error {
			for range 100 {
				if err := f.headers(false); err != nil {
					return err
				}
				if err := f.WriteRSTStream(f.stream, http2.ErrCodeCancel); err != nil {
					return err
				}
			}
			return nil
		},
		// CVE-2023-45288.
		"continuations without end": func(_ context.Context, f *frames) error {
			f.stream += 2
			stream := f.stream | 1
			if err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, EndStream: true}); err != nil {
				return err
			}
			for {
				if err := f.WriteContinuation(stream, false, large[:1]); err != nil {
					return err
				}
			}
		},
		"pings": func(_ context.Context, f *frames) error {
			return f.WritePing(false, [8]byte{1})
		},
		"settings": func(_ context.Context, f *frames) error {
			return f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1})
		},
		"streams without end": func(ctx context.Context, f *frames) error {
			for range 250 {
				if err := f.headers(false); err != nil {
					return err
				}
				if err := f.WriteData(f.stream, false, []byte("{")); err != nil {
					return err
				}
			}
			return hold(ctx, f)
		},
		"large bodies without end": func(ctx context.Context, f *frames) error {
			if err := f.headers(false); err != nil {
				return err
			}
			for range 60 {
				if err := f.WriteData(f.stream, false, large); err != nil {
					return err
				}
			}
			return hold(ctx, f)
		},
		"large bodies with a wrong token": func(ctx context.Context, f *frames) error {
			if err := f.headers(false, hpack.HeaderField{Name: "x-telemetry-token", Value: "wrong"}); err != nil {
				return err
			}
			for range 60 {
				if err := f.WriteData(f.stream, false, large); err != nil {
					return err
				}
			}
			return hold(ctx, f)
		},
		// No more than the header of a frame, and what the server lets it be long.
		"large frame of an unknown type": func(ctx context.Context, f *frames) error {
			if err := f.WriteRawFrame(0xfa, 0, 0, bytes.Repeat([]byte("x"), 1<<20-1)); err != nil {
				return err
			}
			return hold(ctx, f)
		},
		"half of a large frame": func(ctx context.Context, f *frames) error {
			// Length 1 MiB - 1, type DATA, no flags, stream 1.
			_, err := f.writer.Write(append([]byte{0x0f, 0xff, 0xff, 0, 0, 0, 0, 0, 1}, large...))
			if err != nil {
				return err
			}
			return hold(ctx, f)
		},
		"headers of many names": func(_ context.Context, f *frames) error {
			fields := make([]hpack.HeaderField, 0, 2000)
			for i := range cap(fields) {
				fields = append(fields, hpack.HeaderField{Name: fmt.Sprintf("x-%d", i), Value: "x"})
			}
			return f.headers(true, fields[:300]...)
		},
		"headers that are small on the wire": func(_ context.Context, f *frames) error {
			// Indexed fields take a byte each.
			fields := make([]hpack.HeaderField, 0, 10_000)
			for range cap(fields) {
				fields = append(fields, hpack.HeaderField{Name: "cookie", Value: strings.Repeat("x", 3000)})
			}
			return f.headers(true, fields...)
		},
	}
}

// hold keeps the connection for a moment.
func hold(ctx context.Context, f *frames) error {
	pauseFor(ctx, time.Second)
	return f.WritePing(false, [8]byte{2})
}

// shortHTTP2 are in the short form of the tests, too: what took the most memory.
var shortHTTP2 = []string{
	"rapid resets", "large frame of an unknown type", "large bodies with a wrong token", "headers that are small on the wire",
}

func TestHTTP2Attacks(t *testing.T) {
	for name, attack := range http2Attacks() {
		if !long() && !slices.Contains(shortHTTP2, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			s, _ := startTLSServer(t, "")
			most := s.mostDescriptors()
			before := s.descriptors()
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			var attackers sync.WaitGroup
			for n := range 400 {
				attackers.Go(func() {
					for ctx.Err() == nil {
						attackFrames(ctx, addressOf(ofAttackers, n%200), s.address, attack)
						pauseFor(ctx, time.Second)
					}
				})
			}
			b := startBrowsers(t, s, browsersOptions{
				number: 8, pause: 250 * time.Millisecond, url: "https://" + s.address, transport: tlsBrowsers(true),
			})
			wait(attackTime(4 * time.Second))
			stop()
			attackers.Wait()
			b.checkAnswered(t)
			checkNextTLSBatch(t, s)
			t.Logf("%d open files at most; peak %d MB; refused %s", most(), s.peak()>>20, s.refused(t))
			assert.LessOrEqual(t, most(), maxDescriptors, "open files")
			s.checkMemory(t)
			// The day files of three signals are open now.
			assert.Eventually(t, func() bool { return s.descriptors() <= before+10 }, 45*time.Second, 50*time.Millisecond, "files stay open")
			checkStored(t, b.ledger, s.stored())
		})
	}
}

// attackFrames attacks over one connection until it ends.
func attackFrames(ctx context.Context, source, target string, attack func(context.Context, *frames) error) {
	f, err := dialFrames(ctx, source, target)
	if err != nil {
		return
	}
	var reader sync.WaitGroup
	reader.Go(f.discard)
	defer reader.Wait()
	defer f.conn.Close()
	defer context.AfterFunc(ctx, func() { _ = f.conn.Close() })()
	for ctx.Err() == nil && attack(ctx, f) == nil {
	}
}

// checkNextTLSBatch is checkNextBatch over TLS.
func checkNextTLSBatch(t *testing.T, s *server) {
	t.Helper()
	began := time.Now()
	conn, err := dialFrom(t.Context(), "127.12.0.1", s.address)
	require.NoError(t, err)
	defer conn.Close()
	p := post{body: fmt.Appendf(nil, `{"logs":[{"message":"next","at":%d}]}`, began.UnixNano())}
	answer, err := p.send(tlsClient(conn))
	require.NoError(t, err, "the next ordinary batch")
	require.Equal(t, http.StatusOK, answer.Status, "the next ordinary batch: %s", answer.Body)
	require.Less(t, time.Since(began), time.Second, "time for the next ordinary batch")
}

func tlsClient(conn net.Conn) *tls.Conn { return tls.Client(conn, insecure("http/1.1")) }
