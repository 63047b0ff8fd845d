// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.uber.org/zap"

	"github.com/saberloop/otelcol-saberloop/internal/entry"
	"github.com/saberloop/otelcol-saberloop/receiver/saberloopreceiver/internal/clientaddr"
	"github.com/saberloop/otelcol-saberloop/receiver/saberloopreceiver/internal/dedup"
	"github.com/saberloop/otelcol-saberloop/receiver/saberloopreceiver/internal/inflight"
	"github.com/saberloop/otelcol-saberloop/receiver/saberloopreceiver/internal/tokens"
)

// handler answers requests. It checks them in the order of the table of answers
// in README.md. The first check that fails determines the answer.
type handler struct {
	paths       []string
	crossOrigin *crossOrigin
	tokens      *tokens.Store
	apps        *apps
	auth        authenticator
	maxBody     int64
	codings     codings
	limits      *limits
	pipelines   *pipelines
	telemetry   *telemetry
	logger      *zap.Logger
	now         func() time.Time
	// stopping is set when the server shuts down.
	stopping atomic.Bool
}

// admission is what the checks before the body found out about a request.
type admission struct {
	// ctx is that of the request, or of the auth extension.
	ctx    context.Context
	app    *app
	client clientaddr.Key
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.crossOrigin.setHeaders(w.Header(), r)
	done := h.telemetry.begin(r.Context())
	a := answerInternalError
	// guard has logged the error.
	_ = guard(h.logger, func() error {
		admitted, refusal := h.admit(r)
		if refusal != nil {
			a = *refusal
		} else {
			a = h.ingest(admitted, r)
		}
		return nil
	})
	done(a)
	a.write(w, r)
}

// admit makes the checks that need no body. It returns the answer to a request
// that fails one.
func (h *handler) admit(r *http.Request) (admission, *answer) {
	switch {
	case !slices.Contains(h.paths, r.URL.Path):
		return admission{}, &answerNotFound
	case r.Method == http.MethodOptions:
		return admission{}, &answerNoContent
	case r.Method != http.MethodPost:
		return admission{}, &answerMethodNotAllowed
	case h.crossOrigin.refuse(r):
		return admission{}, &answerOriginNotAllowed
	}
	admitted := admission{app: h.apps.of(-1)}
	if h.tokens.Len() > 0 {
		token, ok := h.tokens.Find(r.Header.Get(tokenHeader))
		if !ok {
			return admission{}, &answerUnauthorized
		}
		h.telemetry.broughtToken(r.Context(), token)
		admitted.app = h.apps.of(token)
	}
	if r.Header["Origin"] != nil && !admitted.app.origins.OriginAllowed(r) {
		return admission{}, &answerOriginNotAllowed
	}
	var err error
	if admitted.ctx, err = h.auth.authenticate(r); err != nil {
		return admission{}, &answerUnauthorized
	}
	if h.stopping.Load() {
		unavailable := answerUnavailable(reasonShutdown, entry.Counts{})
		return admission{}, &unavailable
	}
	admitted.client = h.limits.client(r)
	return admitted, h.limits.admit(admitted.client)
}

// ingest reads the batch of an admitted request and passes it to the pipelines.
func (h *handler) ingest(admitted admission, r *http.Request) answer {
	transfer := transferOf(r)
	memory := h.limits.memory.Open(transfer.cancel)
	defer memory.Close()
	if refusal := h.receive(admitted, memory, r); refusal != nil {
		return *refusal
	}
	transfer.received()
	if refusal := h.decompress(admitted, memory, r); refusal != nil {
		return *refusal
	}
	size := len(memory.Body())
	h.telemetry.bodyRead(admitted.ctx, size)
	if refusal := h.limits.charge(admitted.client, size); refusal != nil {
		return *refusal
	}
	decoder := admitted.app.decoder
	if err := memory.Work(r.Context(), int64(decoder.EstimateDecodedSize(memory.Body()))); err != nil {
		return *answerNoMemory(err)
	}
	batch, err := decoder.Decode(memory.Body(), h.now().UTC().Truncate(time.Second))
	if err != nil {
		return answerUndecodable(err)
	}
	h.pipelines.rejectUnrouted(batch)
	if batch.Received.Total() == 0 {
		h.telemetry.decoded(admitted.ctx, h.pipelines.signals(), batch)
		if batch.Rejected.Total() > 0 {
			return answerRejected(batch)
		}
		return answerStored(batch)
	}
	if h.limits.batches == nil {
		memory.ReleaseBody()
		return h.store(admitted, batch, size, nil)
	}
	key := h.key(admitted, batch, memory.Body())
	memory.ReleaseBody()
	claim, err := h.limits.batches.Begin(r.Context(), key)
	if err != nil {
		return *answerTooMany(reasonWaiting, busyRetry)
	}
	defer claim.Abort()
	if claim.Duplicate() {
		h.telemetry.duplicate(admitted.ctx)
		return answerDuplicate(claim.Previous())
	}
	return h.store(admitted, batch, size, &claim)
}

