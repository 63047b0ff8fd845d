// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package saberloopreceiver receives the batches that Saberloop web apps POST
// from the browser: logs, traces and metrics in one JSON body, answered only
// when the pipelines have taken them. One HTTP server serves whatever signals
// have a pipeline. README.md has its configuration and its answers.
package saberloopreceiver
