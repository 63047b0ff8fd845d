// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package entry owns the Saberloop entry and its mapping to and from
// OpenTelemetry data: it reads a batch or a line token by token into pdata,
// and writes pdata as lines. It knows nothing of files, HTTP or the
// Collector's components. docs/format.md describes what it reads and writes.
package entry
