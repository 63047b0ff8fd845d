// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// memory is a storage extension that can be made to fail.
type memory struct {
	mu     sync.Mutex
	values map[string]string
	closed int
	// failing is the error of every method, if it is not nil.
	failing error
	// saved is called after every Set.
	saved func(key string)
}

var storageID = component.MustNewID("file_storage")

func newMemory() *memory { return &memory{values: map[string]string{}} }

func (m *memory) Start(context.Context, component.Host) error { return nil }
func (m *memory) Shutdown(context.Context) error              { return nil }

func (m *memory) GetClient(context.Context, component.Kind, component.ID, string) (storage.Client, error) {
	return m, m.failing
}

func (m *memory) Get(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.values[key]
	if !ok {
		return nil, m.failing
	}
	return []byte(value), m.failing
}

func (m *memory) Set(ctx context.Context, key string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := errors.Join(ctx.Err(), m.failing); err != nil {
		return err
	}
	m.values[key] = string(value)
	if m.saved != nil {
		m.saved(key)
	}
	return nil
}

func (m *memory) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.values, key)
	return m.failing
}

func (m *memory) Batch(context.Context, ...*storage.Operation) error { return m.failing }

func (m *memory) Close(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed++
	return nil
}

func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failing = err
}

func (m *memory) all() map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.values)
}

// testHost has extensions and records statuses.
type testHost struct {
	extensions map[component.ID]component.Component
	reported   chan *componentstatus.Event
}

func newHost(m *memory) *testHost {
	h := &testHost{reported: make(chan *componentstatus.Event, 100)}
	if m != nil {
		h.extensions = map[component.ID]component.Component{storageID: m}
	}
	return h
}

func (h *testHost) GetExtensions() map[component.ID]component.Component { return h.extensions }
func (h *testHost) Report(event *componentstatus.Event)                 { h.reported <- event }

// onceConfig is a configuration with the mode once.
func onceConfig(dir string) *Config {
	cfg := createDefaultConfig().(*Config)
	cfg.Directory, cfg.Mode = dir, ModeOnce
	cfg.Storage = &storageID
	return cfg
}

// retryConfig retries for an unlimited time.
func retryConfig(initialInterval, maxInterval time.Duration) configretry.BackOffConfig {
	cfg := createDefaultConfig().(*Config).RetryConfig
	cfg.InitialInterval, cfg.MaxInterval = initialInterval, maxInterval
	return cfg
}

// rig is a receiver and its environment.
type rig struct {
	cfg     *Config
	memory  *memory
	host    *testHost
	logs    consumer.Logs
	traces  consumer.Traces
	metrics consumer.Metrics

	telemetry *componenttest.Telemetry
	// pointBits is the size of the point counter. It is small by default, to
	// save time.
	pointBits  int
	logged     *observer.ObservedLogs
	ended      chan struct{} // closed when the receiver ends the Collector
	components []component.Component
}

func newRig(cfg *Config) *rig {
	m := newMemory()
	return &rig{cfg: cfg, memory: m, host: newHost(m), pointBits: 12}
}

// create creates a new receiver with the same storage.
func (g *rig) create(t testing.TB) {
	t.Helper()
	core, logged := observer.New(zapcore.DebugLevel)
	ended := make(chan struct{})
	g.logged, g.ended, g.components = logged, ended, nil
	factory := newFactory(func(ctx context.Context, _ component.Host) {
		close(ended)
		<-ctx.Done()
	})
	set := withTelemetry(settings(zap.New(core)), g.telemetry)
	if g.logs != nil {
		c, err := factory.CreateLogs(t.Context(), set, g.cfg, g.logs)
		require.NoError(t, err)
		g.components = append(g.components, c)
	}
	if g.traces != nil {
		c, err := factory.CreateTraces(t.Context(), set, g.cfg, g.traces)
		require.NoError(t, err)
		g.components = append(g.components, c)
	}
	if g.metrics != nil {
		c, err := factory.CreateMetrics(t.Context(), set, g.cfg, g.metrics)
		require.NoError(t, err)
		g.components = append(g.components, c)
	}
	if len(g.components) == 0 {
		return
	}
	for _, r := range g.receiver().replays {
		if points := r.sender.marker.points; points != nil {
			points.bits = g.pointBits
		}
	}
}

// receiver is the receiver that the components share.
func (g *rig) receiver() *dailyReceiver { return g.components[0].(*sharedReceiver).Unwrap() }

func settings(log *zap.Logger) receiver.Settings {
	set := receivertest.NewNopSettings(componentType)
	set.ID = component.NewID(componentType)
	set.Logger = log
	return set
}

// start creates and starts the receiver.
func (g *rig) start(t testing.TB) {
	t.Helper()
	g.create(t)
	for _, c := range g.components {
		require.NoError(t, c.Start(t.Context(), g.host))
	}
}

func (g *rig) shutdown(t testing.TB) (err error) {
	t.Helper()
	for _, c := range g.components {
		if e := c.Shutdown(context.WithoutCancel(t.Context())); e != nil {
			err = e
		}
	}
	return err
}

// replay runs the receiver until it ends the Collector.
func (g *rig) replay(t testing.TB) error {
	t.Helper()
	g.start(t)
	<-g.ended
	return g.shutdown(t)
}

// messages are the messages in the log.
func (g *rig) messages() []string {
	var all []string
	for _, entry := range g.logged.All() {
		all = append(all, entry.Message)
	}
	return all
}

// logLine is a line whose message is a number.
func logLine(n int) string {
	return fmt.Sprintf(`{"timestamp":"2025-12-22T10:00:00.%03dZ","level":"info","message":%d,"received_at":"2025-12-22T10:00:05Z"}`+"\n", n%1000, n)
}

func logLines(from, to int) string {
	var s strings.Builder
	for n := from; n <= to; n++ {
		s.WriteString(logLine(n))
	}
	return s.String()
}

// numbers are the messages of the records, in order.
func numbers(batches ...plog.Logs) []int {
	var all []int
	for _, ld := range batches {
		for _, rl := range ld.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, rec := range sl.LogRecords().All() {
					all = append(all, int(rec.Body().Int()))
				}
			}
		}
	}
	return all
}

func upTo(from, to int) []int {
	var all []int
	for n := from; n <= to; n++ {
		all = append(all, n)
	}
	return all
}

// put replaces a file atomically.
func put(t testing.TB, dir, name, content string) {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
	require.NoError(t, os.WriteFile(path+".new", []byte(content), 0o640))
	require.NoError(t, os.Rename(path+".new", path))
}

// extend appends to a file.
func extend(t testing.TB, dir, name, content string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(content)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

// logSink accepts logs, unless it is told otherwise.
type logSink struct {
	consumertest.LogsSink
	mu sync.Mutex
	// respond returns the error for a batch. nil accepts everything.
	respond func(numbers []int) error
	// hang makes it block until its context ends.
	hang bool
}

func (s *logSink) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	s.mu.Lock()
	respond, hang := s.respond, s.hang
	s.mu.Unlock()
	if hang {
		<-ctx.Done()
		return ctx.Err()
	}
	if respond != nil {
		if err := respond(numbers(ld)); err != nil {
			return err
		}
	}
	return s.LogsSink.ConsumeLogs(ctx, ld)
}

func (s *logSink) setRespond(respond func(numbers []int) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.respond = respond
}

func (s *logSink) numbers() []int { return numbers(s.AllLogs()...) }

// assertHas asserts that a message was logged.
func assertHas(t testing.TB, messages []string, want string) {
	t.Helper()
	assert.True(t, slices.Contains(messages, want), "%q is not among %q", want, messages)
}
