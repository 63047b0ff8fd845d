// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRoundsBeginTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r rounds
		var begun atomic.Int32
		sync := func(takes time.Duration) {
			r.enter()
			begun.Add(1)
			<-time.After(takes)
			r.leave()
		}
		go sync(time.Second)
		synctest.Wait()
		require.EqualValues(t, 1, begun.Load(), "nobody to wait for")
		go sync(time.Second)
		go sync(3 * time.Second)
		synctest.Wait()
		require.EqualValues(t, 1, begun.Load(), "the first round is under way")
		<-time.After(1100 * time.Millisecond)
		synctest.Wait()
		require.EqualValues(t, 3, begun.Load(), "both of the second round")
		go sync(time.Second)
		<-time.After(2 * time.Second)
		synctest.Wait()
		require.EqualValues(t, 3, begun.Load(), "one of the second round is not done")
		<-time.After(time.Second)
		synctest.Wait()
		require.EqualValues(t, 4, begun.Load())
		<-time.After(2 * time.Second)
		go sync(0)
		synctest.Wait()
		require.EqualValues(t, 5, begun.Load(), "nothing is left over")
	})
}
