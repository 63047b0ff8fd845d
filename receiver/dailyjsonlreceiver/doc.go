// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package dailyjsonlreceiver replays day files: it reads what the daily_jsonl
// exporter wrote, oldest day first, hands it to the pipelines of its signals,
// and remembers in a storage extension how far they have taken it. README.md
// has its configuration and what happens when something goes wrong.
package dailyjsonlreceiver
