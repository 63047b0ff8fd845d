// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package aslogsconnector

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/saberloop/otelcol-saberloop/internal/configtest"
)

func TestConfig(t *testing.T) {
	t.Parallel()
	require.NoError(t, componenttest.CheckConfigStruct(NewFactory().CreateDefaultConfig()))
	configtest.CheckStatus(t, NewFactory())
}

func TestLifecycle(t *testing.T) {
	t.Parallel()
	for name, create := range creators() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := create(t, consumertest.NewNop())
			require.NoError(t, c.Shutdown(t.Context()))
			c = create(t, consumertest.NewNop())
			require.NoError(t, c.Start(t.Context(), componenttest.NewNopHost()))
			require.NoError(t, c.consume(t))
			require.NoError(t, c.Shutdown(t.Context()))
			require.NoError(t, c.Shutdown(t.Context()))
		})
	}
}

func TestErrorsAreReturned(t *testing.T) {
	t.Parallel()
	want := errors.New("refused")
	for name, create := range creators() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.ErrorIs(t, create(t, consumertest.NewErr(want)).consume(t), want)
		})
	}
}

func TestEmptyDataIsNotSent(t *testing.T) {
	t.Parallel()
	sink := &consumertest.LogsSink{}
	c := &asLogs{next: sink}
	require.NoError(t, c.ConsumeTraces(t.Context(), ptrace.NewTraces()))
	require.NoError(t, c.ConsumeMetrics(t.Context(), pmetric.NewMetrics()))
	require.Empty(t, sink.AllLogs())
	require.False(t, c.Capabilities().MutatesData)
}

// created is a connector with a function that consumes some data.
type created struct {
	component.Component
	consume func(t *testing.T) error
}

func creators() map[string]func(t *testing.T, next consumer.Logs) created {
	factory := NewFactory()
	settings := connectortest.NewNopSettings(factory.Type())
	return map[string]func(t *testing.T, next consumer.Logs) created{
		"traces": func(t *testing.T, next consumer.Logs) created {
			c, err := factory.CreateTracesToLogs(t.Context(), settings, factory.CreateDefaultConfig(), next)
			require.NoError(t, err)
			return created{c, func(t *testing.T) error { return c.ConsumeTraces(t.Context(), someSpans()) }}
		},
		"metrics": func(t *testing.T, next consumer.Logs) created {
			c, err := factory.CreateMetricsToLogs(t.Context(), settings, factory.CreateDefaultConfig(), next)
			require.NoError(t, err)
			return created{c, func(t *testing.T) error { return c.ConsumeMetrics(t.Context(), someMetrics()) }}
		},
	}
}
