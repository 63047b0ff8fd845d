// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlexporter

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.uber.org/zap"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/store"
)

var _ store.Observer = (*telemetry)(nil)

// Wrote implements store.Observer.
func (t *telemetry) Wrote(signal dayfile.Signal, bytes int, took time.Duration) {
	ctx := context.Background()
	t.bytes.Add(ctx, int64(bytes), t.ofSignal[signal])
	t.writeDuration.Record(ctx, took.Seconds(), t.ofSignal[signal])
}

// Synced implements store.Observer.
func (t *telemetry) Synced(signal dayfile.Signal, appends int, took time.Duration) {
	ctx := context.Background()
	t.syncDuration.Record(ctx, took.Seconds(), t.ofSignal[signal])
	t.syncAppends.Record(ctx, int64(appends), t.ofSignal[signal])
}

// Deleted implements store.Observer.
func (t *telemetry) Deleted(name string, size int64, reason store.Reason) {
	t.deleted.Add(context.Background(), 1, t.of(attribute.String("reason", string(reason))))
	t.logger.Info("Deleted day file",
		zap.String("file", name), zap.Int64("bytes", size), zap.String("retention", string(reason)))
}

// Compressed implements store.Observer.
func (t *telemetry) Compressed(name string, plain, compressed int64, took time.Duration) {
	t.compressed.Add(context.Background(), 1, t.ofExporter)
	t.logger.Info("Compressed day file",
		zap.String("file", name), zap.Int64("plain_bytes", plain), zap.Int64("bytes", compressed), zap.Duration("took", took))
}

// SetAside implements store.Observer.
func (t *telemetry) SetAside(name, aside string, size int64) {
	t.tornEnds.Add(context.Background(), 1, t.ofExporter)
	t.logger.Warn("Moved an incomplete line from the end of a day file",
		zap.String("file", name), zap.String("moved_to", aside), zap.Int64("bytes", size))
}

// Changed implements store.Observer.
func (t *telemetry) Changed(name, what string) {
	t.changedFiles.Add(context.Background(), 1, t.ofExporter)
	t.logger.Warn("Another process changed an open day file",
		zap.String("file", name), zap.String("change", what))
}

// ClockJumped implements store.Observer.
func (t *telemetry) ClockJumped(by time.Duration) {
	if by < 0 {
		t.logger.Warn("System clock moved back", zap.Duration("by", -by))
		return
	}
	t.logger.Warn("System clock moved ahead, deleting no day files for 24 hours unless it moves back",
		zap.Duration("by", by))
}

// failureMessages are logged when an operation fails.
var failureMessages = map[store.Op]string{
	store.OpOpen:     "Cannot open day file",
	store.OpWrite:    "Cannot write to day file",
	store.OpSync:     "Cannot sync day file",
	store.OpRepair:   "Cannot repair day file",
	store.OpDelete:   "Cannot delete day file",
	store.OpCompress: "Cannot compress day file",
	store.OpSpace:    "Cannot read the free disk space",
}

// Failed implements store.Observer. A failing disk fails every append, so each
// of the messages is logged once a minute. Deleting and compressing is not
// limited: it is tried once an hour per file.
func (t *telemetry) Failed(op store.Op, name string, err error) {
	t.failed(context.Background(), string(op))
	logger := t.limited
	if op == store.OpDelete || op == store.OpCompress {
		logger = t.logger
	}
	logger.Error(failureMessages[op], zap.String("file", name), zap.Error(err))
}
