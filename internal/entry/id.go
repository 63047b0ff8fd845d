// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"crypto/sha256"
	"encoding/hex"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// A trace id of 32 hexadecimal digits, or a span id of 16, is used as it is.
// Any other id is replaced by the first 16 or 8 bytes of its SHA-256, which is
// the same everywhere and easy to compute:
//
//	printf %s 4fzyo82m1k | sha256sum | cut -c1-32
//
// keep is true if the id cannot be restored from its bytes.

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

// allZero reports whether an id is invalid in OpenTelemetry.
func allZero(id []byte) bool {
	for _, b := range id {
		if b != 0 {
			return false
		}
	}
	return true
}
