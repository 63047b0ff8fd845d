// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// maxWindow is the largest zstd window accepted, in bytes. RFC 9659 has this
// limit for Content-Encoding.
const maxWindow = 8 << 20

var (
	errTooLarge = errors.New("body is larger than max_request_body_size")
	errTooSlow  = errors.New("body did not arrive in time")
)

// readError maps the errors of a request's body.
func readError(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errTooLarge
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errTooSlow
	}
	return err
}

// coding decodes the body of a request into dst, and returns the length of what
// it decodes to. The error is errTooLarge if that is longer than dst. Bodies are
// decoded once they are there as a whole: a client that sends slowly does not
// hold a decoder and its window.
type coding func(dst, body []byte) (int, error)

// codings are the content codings that are accepted.
type codings map[string]coding

// newCodings returns the configured ones.
func newCodings(algorithms []string) (codings, error) {
	c := codings{}
	for _, name := range algorithms {
		switch name {
		case "gzip":
			c[name] = newStream(func(r io.Reader) (resetter, error) {
				z, err := gzip.NewReader(r)
				return gzipResetter{z}, err
			})
		case "deflate", "zlib":
			c[name] = newStream(func(r io.Reader) (resetter, error) {
				z, err := zlib.NewReader(r)
				if err != nil {
					return nil, err
				}
				return zlibResetter{z, z.(zlib.Resetter)}, nil
			})
		case "zstd":
			decode, err := newZstd()
			if err != nil {
				return nil, err
			}
			c[name] = decode
		}
	}
	return c, nil
}

// of returns the coding of a request, nil where its body is plain. The names of
// content codings are case-insensitive (RFC 9110, section 8.4.1).
func (c codings) of(r *http.Request) (coding, error) {
	name := r.Header.Get("Content-Encoding")
	if name == "" {
		return nil, nil
	}
	lower := strings.ToLower(name)
	if lower == "identity" {
		return nil, nil
	}
	if decode, ok := c[lower]; ok {
		return decode, nil
	}
	return nil, fmt.Errorf("unsupported Content-Encoding: %s", name)
}

// resetter is a decoder that can be used again.
type resetter interface {
	io.Reader
	Reset(r io.Reader) error
}

type gzipResetter struct{ *gzip.Reader }

type zlibResetter struct {
	io.Reader
	zlib.Resetter
}

// Reset implements resetter.
func (z zlibResetter) Reset(r io.Reader) error { return z.Resetter.Reset(r, nil) }

// newStream returns a coding that pools decoders.
func newStream(open func(io.Reader) (resetter, error)) coding {
	var pool sync.Pool
	return func(dst, body []byte) (int, error) {
		source := bytes.NewReader(body)
		decoder, pooled := pool.Get().(resetter)
		var err error
		if pooled {
			err = decoder.Reset(source)
		} else {
			decoder, err = open(source)
		}
		if err != nil {
			return 0, fmt.Errorf("decode body: %w", err)
		}
		n, err := readFull(decoder, dst)
		// The decoder must not keep the body. Nothing to decode is an error.
		_ = decoder.Reset(bytes.NewReader(nil))
		pool.Put(decoder)
		return n, err
	}
}

// readFull reads to the end.
func readFull(r io.Reader, dst []byte) (int, error) {
	n := 0
	for n < len(dst) {
		m, err := r.Read(dst[n:])
		n += m
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return n, nil
		}
		if err != nil {
			return n, fmt.Errorf("decode body: %w", err)
		}
	}
	// The checksum is behind the data.
	switch m, err := io.ReadFull(r, make([]byte, 1)); {
	case m > 0:
		return n, errTooLarge
	case errors.Is(err, io.EOF):
		return n, nil
	default:
		return n, fmt.Errorf("decode body: %w", err)
	}
}

// newZstd returns the coding of zstd. A frame is decoded into dst, and needs no
// window besides.
func newZstd() (coding, error) {
	decoder, err := zstd.NewReader(nil,
		zstd.WithDecoderMaxWindow(maxWindow),
		zstd.WithDecodeAllCapLimit(true),
		zstd.WithDecoderLowmem(true),
	)
	if err != nil {
		return nil, fmt.Errorf("create zstd decoder: %w", err)
	}
	return func(dst, body []byte) (int, error) {
		decoded, err := decoder.DecodeAll(body, slices.Clip(dst)[:0])
		switch {
		case errors.Is(err, zstd.ErrDecoderSizeExceeded), len(decoded) > len(dst):
			return 0, errTooLarge
		case err != nil:
			return 0, fmt.Errorf("decode body: %w", err)
		}
		return len(decoded), nil
	}, nil
}
