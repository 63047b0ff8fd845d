// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

// retryAfter is the number of seconds that a client should wait before a retry.
const retryAfter = "10"

// answer is a status code with a JSON object. The object has the order of the
// fields. 204 has none.
type answer struct {
	code int

	Status   string   `json:"status,omitempty"`
	Error    string   `json:"error,omitempty"`
	Detail   string   `json:"detail,omitempty"`
	Received *counts  `json:"received,omitempty"`
	Rejected *counts  `json:"rejected,omitempty"`
	Errors   []string `json:"errors,omitempty"`
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
	answerNotFound         = answer{code: http.StatusNotFound, Error: "Not found"}
	answerMethodNotAllowed = answer{code: http.StatusMethodNotAllowed, Error: "Method not allowed"}
	answerOriginNotAllowed = answer{code: http.StatusForbidden, Error: "Origin not allowed"}
	answerUnauthorized     = answer{code: http.StatusUnauthorized, Error: "Unauthorized"}
	answerTooLarge         = answer{code: http.StatusRequestEntityTooLarge, Error: "Payload too large"}
	answerInternalError    = answer{code: http.StatusInternalServerError, Error: "Internal error"}
)

func answerInvalidJSON(detail string) answer {
	return answer{code: http.StatusBadRequest, Error: "Invalid JSON", Detail: detail}
}

func answerInvalidBatch(detail string) answer {
	return answer{code: http.StatusBadRequest, Error: "Invalid batch", Detail: detail}
}

func answerUnavailable(stored entry.Counts) answer {
	return answer{code: http.StatusServiceUnavailable, Error: "Service unavailable", Received: newCounts(stored)}
}

// answerStored answers a batch whose accepted entries are all stored.
func answerStored(b *entry.Batch) answer {
	a := answer{code: http.StatusOK, Status: "ok", Received: newCounts(b.Received)}
	if b.Rejected.Total() > 0 {
		a.Rejected, a.Errors = newCounts(b.Rejected), b.Errors
	}
	return a
}

// answerRejected answers a batch without an acceptable entry.
func answerRejected(b *entry.Batch) answer {
	return answer{code: http.StatusBadRequest, Error: "Invalid batch", Rejected: newCounts(b.Rejected), Errors: b.Errors}
}

// answerUnreadable answers a request whose body could not be read.
func answerUnreadable(err error) answer {
	switch {
	case errors.Is(err, errTooLarge):
		return answerTooLarge
	case errors.Is(err, errTooSlow):
		// The batch may be valid: the client should send it again.
		return answerUnavailable(entry.Counts{})
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
	case http.StatusServiceUnavailable:
		header.Set("Retry-After", retryAfter)
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
