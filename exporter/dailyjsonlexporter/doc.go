// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package dailyjsonlexporter is the Collector's exporter around
// internal/entry and internal/dayfile: it writes every log record, span and
// data point as a line into the file of its signal and of the day on which it
// was received. Without a sending queue, which is the default, data that the
// exporter has taken is on disk.
package dailyjsonlexporter
