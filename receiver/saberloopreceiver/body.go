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
	"sync"

	"github.com/klauspost/compress/zstd"
	"go.opentelemetry.io/collector/config/confighttp"
)

const (
	// maxWindow is the largest zstd window accepted, in bytes: RFC 9659 lets
	// no Content-Encoding use more. The decoder allocates the whole window
	// that the first bytes of a body claim to need, and confighttp's decoder
	// would allow them half a gigabyte.
	maxWindow = 8 << 20
	// presize is the capacity reserved before a body was seen, in bytes: a
	// page that is being closed sends at most this much, and a Content-Length
	// that lies reserves no more.
	presize = 64 << 10
	// maxPooled is the capacity up to which a buffer is kept for another body,
	// in bytes.
	maxPooled = 1 << 20
)

var (
	errTooLarge = errors.New("body is over the limit")
	errTooSlow  = errors.New("body did not arrive in time")
)

// bodies reads request bodies into buffers that are used again.
type bodies struct {
	buffers sync.Pool
}

// read returns the whole of r's body, which is valid until release is called
// with it. The error is errTooLarge, errTooSlow, or says what is wrong with
// the body.
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

// skip reads the rest of a body that can't be decoded, to learn whether it
// keeps within the limit.
func (*bodies) skip(r *http.Request) error {
	_, err := io.Copy(io.Discard, r.Body)
	return bodyError(err)
}

// bodyError tells apart the ways in which reading a body fails.
func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return errTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errTooSlow
	}
	return err
}

// decoders returns the content codings for which confighttp's own won't do.
func decoders(algorithms []string) []confighttp.ToServerOption {
	opts := []confighttp.ToServerOption{
		confighttp.WithDecoder("", plain),
		confighttp.WithDecoder("identity", plain),
	}
	if slices.Contains(algorithms, "zstd") {
		opts = append(opts, confighttp.WithDecoder("zstd", newZstdReader))
	}
	return opts
}

// plain leaves a body as it is.
func plain(io.ReadCloser) (io.ReadCloser, error) { return nil, nil }

// zstdReader is a decoder that goes back to where it came from when closed.
type zstdReader struct{ *zstd.Decoder }

var zstdDecoders = sync.Pool{New: func() any {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		panic(err) // the options are wrong, always or never
	}
	return decoder
}}

func newZstdReader(body io.ReadCloser) (io.ReadCloser, error) {
	decoder := zstdDecoders.Get().(*zstd.Decoder)
	if err := decoder.Reset(body); err != nil {
		return nil, err
	}
	return zstdReader{decoder}, nil
}

// Close implements io.Closer; the decoder is not used afterwards.
func (z zstdReader) Close() error {
	// Lets go of the body.
	if err := z.Reset(nil); err != nil {
		return err
	}
	zstdDecoders.Put(z.Decoder)
	return nil
}
