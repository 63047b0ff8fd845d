// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package dayfile defines days, and the names and forms of day files:
//
//	<directory>/.lock                        locked by the process that appends
//	<directory>/logs/2025-12-22.jsonl        whole lines, each with its '\n'
//	<directory>/logs/2025-12-21.jsonl.gz     a closed day, or .jsonl.zst
//	<directory>/logs/2025-12-21.jsonl        lines that arrived after the day was compressed
//	<directory>/logs/2025-12-20.jsonl.torn-1 the torn end of a file, left by a crash
//	<directory>/traces/…, metrics/…
//
// Package store writes these files and package reader reads them. All of them
// deal with bytes and lines only: what a line contains is up to the caller.
package dayfile
