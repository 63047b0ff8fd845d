// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"crypto/sha256"
	"encoding/hex"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// An id of 32 (16) hexadecimal digits is a trace (span) id as it is. Any other
// id stands for the first 16 (8) bytes of its SHA-256, so that it is the same
// on every machine and day, and anyone can compute it:
//
//	printf %s 4fzyo82m1k | sha256sum | cut -c1-32
//
// keep is true where the bytes don't give back the id as it was sent.

func traceIDOf(s string) (id pcommon.TraceID, keep bool) {
	return id, idBytes(id[:], s)
}

func spanIDOf(s string) (id pcommon.SpanID, keep bool) {
	return id, idBytes(id[:], s)
}

func idBytes(dst []byte, s string) (keep bool) {
	if s == "" {
		return true
	}
	if len(s) == hex.EncodedLen(len(dst)) {
		var src [32]byte
		n := copy(src[:], s)
		if _, err := hex.Decode(dst, src[:n]); err == nil && !allZero(dst) {
			return string(hex.AppendEncode(src[:0], dst)) != s
		}
	}
	sum := sha256.Sum256([]byte(s))
	copy(dst, sum[:])
	return true
}

// allZero says whether an id is the one that OpenTelemetry calls invalid.
func allZero(id []byte) bool {
	for _, b := range id {
		if b != 0 {
			return false
		}
	}
	return true
}
