// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

// retryAfter is the number of seconds after which a client should try again.
const retryAfter = "10"

// answer is what a client is told: a status code and, but for 204, a JSON
// object. Its fields are in the order in which they are written.
type answer struct {
	code int

	Status   string   `json:"status,omitempty"`
	Error    string   `json:"error,omitempty"`
	Detail   string   `json:"detail,omitempty"`
	Received *counts  `json:"received,omitempty"`
	Rejected *counts  `json:"rejected,omitempty"`
	Errors   []string `json:"errors,omitempty"`
}

// counts is how answers write entry.Counts.
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

// answerStored answers a batch of which all was stored that was not rejected.
func answerStored(b *entry.Batch) answer {
	a := answer{code: http.StatusOK, Status: "ok", Received: newCounts(b.Received)}
	if b.Rejected.Total() > 0 {
		a.Rejected, a.Errors = newCounts(b.Rejected), b.Errors
	}
	return a
}

// answerRejected answers a batch of which every entry was rejected.
func answerRejected(b *entry.Batch) answer {
	return answer{code: http.StatusBadRequest, Error: "Invalid batch", Rejected: newCounts(b.Rejected), Errors: b.Errors}
}

// write sends the answer. An error of w means that the client has gone, and
// there is nobody left to tell.
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
		panic(err) // of strings and numbers it can't be
	}
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(a.code)
	_, _ = w.Write(body)
}
