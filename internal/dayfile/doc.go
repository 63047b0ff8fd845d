// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package dayfile owns the day files: what they are called and where they lie,
// appending whole lines to them, syncing, closing, compressing and deleting
// them, and reading them in order. It sees bytes and lines, and knows nothing
// of JSON, telemetry or the Collector.
//
//	<directory>/.lock                        held by the process that appends
//	<directory>/logs/2025-12-22.jsonl        whole lines, each with its '\n'
//	<directory>/logs/2025-12-21.jsonl.gz     a closed day, or .jsonl.zst
//	<directory>/logs/2025-12-21.jsonl        what came for it after it was compressed
//	<directory>/logs/2025-12-20.jsonl.torn-1 the end of a file that a crash left
//	<directory>/traces/…, metrics/…
//
// For moments, or after a crash until the next start, there are also .gz.tmp,
// a compressed file that is being made, and .gz.swap, the marker by which a
// crash at any moment leaves every line once (see swap.go).
//
// Day, file, handle, group: a [Store] has an appender for each day and signal
// that is written to. The appender makes sure that what it appends to is the
// file that the path leads to, ends with a whole line, and holds nothing of an
// append that failed. Its handle is that file while it is open, with the
// offset up to which a power cut takes nothing. A group is the appends that
// wait for the same sync of a handle.
//
// What a power cut can leave in a file behind its durable bytes is a part of
// what was appended, or zeros in its place. Both are found by looking at the
// last line only, because nothing behind the durable bytes was acknowledged.
package dayfile
