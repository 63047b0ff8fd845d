// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.uber.org/zap"
)

// saveInterval is the time between two saves of the daily budgets. What was taken
// since the last one is taken again after a crash.
const saveInterval = 5 * time.Second

const (
	quotaKey   = "quota"
	batchesKey = "batches"
)

// state keeps over a restart what limits know: the daily budgets, saved every
// saveInterval, and the known batches, saved at the shutdown.
//
// A storage that fails costs that, and nothing else: the receiver logs it and
// goes on.
type state struct {
	client storage.Client
	limits *limits
	logger *zap.Logger
	// failing is set while the budgets can't be saved.
	failing bool
}

// openState restores what was saved. The error means that the configuration is
// wrong.
func openState(ctx context.Context, cfg *Config, host component.Host, id component.ID, l *limits, logger *zap.Logger) (*state, error) {
	s := &state{client: storage.NewNopClient(), limits: l, logger: logger}
	if cfg.Storage == nil {
		return s, nil
	}
	extension, ok := host.GetExtensions()[*cfg.Storage]
	if !ok {
		return nil, fmt.Errorf("storage: there is no extension %q", cfg.Storage)
	}
	store, ok := extension.(storage.Extension)
	if !ok {
		return nil, fmt.Errorf("storage: %q is not a storage extension", cfg.Storage)
	}
	client, err := store.GetClient(ctx, component.KindReceiver, id, "")
	if err != nil {
		// The disk may be full.
		logger.Warn("Could not open the storage; daily budgets start anew, and batches from before are not recognized", zap.Error(err))
		return s, nil
	}
	s.client = client
	if err := s.restore(ctx); err != nil {
		logger.Warn("Could not restore everything from the storage", zap.Error(err))
	}
	return s, nil
}

func (s *state) restore(ctx context.Context) error {
	var errs []error
	if s.limits.quota != nil {
		errs = append(errs, s.restoreOne(ctx, quotaKey, s.limits.quota.Restore))
	}
	if s.limits.batches != nil {
		errs = append(errs, s.restoreOne(ctx, batchesKey, s.limits.batches.Restore))
		// They are not up to date any more after a crash.
		errs = append(errs, s.client.Delete(ctx, batchesKey))
	}
	return errors.Join(errs...)
}

func (s *state) restoreOne(ctx context.Context, key string, restore func([]byte) error) error {
	data, err := s.client.Get(ctx, key)
	if err != nil || data == nil {
		return err
	}
	if err := restore(data); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

// run saves the budgets until ctx is done.
func (s *state) run(ctx context.Context) {
	ticker := time.NewTicker(saveInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.save(ctx)
		}
	}
}

func (s *state) save(ctx context.Context) {
	if s.limits.quota == nil {
		return
	}
	data := s.limits.quota.Snapshot()
	if data == nil {
		return
	}
	err := s.client.Set(ctx, quotaKey, data)
	if err != nil {
		s.limits.quota.Changed()
		if !s.failing {
			s.logger.Warn("Could not save the daily budgets; a restart forgets what was used since", zap.Error(err))
		}
	}
	s.failing = err != nil
}

// close saves everything.
func (s *state) close(ctx context.Context) error {
	s.save(ctx)
	var errs []error
	if s.limits.batches != nil {
		errs = append(errs, s.client.Set(ctx, batchesKey, s.limits.batches.Snapshot()))
	}
	if err := errors.Join(append(errs, s.client.Close(ctx))...); err != nil {
		return fmt.Errorf("close storage: %w", err)
	}
	return nil
}
