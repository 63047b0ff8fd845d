// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
)

// A signal that the Collector misses while it starts is followed by another one.
func TestEndCollectorRepeatsTheSignal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*signalInterval-1)
		defer cancel()
		signals := 0
		end(ctx, newHost(nil), func() error {
			signals++
			return nil
		})
		assert.Equal(t, 10, signals)
	})
}

// Without signals, a fatal status ends the Collector, but not before every
// component had time to start.
func TestEndCollectorWithoutSignals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		host := newHost(nil)
		start := time.Now()
		done := make(chan struct{})
		go func() {
			defer close(done)
			end(ctx, host, func() error { return errors.New("not supported by windows") })
		}()
		event := <-host.reported
		assert.Equal(t, startGrace, time.Since(start))
		assert.Equal(t, componentstatus.StatusFatalError, event.Status())
		require.ErrorIs(t, event.Err(), errFinished)
		cancel()
		<-done
	})
}

// A receiver that is shut down in the meantime reports nothing.
func TestEndCollectorIsCanceled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), startGrace-1)
		defer cancel()
		host := newHost(nil)
		end(ctx, host, func() error { return errors.New("not supported by windows") })
		synctest.Wait()
		assert.Empty(t, host.reported)
	})
}
