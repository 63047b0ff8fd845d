// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
	"go.opentelemetry.io/collector/config/confighttp"
)

const (
	// maxWindow is the largest zstd window accepted, in bytes. RFC 9659 has this
	// limit for Content-Encoding. The decoder allocates the window that the
	// first bytes of a body ask for; confighttp's decoder allows 512 MiB.
	maxWindow = 8 << 20
	// presize is the capacity reserved before a body is read, in bytes. A page
	// that is being closed sends at most this much. A wrong Content-Length
	// reserves no more.
	presize = 64 << 10
	// maxPooled is the largest capacity of a buffer that is reused, in bytes.
	maxPooled = 1 << 20
)

var (
	errTooLarge = errors.New("body is larger than max_request_body_size")
	errTooSlow  = errors.New("body did not arrive in time")
)

// lowerContentEncoding lets confighttp find the decoder for a name such as GZIP:
// the names of content codings are case-insensitive (RFC 9110, section 8.4.1).
func lowerContentEncoding(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		encoding := r.Header.Get("Content-Encoding")
		if lower := strings.ToLower(encoding); lower != encoding {
			r.Header.Set("Content-Encoding", lower)
		}
		next.ServeHTTP(w, r)
	})
}

// decoders returns the decoders that replace those of confighttp.
func decoders(algorithms []string) []confighttp.ToServerOption {
	opts := []confighttp.ToServerOption{
		confighttp.WithDecoder("", identity),
		confighttp.WithDecoder("identity", identity),
	}
	if slices.Contains(algorithms, "zstd") {
		opts = append(opts, confighttp.WithDecoder("zstd", newZstdReader))
	}
	return opts
}

// identity keeps a body as it is.
func identity(io.ReadCloser) (io.ReadCloser, error) { return nil, nil }

var zstdDecoders = sync.Pool{New: func() any {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		panic(err) // invalid options
	}
	return decoder
}}

// zstdReader returns its decoder to the pool when it is closed.
type zstdReader struct{ *zstd.Decoder }

func newZstdReader(body io.ReadCloser) (io.ReadCloser, error) {
	decoder := zstdDecoders.Get().(*zstd.Decoder)
	if err := decoder.Reset(body); err != nil {
		return nil, err
	}
	return zstdReader{decoder}, nil
}

// Close implements io.Closer. The reader can't be used afterwards.
func (z zstdReader) Close() error {
	// The decoder must not keep the body.
	if err := z.Reset(nil); err != nil {
		return err
	}
	zstdDecoders.Put(z.Decoder)
	return nil
}

// bodies reads request bodies into reusable buffers.
type bodies struct {
	buffers sync.Pool
}

// read returns the whole body. The buffer is valid until it is released. The
// error is errTooLarge, errTooSlow, or describes what is wrong with the body.
func (b *bodies) read(r *http.Request) (*bytes.Buffer, error) {
	buf, ok := b.buffers.Get().(*bytes.Buffer)
	if !ok {
		buf = new(bytes.Buffer)
	}
	buf.Reset()
	buf.Grow(int(min(max(r.ContentLength, bytes.MinRead), presize)))
	if _, err := buf.ReadFrom(r.Body); err != nil {
		b.release(buf)
		return nil, bodyError(err)
	}
	return buf, nil
}

func (b *bodies) release(buf *bytes.Buffer) {
	if buf.Cap() <= maxPooled {
		b.buffers.Put(buf)
	}
}

// skip reads a body that can't be decoded, to check its size.
func (*bodies) skip(r *http.Request) error {
	_, err := io.Copy(io.Discard, r.Body)
	return bodyError(err)
}

func bodyError(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errTooLarge
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errTooSlow
	}
	return err
}
