// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.uber.org/zap"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/reader"
)

// dailyReceiver runs a replay for each signal that has a pipeline.
type dailyReceiver struct {
	cfg        *Config
	id         component.ID
	logger     *zap.Logger
	obsrep     *receiverhelper.ObsReport
	telemetry  *telemetry
	replays    []*replay
	memory     *memoryBudget
	unfinished *unfinished
	end        endFunc

	// Set by Start.
	stored *checkpoints
	stop   context.CancelFunc // stops reading
	abort  context.CancelFunc // cancels the context of the consumers
	done   chan struct{}      // closed when every goroutine has returned

	// failure is set before done is closed if a replay with the mode once could
	// not send every line.
	failure error
}

func newReceiver(cfg *Config, set receiver.Settings, u *unfinished, end endFunc) (*dailyReceiver, error) {
	obsrep, err := receiverhelper.NewObsReport(receiverhelper.ObsReportSettings{
		ReceiverID:             set.ID,
		Transport:              "file",
		ReceiverCreateSettings: set,
	})
	if err != nil {
		return nil, err
	}
	telemetry, err := newTelemetry(set.TelemetrySettings, set.ID)
	if err != nil {
		return nil, err
	}
	r := &dailyReceiver{
		cfg:        cfg,
		id:         set.ID,
		logger:     set.Logger,
		obsrep:     obsrep,
		telemetry:  telemetry,
		memory:     newMemoryBudget(cfg),
		unfinished: u,
		end:        end,
	}
	if cfg.Mode == ModeOnce {
		u.add(r)
	}
	return r, nil
}

func (r *dailyReceiver) addPipeline(signal dayfile.Signal, p pipeline) {
	logger := r.logger.With(zap.String("signal", string(signal)))
	r.replays = append(r.replays, &replay{
		cfg:       r.cfg,
		signal:    signal,
		sender:    sender{pipeline: p, marker: newMarker(r.cfg, signal), memory: r.memory},
		telemetry: r.telemetry,
		logger:    logger,
		days:      map[dayfile.Day]*dayRecord{},
		badLines:  badLineLog{logger: logger},
	})
}

// Start starts the replays.
func (r *dailyReceiver) Start(ctx context.Context, host component.Host) error {
	if info, err := os.Stat(r.cfg.Directory); err != nil {
		return fmt.Errorf("directory: %w", err)
	} else if !info.IsDir() {
		return fmt.Errorf("directory: %s is not a directory", r.cfg.Directory)
	}
	stored, err := openCheckpoints(ctx, host, r.cfg.Storage, r.id)
	if err != nil {
		return err
	}
	if err := r.telemetry.watch(r.replays); err != nil {
		return errors.Join(err, stored.close(ctx))
	}

	reading, stop := context.WithCancel(context.Background())
	consuming, abort := context.WithCancel(context.Background())
	health := &health{host: host, unhealthy: map[*replay]struct{}{}}
	for _, replay := range r.replays {
		replay.reader = reader.New(r.cfg.Directory, replay.signal, r.cfg.MaxLineBytes)
		replay.stored, replay.health, replay.consuming = stored, health, consuming
	}
	r.stored, r.stop, r.abort, r.done = stored, stop, abort, make(chan struct{})
	go func() {
		defer close(r.done)
		r.run(reading, host)
	}()
	return nil
}

// run runs the replays. With the mode once it ends the Collector afterwards.
func (r *dailyReceiver) run(ctx context.Context, host component.Host) {
	start := time.Now()
	var replays, reports sync.WaitGroup
	for _, replay := range r.replays {
		replays.Go(func() { replay.run(ctx) })
	}
	reporting, stopReports := context.WithCancel(ctx)
	if r.cfg.Mode == ModeOnce && r.cfg.ProgressInterval > 0 {
		reports.Go(func() { r.reportProgress(reporting, start) })
	}
	replays.Wait()
	stopReports()
	reports.Wait()
	if r.cfg.Mode != ModeOnce || ctx.Err() != nil {
		return
	}
	if all := r.logSummary(time.Since(start)); all.refused > 0 || all.unreadable > 0 {
		r.failure = fmt.Errorf("%s: %d lines were refused and %d days are unreadable; see the log for details", r.id, all.refused, all.unreadable)
	}
	if r.unfinished.finish(r) {
		r.end(ctx, host)
	}
}

// shutdownGrace is how long Shutdown waits for the batches that the consumers
// have. A batch that is not accepted by then is sent again at the next start.
const shutdownGrace = 5 * time.Second

// Shutdown stops reading and waits for the consumers. If a replay with the mode
// once could not send every line, it returns an error, so that the exit code is
// not 0. It may be called without Start.
func (r *dailyReceiver) Shutdown(ctx context.Context) error {
	r.unfinished.finish(r)
	if r.done == nil {
		return nil
	}
	defer r.abort()
	r.stop()
	grace := time.NewTimer(shutdownGrace)
	defer grace.Stop()
	select {
	case <-r.done:
	case <-grace.C:
		r.abort()
	case <-ctx.Done():
		r.abort()
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		return fmt.Errorf("wait for pipelines: %w", context.Cause(ctx))
	}
	return errors.Join(r.failure, r.telemetry.shutdown(), r.stored.close(ctx))
}

// health reports the status of the component: it is healthy while every replay
// is.
type health struct {
	host component.Host

	mu        sync.Mutex
	unhealthy map[*replay]struct{}
}

// markUnhealthy returns false if the replay was unhealthy before.
func (h *health) markUnhealthy(r *replay, err error) (changed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, known := h.unhealthy[r]; known {
		return false
	}
	h.unhealthy[r] = struct{}{}
	componentstatus.ReportStatus(h.host, componentstatus.NewRecoverableErrorEvent(err))
	return true
}

// markHealthy returns false if the replay was healthy before.
func (h *health) markHealthy(r *replay) (changed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, known := h.unhealthy[r]; !known {
		return false
	}
	delete(h.unhealthy, r)
	if len(h.unhealthy) == 0 {
		componentstatus.ReportStatus(h.host, componentstatus.NewEvent(componentstatus.StatusOK))
	}
	return true
}
