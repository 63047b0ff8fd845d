// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package dailyjsonlexporter writes every log record, span and metric as a line
// to the file of its signal and of the day on which it was received. Without a
// sending queue, which is the default, exported data is on disk.
package dailyjsonlexporter
