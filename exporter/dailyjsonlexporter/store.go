// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlexporter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter"
	"go.uber.org/zap"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile/disk"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/store"
)

// closeTimeout limits how long a hanging disk can delay the shutdown.
const closeTimeout = 10 * time.Second

// dayStore holds the day files that the exporters of all signals share.
type dayStore struct {
	options   store.Options
	telemetry *telemetry
	files     *store.Store
}

func newStore(set exporter.Settings, cfg *Config) (*dayStore, error) {
	options, err := cfg.options()
	if err != nil {
		return nil, err
	}
	telemetry, err := newTelemetry(set.TelemetrySettings, set.ID)
	if err != nil {
		return nil, err
	}
	options.Observer = telemetry
	return &dayStore{options: options, telemetry: telemetry}, nil
}

// Start opens the day files.
func (s *dayStore) Start(ctx context.Context, _ component.Host) error {
	files, err := store.Open(s.options)
	if err != nil {
		return fmt.Errorf("directory: %w", err)
	}
	s.files = files
	if disk.Limits != "" {
		s.telemetry.logger.Info("Some guarantees do not hold on this operating system", zap.String("limits", disk.Limits))
	}
	if err := s.telemetry.watch(files); err != nil {
		return errors.Join(err, s.Shutdown(ctx))
	}
	return nil
}

// Shutdown syncs and closes the day files.
func (s *dayStore) Shutdown(ctx context.Context) error {
	if s.files == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	return errors.Join(s.telemetry.unwatch(), s.files.Close(ctx))
}
