// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/reader"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/store"
	"github.com/saberloop/otelcol-saberloop/internal/demodata"
	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

// maxDepth is the default of the saberloop receiver's max_depth.
const maxDepth = 512

// write writes the day files that the collector would write for a month of POSTs. It
// returns the numbers of entries.
func write(ctx context.Context, month demodata.Month, directory string, now func() time.Time) (counts entry.Counts, err error) {
	if err := requireNoDayFiles(directory); err != nil {
		return counts, err
	}
	// No syncs: the files can be generated again.
	files, err := store.Open(store.Options{Directory: directory, Sync: store.SyncNone, Now: now})
	if err != nil {
		return counts, err
	}
	defer func() { err = errors.Join(err, files.Close(ctx)) }()

	for day := range month.Days {
		if err := ctx.Err(); err != nil {
			return counts, err
		}
		of, err := writeDay(files, month, day)
		if err != nil {
			return counts, err
		}
		counts.Logs += of.Logs
		counts.Traces += of.Traces
		counts.Metrics += of.Metrics
	}
	return counts, nil
}

// requireNoDayFiles returns an error if the directory has day files.
func requireNoDayFiles(directory string) error {
	for _, signal := range dayfile.Signals() {
		days, err := reader.New(directory, signal, 1).Days(dayfile.MinDay, dayfile.MaxDay)
		if err != nil {
			return err
		}
		if len(days) > 0 {
			return fmt.Errorf("%s: holds day files of %s already: delete them, or choose another -directory", directory, signal)
		}
	}
	return nil
}

func writeDay(files *store.Store, month demodata.Month, day int) (counts entry.Counts, err error) {
	decoder := entry.BatchDecoder{ServiceName: entry.DefaultServiceName, Limits: entry.Limits{MaxDepth: maxDepth}}
	lines := map[dayfile.Signal]*bytes.Buffer{}
	for _, signal := range dayfile.Signals() {
		lines[signal] = &bytes.Buffer{}
	}
	for _, post := range month.Posts(day) {
		batch, err := decoder.Decode(post.Body, post.ReceivedAt)
		if err != nil {
			return counts, fmt.Errorf("decode post: %w", err)
		}
		if n := batch.Rejected.Total(); n > 0 {
			return counts, fmt.Errorf("decode post: %d entries were refused: %v", n, batch.Errors)
		}
		counts.Logs += batch.Received.Logs
		counts.Traces += batch.Received.Traces
		counts.Metrics += batch.Received.Metrics
		collect(lines[dayfile.Logs], entry.LogLines(batch.Logs, post.ReceivedAt))
		collect(lines[dayfile.Traces], entry.SpanLines(batch.Traces, post.ReceivedAt))
		collect(lines[dayfile.Metrics], entry.MetricLines(batch.Metrics, post.ReceivedAt))
	}
	// All posts were received on that day, so each signal has one file.
	of := dayfile.DayOf(month.First.AddDate(0, 0, day), time.UTC)
	for _, signal := range dayfile.Signals() {
		if lines[signal].Len() == 0 {
			continue
		}
		if err := files.Append(signal, store.Part{Day: of, Lines: lines[signal].Bytes()}); err != nil {
			return counts, fmt.Errorf("append %s of %s: %w", signal, of, err)
		}
	}
	return counts, nil
}

func collect(to *bytes.Buffer, lines iter.Seq2[time.Time, []byte]) {
	for _, line := range lines {
		to.Write(line)
	}
}
