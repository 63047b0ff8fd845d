// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package saberloopreceiver receives the batches that Saberloop web apps POST
// from the browser: logs, traces and metrics in one JSON body. One HTTP server
// serves all signals that have a pipeline, and answers a request when the
// pipelines have accepted its data. README.md describes configuration and answers.
//
// A request passes the files in this order: connections.go, handler.go, cors.go,
// auth.go, body.go, pipelines.go, answer.go.
package saberloopreceiver
