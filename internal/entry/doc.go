// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package entry maps Saberloop entries to OpenTelemetry data and back. It
// decodes POST bodies and lines of day files into pdata, and encodes pdata as
// lines. It does not depend on files, HTTP or Collector components.
// docs/format.md specifies the format.
package entry
