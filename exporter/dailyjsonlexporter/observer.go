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
	t.logger.Warn("Set aside the torn end of a day file",
		zap.String("file", name), zap.String("aside", aside), zap.Int64("bytes", size))
}

// Changed implements store.Observer.
func (t *telemetry) Changed(name, what string) {
	t.changedFiles.Add(context.Background(), 1, t.ofExporter)
	t.logger.Warn("Somebody else changed a day file that is being written; going on",
		zap.String("file", name), zap.String("change", what))
}

// ClockJumped implements store.Observer.
func (t *telemetry) ClockJumped(by time.Duration) {
	if by < 0 {
		t.logger.Warn("The clock went back", zap.Duration("by", -by))
		return
	}
	t.logger.Warn("The clock jumped ahead: nothing is deleted for a day, unless it goes back", zap.Duration("by", by))
}

// Failed implements store.Observer. A disk that fails fails every append;
// the Collector's logger lets the first of equal messages through.
func (t *telemetry) Failed(op store.Op, name string, err error) {
	t.failed(context.Background(), string(op))
	t.logger.Error("Day file failed", zap.String("while", string(op)), zap.String("file", name), zap.Error(err))
}
