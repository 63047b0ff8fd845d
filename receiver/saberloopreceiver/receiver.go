// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
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
	cfg       *Config
	settings  component.TelemetrySettings
	telemetry *telemetry
	pipelines *pipelines
	now       func() time.Time

	// Set by Start.
	handler *handler
	server  *http.Server
	serving sync.WaitGroup
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
		cfg:       cfg,
		settings:  set.TelemetrySettings,
		telemetry: telemetry,
		pipelines: newPipelines(obsrep, set.Logger),
		now:       time.Now,
	}, nil
}

// Start listens and serves until Shutdown. A server that dies before is
// reported as a fatal error: the Collector then ends, and whoever looks after
// the process can start it again.
func (r *saberloopReceiver) Start(ctx context.Context, host component.Host) error {
	h, err := r.newHandler(ctx, host)
	if err != nil {
		return err
	}

	cfg := r.cfg.ServerConfig
	// These two are the handler's business: confighttp would answer in another
	// order, and not in JSON.
	cfg.CORS = configoptional.None[confighttp.CORSConfig]()
	cfg.Auth = configoptional.None[confighttp.AuthConfig]()
	opts := append(decoders(cfg.CompressionAlgorithms), confighttp.WithErrorHandler(h.serveUndecodable))
	server, err := cfg.ToServer(ctx, host.GetExtensions(), r.settings, h, opts...)
	if err != nil {
		return fmt.Errorf("make HTTP server: %w", err)
	}
	server.Handler = lingering(server.Handler)
	// "OPTIONS *" is one more path that is not ours.
	server.DisableGeneralOptionsHandler = true

	listener, err := cfg.ToListener(ctx)
	if err != nil {
		return fmt.Errorf("listen on endpoint %q: %w", cfg.NetAddr.Endpoint, err)
	}
	r.settings.Logger.Info("Starting HTTP server", zap.Stringer("endpoint", listener.Addr()))

	r.handler, r.server = h, server
	r.serving.Go(func() { r.serve(listener, host) })
	return nil
}

// serve returns when the server is shut down, or has died.
func (r *saberloopReceiver) serve(listener net.Listener, host component.Host) {
	if err := r.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		componentstatus.ReportStatus(host, componentstatus.NewFatalErrorEvent(fmt.Errorf("serve HTTP: %w", err)))
	}
}

func (r *saberloopReceiver) newHandler(ctx context.Context, host component.Host) (*handler, error) {
	h := &handler{
		paths:       r.cfg.Paths,
		crossOrigin: newCrossOrigin(r.cfg.ServerConfig.CORS.Get()),
		tokens:      newTokens(r.cfg.Tokens),
		maxBody:     r.cfg.ServerConfig.MaxRequestBodySize,
		decoder: &entry.BatchDecoder{
			ServiceName:        r.cfg.ServiceName,
			ResourceAttributes: r.cfg.ResourceAttributes,
			MaxDepth:           r.cfg.MaxDepth,
		},
		pipelines: r.pipelines,
		telemetry: r.telemetry,
		logger:    r.settings.Logger,
		now:       r.now,
	}
	if auth := r.cfg.ServerConfig.Auth.Get(); auth != nil {
		server, err := auth.Config.GetServerAuthenticator(ctx, host.GetExtensions())
		if err != nil {
			return nil, fmt.Errorf("auth: %w", err)
		}
		h.auth, h.authParams = server, auth.RequestParameters
	}
	return h, nil
}

// Shutdown stops listening and waits for the requests that are being answered
// for as long as ctx allows. It may be called without Start.
func (r *saberloopReceiver) Shutdown(ctx context.Context) error {
	if r.server == nil {
		return nil
	}
	// What still arrives on open connections is sent away, to come again.
	r.handler.stopping.Store(true)
	err := r.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("wait for requests: %w", err), r.server.Close())
	}
	r.serving.Wait()
	return err
}
