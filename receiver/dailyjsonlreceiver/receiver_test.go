// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.uber.org/zap"
)

// perSignal runs a test for every signal, for all of them, and for both modes.
func perSignal(t *testing.T, run func(t *testing.T, g *rig)) {
	t.Helper()
	for name, pipelines := range map[string]rig{
		"logs":    {logs: consumertest.NewNop()},
		"traces":  {traces: consumertest.NewNop()},
		"metrics": {metrics: consumertest.NewNop()},
		"all":     {logs: consumertest.NewNop(), traces: consumertest.NewNop(), metrics: consumertest.NewNop()},
	} {
		for _, mode := range []Mode{ModeFollow, ModeOnce} {
			t.Run(name+" "+string(mode), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				put(t, dir, day22, logLine(1))
				cfg := onceConfig(dir)
				cfg.Mode = mode
				g := newRig(cfg)
				g.logs, g.traces, g.metrics = pipelines.logs, pipelines.traces, pipelines.metrics
				run(t, g)
			})
		}
	}
}

func TestShutdownWithoutStart(t *testing.T) {
	t.Parallel()
	perSignal(t, func(t *testing.T, g *rig) {
		g.create(t)
		require.NoError(t, g.shutdown(t))
	})
}

func TestStartAndShutdownTwice(t *testing.T) {
	t.Parallel()
	perSignal(t, func(t *testing.T, g *rig) {
		g.start(t)
		for _, c := range g.components {
			require.NoError(t, c.Start(t.Context(), g.host))
		}
		for range 2 {
			require.NoError(t, g.shutdown(t))
		}
		assert.Equal(t, 1, g.memory.closed)
	})
}

// noStorage is an extension that is not a storage extension.
type noStorage struct{ component.StartFunc }

func (noStorage) Shutdown(context.Context) error { return nil }

func TestStartErrorsNameTheKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "file", "")
	broken := newMemory()
	broken.fail(errors.New("locked by another process"))
	other := component.MustNewID("other")
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no directory":      {func(c *Config) { c.Directory = filepath.Join(dir, "none") }, "directory: "},
		"a file":            {func(c *Config) { c.Directory = filepath.Join(dir, "file") }, "directory: "},
		"no extension":      {func(c *Config) { id := component.MustNewID("none"); c.Storage = &id }, `storage: there is no extension "none"`},
		"another extension": {func(c *Config) { c.Storage = &other }, `storage: "other" is not a storage extension`},
		"storage fails":     {func(*Config) {}, "storage: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newRig(onceConfig(dir))
			g.host.extensions = map[component.ID]component.Component{storageID: broken, other: noStorage{}}
			g.logs = consumertest.NewNop()
			c.change(g.cfg)
			g.create(t)
			require.ErrorContains(t, g.components[0].Start(t.Context(), g.host), c.want)
			require.NoError(t, g.shutdown(t))
		})
	}
}

// The last of two receivers to finish ends the Collector.
func TestLastOfSeveralEndsTheCollector(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, day22, logLine(1))
	ended := make(chan struct{})
	factory := newFactory(func(ctx context.Context, _ component.Host) {
		close(ended) // It panics at a second call.
		<-ctx.Done()
	})
	held := make(chan struct{})
	slow := new(logSink)
	slow.respond = func([]int) error {
		<-held
		return nil
	}
	var receivers []component.Component
	for _, sink := range []*logSink{slow, new(logSink)} {
		cfg := onceConfig(dir)
		cfg.Storage = nil
		r, err := factory.CreateLogs(t.Context(), settings(zap.NewNop()), cfg, sink)
		require.NoError(t, err)
		receivers = append(receivers, r)
	}
	for _, r := range receivers {
		require.NoError(t, r.Start(t.Context(), componenttest.NewNopHost()))
	}
	<-receivers[1].(*sharedReceiver).Unwrap().done
	select {
	case <-ended:
		require.Fail(t, "the other receiver has not finished")
	default:
	}
	close(held)
	<-ended
	for _, r := range receivers {
		require.NoError(t, r.Shutdown(t.Context()))
	}
}

// A replay that is stopped does not end the Collector.
func TestStoppedBeforeTheEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, day22, logLines(1, 4))
	g := newRig(onceConfig(dir))
	g.cfg.MaxBatchLines = 1
	sink := new(logSink)
	taken := make(chan struct{})
	sink.respond = func(numbers []int) error {
		if numbers[0] == 2 {
			close(taken)
			<-g.components[0].(*sharedReceiver).Unwrap().replays[0].consuming.Done()
			return errors.New("aborted")
		}
		return nil
	}
	g.logs = sink
	g.start(t)
	<-taken
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = g.components[0].Shutdown(ctx) // Its context may end first.
	<-g.components[0].(*sharedReceiver).Unwrap().done
	assert.Equal(t, upTo(1, 1), sink.numbers())
	select {
	case <-g.ended:
		require.Fail(t, "the replay was not complete")
	default:
	}
}
