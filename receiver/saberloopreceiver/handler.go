// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/extension/extensionauth"
	"go.uber.org/zap"

	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

// handler answers requests. It makes the checks in the order of the table of
// answers in README.md: the first that fails is the answer.
type handler struct {
	paths       []string
	crossOrigin *crossOrigin
	tokens      tokens
	// auth is nil where no extension is to be asked, and authParams are the
	// query parameters that it is shown as if they were headers.
	auth       extensionauth.Server
	authParams []string
	maxBody    int64
	bodies     bodies
	decoder    *entry.BatchDecoder
	pipelines  *pipelines
	telemetry  *telemetry
	logger     *zap.Logger
	now        func() time.Time
	// stopping is set when the server shuts down.
	stopping atomic.Bool
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.respond(w, r, func(ctx context.Context) answer { return h.ingest(ctx, r) })
}

// serveUndecodable answers a request whose Content-Encoding could not be
// undone. That is tried before ServeHTTP is called, but is not the first thing
// that a client should hear.
func (h *handler) serveUndecodable(w http.ResponseWriter, r *http.Request, problem string, _ int) {
	h.respond(w, r, func(context.Context) answer {
		if err := h.bodies.skip(r); err != nil {
			return unreadable(err)
		}
		return answerInvalidJSON(problem)
	})
}

// respond answers r by what admitted returns, if r gets so far.
func (h *handler) respond(w http.ResponseWriter, r *http.Request, admitted func(context.Context) answer) {
	h.crossOrigin.setHeaders(w.Header(), r)
	a := answerInternalError
	// Of an error the log has been told.
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
// that does not pass, or the context that the auth extension gave it.
func (h *handler) admit(r *http.Request) (context.Context, *answer) {
	switch {
	case !slices.Contains(h.paths, r.URL.Path):
		return nil, &answerNotFound
	case r.Method == http.MethodOptions:
		return nil, &answerNoContent
	case r.Method != http.MethodPost:
		return nil, &answerMethodNotAllowed
	case h.crossOrigin.refuses(r):
		return nil, &answerOriginNotAllowed
	case len(h.tokens) > 0 && !h.tokens.accepts(r.Header.Get(tokenHeader)):
		return nil, &answerUnauthorized
	}
	ctx, err := h.authenticate(r)
	if err != nil {
		return nil, &answerUnauthorized
	}
	if h.stopping.Load() {
		unavailable := answerUnavailable(entry.Counts{})
		return nil, &unavailable
	}
	return ctx, nil
}

func (h *handler) authenticate(r *http.Request) (context.Context, error) {
	if h.auth == nil {
		return r.Context(), nil
	}
	sources := map[string][]string(r.Header)
	if len(h.authParams) > 0 {
		sources = maps.Clone(sources)
		query := r.URL.Query()
		for _, param := range h.authParams {
			if values, ok := query[param]; ok {
				sources[param] = values
			}
		}
	}
	return h.auth.Authenticate(r.Context(), sources)
}

// ingest takes the batch that an admitted request brings.
func (h *handler) ingest(ctx context.Context, r *http.Request) answer {
	batch, refusal := h.receive(ctx, r)
	if refusal != nil {
		return *refusal
	}
	h.pipelines.rejectUntaken(batch)
	h.telemetry.decoded(ctx, h.pipelines.signals(), batch)
	if batch.Received.Total() == 0 && batch.Rejected.Total() > 0 {
		return answerRejected(batch)
	}
	// The batch is here as a whole: it is stored even if the page that sent it
	// is closed meanwhile.
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

// receive reads and decodes r's body.
func (h *handler) receive(ctx context.Context, r *http.Request) (*entry.Batch, *answer) {
	if r.ContentLength > h.maxBody {
		return nil, &answerTooLarge
	}
	body, err := h.bodies.read(r)
	if err != nil {
		refusal := unreadable(err)
		return nil, &refusal
	}
	defer h.bodies.release(body)
	h.telemetry.bodyRead(ctx, body.Len())
	batch, err := h.decoder.Decode(body.Bytes(), h.now().UTC().Truncate(time.Second))
	if err != nil {
		refusal := undecodable(err)
		return nil, &refusal
	}
	return batch, nil
}

// unreadable answers a request whose body could not be read.
func unreadable(err error) answer {
	switch {
	case errors.Is(err, errTooLarge):
		return answerTooLarge
	case errors.Is(err, errTooSlow):
		// Nothing is wrong with the batch: it should be sent again.
		return answerUnavailable(entry.Counts{})
	}
	return answerInvalidJSON("read body: " + err.Error())
}

// undecodable answers a request whose body is no batch.
func undecodable(err error) answer {
	if shape, ok := errors.AsType[*entry.ShapeError](err); ok {
		return answerInvalidBatch(shape.Detail)
	}
	if syntax, ok := errors.AsType[*entry.SyntaxError](err); ok {
		return answerInvalidJSON(syntax.Detail)
	}
	return answerInvalidJSON(err.Error())
}
