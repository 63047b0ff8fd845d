// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.uber.org/zap"

	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

// saberloopReceiver owns the HTTP server that the signals share.
type saberloopReceiver struct {
	cfg          *Config
	settings     component.TelemetrySettings
	telemetry    *telemetry
	pipelines    *pipelines
	now          func() time.Time
	drainTimeout time.Duration

	// Set by Start.
	handler     *handler
	connections *connections
	server      *http.Server
	// served is closed when the server does not serve any more.
	served chan struct{}
}

func newReceiver(cfg *Config, set receiver.Settings) (*saberloopReceiver, error) {
	obsrep, err := receiverhelper.NewObsReport(receiverhelper.ObsReportSettings{
		ReceiverID:             set.ID,
		Transport:              "http",
		ReceiverCreateSettings: set,
	})
	if err != nil {
		return nil, err
	}
	telemetry, err := newTelemetry(set.TelemetrySettings, set.ID)
	if err != nil {
		return nil, err
	}
	return &saberloopReceiver{
		cfg:          cfg,
		settings:     set.TelemetrySettings,
		telemetry:    telemetry,
		pipelines:    newPipelines(obsrep, set.Logger),
		now:          time.Now,
		drainTimeout: drainTimeout,
	}, nil
}

// Start listens and serves until Shutdown. If the server fails, Start's host
// gets a fatal error, which ends the Collector.
func (r *saberloopReceiver) Start(ctx context.Context, host component.Host) error {
	h, err := r.newHandler(ctx, host)
	if err != nil {
		return err
	}

	cfg := r.cfg.ServerConfig
	// The handler does both: confighttp would check them in another order, and
	// not answer in JSON.
	cfg.CORS = configoptional.None[confighttp.CORSConfig]()
	cfg.Auth = configoptional.None[confighttp.AuthConfig]()
	opts := append(decoders(cfg.CompressionAlgorithms), confighttp.WithErrorHandler(h.serveUndecodable))
	server, err := cfg.ToServer(ctx, host.GetExtensions(), r.settings, h, opts...)
	if err != nil {
		return fmt.Errorf("create HTTP server: %w", err)
	}
	connections := newConnections()
	connections.limit(server, lowerContentEncoding(server.Handler))
	// "OPTIONS *" gets the answer for an unknown path.
	server.DisableGeneralOptionsHandler = true

	listener, err := cfg.ToListener(ctx)
	if err != nil {
		return fmt.Errorf("listen on endpoint %q: %w", cfg.NetAddr.Endpoint, err)
	}
	r.settings.Logger.Info("Starting HTTP server", zap.Stringer("endpoint", listener.Addr()))

	r.handler, r.connections, r.server = h, connections, server
	r.served = make(chan struct{})
	go r.serve(listener, host)
	return nil
}

// serve returns when the server is shut down or fails.
func (r *saberloopReceiver) serve(listener net.Listener, host component.Host) {
	defer close(r.served)
	err := r.server.Serve(listener)
	// The Collector does not read a fatal error while it shuts down.
	if errors.Is(err, http.ErrServerClosed) || r.handler.stopping.Load() {
		return
	}
	componentstatus.ReportStatus(host, componentstatus.NewFatalErrorEvent(fmt.Errorf("serve HTTP: %w", err)))
}

func (r *saberloopReceiver) newHandler(ctx context.Context, host component.Host) (*handler, error) {
	auth, err := newAuthenticator(ctx, r.cfg.ServerConfig.Auth.Get(), host)
	if err != nil {
		return nil, err
	}
	return &handler{
		paths:       r.cfg.Paths,
		crossOrigin: newCrossOrigin(r.cfg.ServerConfig.CORS.Get()),
		tokens:      newTokens(r.cfg.Tokens),
		auth:        auth,
		maxBody:     r.cfg.ServerConfig.MaxRequestBodySize,
		decoder: &entry.BatchDecoder{
			ServiceName:        r.cfg.ServiceName,
			ResourceAttributes: r.cfg.ResourceAttributes,
			Limits:             entry.Limits{MaxDepth: r.cfg.MaxDepth},
		},
		pipelines: r.pipelines,
		telemetry: r.telemetry,
		logger:    r.settings.Logger,
		now:       r.now,
	}, nil
}

// Shutdown stops listening and waits for requests to be answered until ctx is
// done. Clients that are still sending have drainTimeout. Shutdown may be called
// without Start.
func (r *saberloopReceiver) Shutdown(ctx context.Context) error {
	if r.server == nil {
		return nil
	}
	// Further requests on open connections are answered 503.
	r.handler.stopping.Store(true)
	stop := r.connections.drain(r.drainTimeout)
	defer stop()
	if err := r.server.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("wait for requests: %w", err), r.server.Close())
	}
	select {
	case <-r.served:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for HTTP server: %w", ctx.Err())
	}
}
