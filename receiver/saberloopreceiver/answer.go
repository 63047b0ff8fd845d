// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/saberloop/otelcol-saberloop/internal/entry"
	"github.com/saberloop/otelcol-saberloop/receiver/saberloopreceiver/internal/dedup"
	"github.com/saberloop/otelcol-saberloop/receiver/saberloopreceiver/internal/inflight"
)

const (
	// unavailableRetry is the time that a client should wait before it retries
	// after a 503, and busyRetry after a 429 for lack of memory, which lasts for
	// as long as requests take.
	unavailableRetry = 10 * time.Second
	busyRetry        = 2 * time.Second
)

// answer is a status code with a JSON object. The object has the order of the
// fields. 204 has none.
type answer struct {
	code int
	// reason says why a request is refused; it is empty for others.
	reason string
	// retryAfter is when the client should try again, 0 for answers that do not
	// depend on the time.
	retryAfter time.Duration
	// closes is set if the connection can't be used any more.
	closes bool

	Status   string   `json:"status,omitempty"`
	Error    string   `json:"error,omitempty"`
	Detail   string   `json:"detail,omitempty"`
	Received *counts  `json:"received,omitempty"`
	Rejected *counts  `json:"rejected,omitempty"`
	Errors   []string `json:"errors,omitempty"`

	Duplicate bool `json:"duplicate,omitempty"`
}

// The reasons for which requests are refused. Each is counted by itself.
const (
	reasonNotFound      = "not_found"
	reasonMethod        = "method"
	reasonOrigin        = "origin"
	reasonUnauthorized  = "unauthorized"
	reasonShutdown      = "shutdown"
	reasonAddressRate   = "address_rate"
	reasonTotalRate     = "total_rate"
	reasonAddressBudget = "address_budget"
	reasonTotalBudget   = "total_budget"
	reasonMemory        = "memory"
	reasonSlow          = "slow"
	reasonWaiting       = "waiting"
	reasonTooLarge      = "too_large"
	reasonInvalidJSON   = "invalid_json"
	reasonInvalidBatch  = "invalid_batch"
	reasonUnavailable   = "unavailable"
	reasonInternal      = "internal"
)

// reasons are all of them.
var reasons = [...]string{
	reasonNotFound, reasonMethod, reasonOrigin, reasonUnauthorized, reasonShutdown,
	reasonAddressRate, reasonTotalRate, reasonAddressBudget, reasonTotalBudget, reasonMemory,
	reasonSlow, reasonWaiting, reasonTooLarge, reasonInvalidJSON, reasonInvalidBatch,
	reasonUnavailable, reasonInternal,
}

// counts is the JSON form of entry.Counts.
type counts struct {
	Logs    int `json:"logs"`
	Traces  int `json:"traces"`
	Metrics int `json:"metrics"`
}

func newCounts(c entry.Counts) *counts { return (*counts)(&c) }

var (
	answerNoContent        = answer{code: http.StatusNoContent}
	answerNotFound         = answer{code: http.StatusNotFound, reason: reasonNotFound, Error: "Not found"}
	answerMethodNotAllowed = answer{code: http.StatusMethodNotAllowed, reason: reasonMethod, Error: "Method not allowed"}
	answerOriginNotAllowed = answer{code: http.StatusForbidden, reason: reasonOrigin, Error: "Origin not allowed"}
	answerUnauthorized     = answer{code: http.StatusUnauthorized, reason: reasonUnauthorized, Error: "Unauthorized"}
	answerTooLarge         = answer{code: http.StatusRequestEntityTooLarge, reason: reasonTooLarge, Error: "Payload too large"}
	answerInternalError    = answer{code: http.StatusInternalServerError, reason: reasonInternal, Error: "Internal error"}
)

func answerInvalidJSON(detail string) answer {
	return answer{code: http.StatusBadRequest, reason: reasonInvalidJSON, Error: "Invalid JSON", Detail: detail}
}

