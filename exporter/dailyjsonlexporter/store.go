// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlexporter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
)

// closeTimeout bounds how long a disk that hangs can hold up the shutdown.
const closeTimeout = 10 * time.Second

// store is the day files that the exporters of the three signals share.
type store struct {
	options   dayfile.Options
	telemetry *telemetry
	files     *dayfile.Store
}

func newStore(set component.TelemetrySettings, cfg *Config) (*store, error) {
	options, err := cfg.options()
	if err != nil {
		return nil, err
	}
	telemetry, err := newTelemetry(set)
	if err != nil {
		return nil, err
	}
	options.Observer = telemetry
	return &store{options: options, telemetry: telemetry}, nil
}

// Start opens the day files.
func (s *store) Start(context.Context, component.Host) error {
	files, err := dayfile.Open(s.options)
	if err != nil {
		return fmt.Errorf("directory: %w", err)
	}
	s.files = files
	return s.telemetry.watch(files)
}

// Shutdown syncs and closes the day files.
func (s *store) Shutdown(ctx context.Context) error {
	if s.files == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	return errors.Join(s.telemetry.shutdown(), s.files.Close(ctx))
}
