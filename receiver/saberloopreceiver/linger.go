// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"io"
	"net/http"
)

// maxLinger is the number of bytes read from a client after it was answered.
const maxLinger = 32 << 20

// lingering wraps next so that a client may finish sending after it was
// answered. Most look for an answer only then; if the connection is closed
// under them, all they see is a network error, and no 413 that tells them to
// split the batch. net/http lingers for 256 KiB only.
func lingering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// HTTP/2 closes a stream, not the connection. And who asks before
		// sending a body does not send one that was refused.
		if r.ProtoMajor != 1 || r.Header.Get("Expect") != "" {
			next.ServeHTTP(w, r)
			return
		}
		answer := http.NewResponseController(w)
		// Without it net/http closes the body as it sends the answer. It is
		// an error with a writer that can't, and that is no server's.
		_ = answer.EnableFullDuplex()
		body := r.Body
		next.ServeHTTP(w, r)
		// The read timeout of the request goes on. If the client has gone, or
		// sends more than that, the connection is closed.
		if answer.Flush() == nil {
			_, _ = io.CopyN(io.Discard, body, maxLinger)
		}
	})
}