func answerInvalidBatch(detail string) answer {
	return answer{code: http.StatusBadRequest, reason: reasonInvalidBatch, Error: "Invalid batch", Detail: detail}
}

func answerUnavailable(reason string, stored entry.Counts) answer {
	return answer{
		code: http.StatusServiceUnavailable, reason: reason, retryAfter: unavailableRetry,
		Error: "Service unavailable", Received: newCounts(stored),
	}
}

func answerTooMany(reason string, retryAfter time.Duration) *answer {
	return &answer{code: http.StatusTooManyRequests, reason: reason, retryAfter: retryAfter, Error: "Too many requests"}
}

// answerNoMemory answers a request that did not get the memory it needs. The
// error is nil if it did.
func answerNoMemory(err error) *answer {
	switch {
	case errors.Is(err, inflight.ErrTooLarge):
		tooLarge := answerTooLarge
		return &tooLarge
	case errors.Is(err, inflight.ErrDropped):
		dropped := answerTooMany(reasonSlow, busyRetry)
		dropped.closes = true
		return dropped
	case err != nil:
		return answerTooMany(reasonMemory, busyRetry)
	}
	return nil
}

// answerStored answers a batch whose accepted entries are all stored.
func answerStored(b *entry.Batch) answer {
	a := answer{code: http.StatusOK, Status: "ok", Received: newCounts(b.Received)}
	if b.Rejected.Total() > 0 {
		a.Rejected, a.Errors = newCounts(b.Rejected), b.Errors
	}
	return a
}

// answerDuplicate answers a batch that was stored before.
func answerDuplicate(o dedup.Outcome) answer {
	a := answerStored(&entry.Batch{Received: o.Received, Rejected: o.Rejected, Errors: o.Errors})
	a.Duplicate = true
	return a
}

// answerRejected answers a batch without an acceptable entry.
func answerRejected(b *entry.Batch) answer {
	return answer{code: http.StatusBadRequest, reason: reasonInvalidBatch, Error: "Invalid batch", Rejected: newCounts(b.Rejected), Errors: b.Errors}
}

// answerUnreadable answers a request whose body could not be read.
func answerUnreadable(err error) answer {
	switch {
	case errors.Is(err, errTooLarge):
		return answerTooLarge
	case errors.Is(err, errTooSlow):
		// The batch may be valid: the client should send it again.
		return answerUnavailable(reasonSlow, entry.Counts{})
	case errors.Is(err, inflight.ErrBusy), errors.Is(err, inflight.ErrDropped), errors.Is(err, inflight.ErrTooLarge):
		return *answerNoMemory(err)
	}
	return answerInvalidJSON("read body: " + err.Error())
}

// answerUndecodable answers a request whose body is not a batch.
func answerUndecodable(err error) answer {
	if shape, ok := errors.AsType[*entry.ShapeError](err); ok {
		return answerInvalidBatch(shape.Detail)
	}
	if syntax, ok := errors.AsType[*entry.SyntaxError](err); ok {
		return answerInvalidJSON(syntax.Detail)
	}
	if limit, ok := errors.AsType[*entry.LimitError](err); ok {
		tooLarge := answerTooLarge
		tooLarge.Detail = limit.Detail
		return tooLarge
	}
	return answerInvalidJSON(err.Error())
}

// write sends the answer. It ignores errors of w: the client is gone.
func (a answer) write(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	switch a.code {
	case http.StatusNoContent:
		w.WriteHeader(a.code)
		return
	case http.StatusMethodNotAllowed:
		header.Set("Allow", "POST, OPTIONS")
	}
	if a.retryAfter > 0 {
		seconds := int64((a.retryAfter + time.Second - 1) / time.Second)
		header.Set("Retry-After", strconv.FormatInt(seconds, 10))
	}
	if a.closes {
		header.Set("Connection", "close")
	}
	if r.Method == http.MethodHead {
		w.WriteHeader(a.code)
		return
	}
	body, err := json.Marshal(a)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(a.code)
	_, _ = w.Write(body)
}
