// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package dailyjsonlreceiver replays day files: it reads the lines that the
// daily_jsonl exporter wrote, oldest day first, sends them to the pipelines and
// stores its positions in a storage extension. README.md describes its
// configuration and how it handles errors.
package dailyjsonlreceiver
