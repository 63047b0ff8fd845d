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

	"github.com/saberloop/otelcol-saberloop/receiver/saberloopreceiver/internal/tokens"
)

// tokensInterval is the time between looks at tokens_file.
const tokensInterval = 2 * time.Second

// saberloopReceiver owns the HTTP server that the signals share.
type saberloopReceiver struct {
	cfg          *Config
	id           component.ID
	settings     component.TelemetrySettings
	telemetry    *telemetry
	pipelines    *pipelines
	now          func() time.Time
	drainTimeout time.Duration

	// Set by Start.
	handler     *handler
	connections *connections
	server      *http.Server
	state       *state
	// stop ends the goroutines in background.
	stop       context.CancelFunc
	background sync.WaitGroup
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
		id:           set.ID,
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
	limits, err := newLimits(r.cfg, r.now)
	if err != nil {
		return err
	}
	h, err := r.newHandler(ctx, host, limits)
	if err != nil {
		return err
	}
	state, err := openState(ctx, r.cfg, host, r.id, limits, r.settings.Logger)
	if err != nil {
		return err
	}
	listener, err := r.listen(ctx, host, h)
	if err != nil {
		return errors.Join(err, state.client.Close(ctx))
	}
	r.settings.Logger.Info("Starting HTTP server", zap.Stringer("endpoint", listener.Addr()))

	r.handler, r.state = h, state
	r.served = make(chan struct{})
	go r.serve(listener, host)
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	r.stop = stop
	r.background.Go(func() { h.tokens.Watch(background) })
	r.background.Go(func() { state.run(background) })
	return nil
}

// listen makes the server and its listener.
func (r *saberloopReceiver) listen(ctx context.Context, host component.Host, h *handler) (net.Listener, error) {
	cfg := r.cfg.ServerConfig
	// The handler does all three: confighttp would check them in another order,
	// not answer in JSON, and decode bodies while they arrive.
	cfg.CORS = configoptional.None[confighttp.CORSConfig]()
	cfg.Auth = configoptional.None[confighttp.AuthConfig]()
	cfg.CompressionAlgorithms = []string{}
	server, err := cfg.ToServer(ctx, host.GetExtensions(), r.settings, h)
	if err != nil {
		return nil, fmt.Errorf("create HTTP server: %w", err)
	}
	// "OPTIONS *" gets the answer for an unknown path.
	server.DisableGeneralOptionsHandler = true
	connections := newConnections(&r.cfg.Limits, h.limits.resolver.Trusts, r.telemetry.closedConnection)
	connections.limit(server, server.Handler)
	listener, err := cfg.ToListener(ctx)
	if err != nil {
		return nil, fmt.Errorf("listen on endpoint %q: %w", cfg.NetAddr.Endpoint, err)
	}
	r.connections, r.server = connections, server
	return connections.limiter.Listen(listener), nil
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

func (r *saberloopReceiver) newHandler(ctx context.Context, host component.Host, limits *limits) (*handler, error) {
	auth, err := newAuthenticator(ctx, r.cfg.ServerConfig.Auth.Get(), host)
	if err != nil {
		return nil, err
	}
	var fixed []string
	for _, t := range r.cfg.Tokens {
		fixed = append(fixed, string(t.Token))
	}
	store, err := tokens.Open(tokens.Config{
		Fixed:    fixed,
		File:     r.cfg.TokensFile,
		Interval: tokensInterval,
		Logger:   r.settings.Logger,
	})
	if err != nil {
		return nil, err
	}
	codings, err := newCodings(r.cfg.ServerConfig.CompressionAlgorithms)
	if err != nil {
		return nil, err
	}
	return &handler{
		paths:       r.cfg.Paths,
		crossOrigin: newCrossOrigin(r.cfg),
		tokens:      store,
		apps:        newApps(r.cfg),
		auth:        auth,
		maxBody:     r.cfg.ServerConfig.MaxRequestBodySize,
		codings:     codings,
		limits:      limits,
		pipelines:   r.pipelines,
		telemetry:   r.telemetry,
		logger:      r.settings.Logger,
		now:         r.now,
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
	stopDraining := r.connections.drain(r.drainTimeout)
	defer stopDraining()
	err := r.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("wait for requests: %w", err), r.server.Close())
	}
	select {
	case <-r.served:
	case <-ctx.Done():
		err = errors.Join(err, fmt.Errorf("wait for HTTP server: %w", ctx.Err()))
	}
	if r.state == nil {
		return err // the second time
	}
	r.stop()
	r.background.Wait()
	err = errors.Join(err, r.pipelines.workers.stop(ctx), r.state.close(ctx))
	r.state = nil
	return err
}
