// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"context"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.uber.org/zap"

	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

// handler answers requests. It checks them in the order of the table of answers
// in README.md. The first check that fails determines the answer.
type handler struct {
	paths       []string
	crossOrigin *crossOrigin
	tokens      tokens
	auth        authenticator
	maxBody     int64
	bodies      bodies
	decoder     *entry.BatchDecoder
	pipelines   *pipelines
	telemetry   *telemetry
	logger      *zap.Logger
	now         func() time.Time
	// stopping is set when the server shuts down.
	stopping atomic.Bool
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.respond(w, r, func(ctx context.Context) answer { return h.ingest(ctx, r) })
}

// serveUndecodable answers a request with a Content-Encoding that confighttp
// could not decode. confighttp tries to before it calls ServeHTTP, but other
// checks come first.
func (h *handler) serveUndecodable(w http.ResponseWriter, r *http.Request, problem string, _ int) {
	h.respond(w, r, func(context.Context) answer {
		if err := h.bodies.skip(r); err != nil {
			return answerUnreadable(err)
		}
		return answerInvalidJSON(problem)
	})
}

// respond makes the checks that need no body, and then calls admitted for the
// answer.
func (h *handler) respond(w http.ResponseWriter, r *http.Request, admitted func(context.Context) answer) {
	h.crossOrigin.setHeaders(w.Header(), r)
	a := answerInternalError
	// guard has logged the error.
	_ = guard(h.logger, func() error {
		ctx, refusal := h.admit(r)
		if refusal != nil {
			a = *refusal
		} else {
			a = admitted(ctx)
		}
		return nil
	})
	h.telemetry.answered(r.Context(), a.code)
	a.write(w, r)
}

// admit makes the checks that need no body. It returns the answer to a request
// that fails one, otherwise the context from the auth extension.
func (h *handler) admit(r *http.Request) (context.Context, *answer) {
	switch {
	case !slices.Contains(h.paths, r.URL.Path):
		return nil, &answerNotFound
	case r.Method == http.MethodOptions:
		return nil, &answerNoContent
	case r.Method != http.MethodPost:
		return nil, &answerMethodNotAllowed
	case h.crossOrigin.refuse(r):
		return nil, &answerOriginNotAllowed
	case len(h.tokens) > 0 && !h.tokens.accept(r.Header.Get(tokenHeader)):
		return nil, &answerUnauthorized
	}
	ctx, err := h.auth.authenticate(r)
	if err != nil {
		return nil, &answerUnauthorized
	}
	if h.stopping.Load() {
		unavailable := answerUnavailable(entry.Counts{})
		return nil, &unavailable
	}
	return ctx, nil
}

// ingest reads the batch of an admitted request and passes it to the pipelines.
func (h *handler) ingest(ctx context.Context, r *http.Request) answer {
	batch, refusal := h.receive(ctx, r)
	if refusal != nil {
		return *refusal
	}
	h.pipelines.rejectUnrouted(batch)
	h.telemetry.decoded(ctx, h.pipelines.signals(), batch)
	if batch.Received.Total() == 0 && batch.Rejected.Total() > 0 {
		return answerRejected(batch)
	}
	// The batch has arrived. It is stored even if the client disconnects.
	stored, err := h.pipelines.consume(context.WithoutCancel(ctx), batch)
	switch {
	case err == nil:
		return answerStored(batch)
	case consumererror.IsPermanent(err):
		return answerInternalError
	default:
		return answerUnavailable(stored)
	}
}

// receive reads and decodes the body.
func (h *handler) receive(ctx context.Context, r *http.Request) (*entry.Batch, *answer) {
	if r.ContentLength > h.maxBody {
		return nil, &answerTooLarge
	}
	body, err := h.bodies.read(r)
	if err != nil {
		refusal := answerUnreadable(err)
		return nil, &refusal
	}
	defer h.bodies.release(body)
	h.telemetry.bodyRead(ctx, body.Len())
	batch, err := h.decoder.Decode(body.Bytes(), h.now().UTC().Truncate(time.Second))
	if err != nil {
		refusal := answerUndecodable(err)
		return nil, &refusal
	}
	return batch, nil
}