// receive reads the body as it is sent.
func (h *handler) receive(admitted admission, memory *inflight.Request, r *http.Request) *answer {
	if r.ContentLength > h.maxBody {
		return &answerTooLarge
	}
	if err := memory.Receive(admitted.ctx, r.Body); err != nil {
		refusal := answerUnreadable(readError(err))
		return &refusal
	}
	return nil
}

// decompress undoes the content coding of the body.
func (h *handler) decompress(admitted admission, memory *inflight.Request, r *http.Request) *answer {
	decode, err := h.codings.of(r)
	if decode != nil {
		err = memory.Expand(admitted.ctx, int(h.maxBody), decode)
	}
	if err != nil {
		refusal := answerUnreadable(err)
		return &refusal
	}
	return nil
}

// sessionKey is what a body has that says which session it is of.
var sessionKey = []byte(`"sessionId"`)

// key returns what a batch is known by: its batchId, or its body. Clients may
// send the same body by chance if nothing in it tells them apart.
func (h *handler) key(admitted admission, batch *entry.Batch, body []byte) dedup.Key {
	if batch.ID != "" {
		return h.limits.batches.BatchID(admitted.app.name, batch.ID)
	}
	var sender clientaddr.Key
	if !bytes.Contains(body, sessionKey) {
		sender = admitted.client
	}
	return h.limits.batches.Body(admitted.app.name, sender, body)
}

// store passes to the pipelines what is not stored yet of a batch. The claim is
// nil if batches are not remembered.
func (h *handler) store(admitted admission, batch *entry.Batch, size int, claim *dedup.Claim) answer {
	var stored dedup.Signals
	if claim != nil {
		stored = claim.Previous().Stored
	}
	due := h.pipelines.due(batch, stored)
	amount := storedSize(size, batch, due)
	grant, refusal := h.limits.take(admitted.client, amount)
	if refusal != nil {
		return *refusal
	}
	h.telemetry.decoded(admitted.ctx, h.pipelines.signals(), batch)
	// The batch has arrived. It is stored even if the client disconnects.
	lost, err := h.pipelines.consume(&detached{Context: context.Background(), values: admitted.ctx}, batch, due)
	h.limits.release(grant, amount, int64(lost.Total()))
	if claim != nil {
		claim.Done(outcome(batch, stored, lost))
	}
	switch {
	case err == nil:
		return answerStored(batch)
	case consumererror.IsPermanent(err):
		return answerInternalError
	default:
		return answerUnavailable(reasonUnavailable, entry.Counts{
			Logs:    batch.Received.Logs - lost.Logs,
			Traces:  batch.Received.Traces - lost.Traces,
			Metrics: batch.Received.Metrics - lost.Metrics,
		})
	}
}

// outcome is what became of a batch: with signals that were stored before, and
// those that were lost now. If nothing was stored, it has no signals.
func outcome(batch *entry.Batch, before dedup.Signals, lost entry.Counts) dedup.Outcome {
	if before == (dedup.Signals{}) && lost == batch.Received && lost != (entry.Counts{}) {
		return dedup.Outcome{}
	}
	return dedup.Outcome{
		Stored:   dedup.Signals{Logs: lost.Logs == 0, Traces: lost.Traces == 0, Metrics: lost.Metrics == 0},
		Received: batch.Received,
		Rejected: batch.Rejected,
		Errors:   batch.Errors,
	}
}

// detached is context.WithoutCancel, but a look-up of a value does not allocate. There
// are about ten for each signal of a batch.
type detached struct {
	context.Context
	values context.Context
}

// Value implements context.Context.
func (d *detached) Value(key any) any { return d.values.Value(key) }
