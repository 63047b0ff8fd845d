// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dayfile

import (
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// zstdWindow bounds the memory for writing and reading a file. Telemetry repeats
// itself at much shorter distances.
const zstdWindow = 4 << 20

// maxZstdWindow is the largest window that is read. RFC 8878 asks every decoder
// to support it, and zstd uses no larger one up to level 19.
const maxZstdWindow = 8 << 20

// NewCompressor returns a writer of one gzip member or zstd frame. A file can have
// several of them, which zcat and zstd -d read as one.
func NewCompressor(w io.Writer, form Form) (io.WriteCloser, error) {
	switch form {
	case Gzip:
		return gzip.NewWriter(w), nil
	case Zstd:
		return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(zstdWindow), zstd.WithLowerEncoderMem(true))
	default:
		return nil, fmt.Errorf("no compressor for form %q", form)
	}
}

// NewDecompressor returns a reader of the lines of a file of any form.
func NewDecompressor(r io.Reader, form Form) (io.ReadCloser, error) {
	switch form {
	case Gzip:
		return gzip.NewReader(r)
	case Zstd:
		d, err := NewZstdDecoder(r)
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	default:
		return io.NopCloser(r), nil
	}
}

// NewZstdDecoder returns a decoder that can be reset to read one file after another.
func NewZstdDecoder(r io.Reader) (*zstd.Decoder, error) {
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxZstdWindow))
}
