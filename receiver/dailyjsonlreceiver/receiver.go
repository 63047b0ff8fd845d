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
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.uber.org/zap"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/reader"
)

// dailyReceiver replays the signals that have a pipeline, each by itself.
type dailyReceiver struct {
	cfg        *Config
	id         component.ID
	log        *zap.Logger
	obsrep     *receiverhelper.ObsReport
	telemetry  *telemetry
	replays    []*replay
	room       *room
	unfinished *unfinished
	end        endFunc

	// Set by Start.
	stored *checkpoints
	stop   context.CancelFunc // ends reading
	abort  context.CancelFunc // ends what the pipelines have under way
	done   chan struct{}      // closed when nothing runs any more

	// undelivered is set before done is closed, where a replay of the mode
	// once is complete but could not deliver all.
	undelivered error
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
		log:        set.Logger,
		obsrep:     obsrep,
		telemetry:  telemetry,
		room:       newRoom(3 * int64(cfg.MaxBatchBytes)),
		unfinished: u,
		end:        end,
	}
	if cfg.Mode == ModeOnce {
		u.add(r)
	}
	return r, nil
}

func (r *dailyReceiver) addPipeline(signal dayfile.Signal, p pipeline) {
	r.replays = append(r.replays, &replay{
		cfg:       r.cfg,
		signal:    signal,
		pipeline:  p,
		marker:    newMarker(r.cfg, signal),
		room:      r.room,
		telemetry: r.telemetry,
		log:       r.log.With(zap.String("signal", string(signal))),
		days:      map[dayfile.Day]*dayRecord{},
	})
}

// Start begins to replay.
func (r *dailyReceiver) Start(ctx context.Context, host component.Host) error {
	if info, err := os.Stat(r.cfg.Directory); err != nil {
		return fmt.Errorf("directory: %w", err)
	} else if !info.IsDir() {
		return fmt.Errorf("directory: %s is no directory", r.cfg.Directory)
	}
	stored, err := openCheckpoints(ctx, host, r.cfg.Storage, r.id)
	if err != nil {
		return err
	}
	if err := r.telemetry.watch(r.replays); err != nil {
		return errors.Join(err, stored.close(ctx))
	}

	reading, stop := context.WithCancel(context.Background())
	sending, abort := context.WithCancel(context.Background())
	health := &health{host: host, bad: map[*replay]struct{}{}}
	for _, replay := range r.replays {
		replay.reader = reader.New(r.cfg.Directory, replay.signal, r.cfg.MaxLineBytes)
		replay.stored, replay.health, replay.sending = stored, health, sending
	}
	r.stored, r.stop, r.abort, r.done = stored, stop, abort, make(chan struct{})
	go func() {
		defer close(r.done)
		r.run(reading, host)
	}()
	return nil
}

// run replays all signals and, with the mode once, ends the Collector then.
func (r *dailyReceiver) run(ctx context.Context, host component.Host) {
	began := time.Now()
	var replays, reports sync.WaitGroup
	for _, replay := range r.replays {
		replays.Go(func() { replay.run(ctx) })
	}
	reporting, stopReports := context.WithCancel(ctx)
	if r.cfg.Mode == ModeOnce && r.cfg.ProgressInterval > 0 {
		reports.Go(func() { r.reportProgress(reporting, began) })
	}
	replays.Wait()
	stopReports()
	reports.Wait()
	if r.cfg.Mode != ModeOnce || ctx.Err() != nil {
		return
	}
	if all := r.logSummary(time.Since(began)); all.refused > 0 || all.unreadable > 0 {
		r.undelivered = fmt.Errorf("%s: %d lines were refused and %d days are unreadable; the log has which", r.id, all.refused, all.unreadable)
	}
	if r.unfinished.finish(r) {
		r.end(ctx, host)
	}
}

// shutdownGrace is how long a pipeline may take to be done with a batch when
// the receiver shuts down. What it has not taken by then comes again at the
// next start.
const shutdownGrace = 5 * time.Second

// Shutdown stops reading, and waits until the pipelines are done with what
// they have. After a replay of the mode once that could not deliver all it
// returns an error, and so the exit code is not 0. It may be called without
// Start.
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
	return errors.Join(r.undelivered, r.telemetry.shutdown(), r.stored.close(ctx))
}
