// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

func TestWorkersRunEverythingAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorkers()
		for range 3 { // with new workers, and with idle ones
			const jobs = maxIdleWorkers + 10
			var started atomic.Int32
			release := make(chan struct{})
			var wait sync.WaitGroup
			for range jobs {
				w.run(&wait, func() {
					started.Add(1)
					<-release
				})
			}
			synctest.Wait()
			require.EqualValues(t, jobs, started.Load())
			close(release)
			wait.Wait()
			synctest.Wait()
			require.EqualValues(t, maxIdleWorkers, w.idle.Load())
		}
		require.NoError(t, w.stop(t.Context()))
	})
}
