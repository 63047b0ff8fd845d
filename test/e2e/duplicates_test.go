// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// Every batch is sent 200 times over 32 connections at once, half of them with a
// batchId. Each is in the files once, and every sending is acknowledged.
func TestDuplicates(t *testing.T) {
	t.Parallel()
	const batches, sendings, connections = 40, 200, 32
	c := harness.Start(t, harness.Options{})
	queue := make(chan int)
	var all sync.WaitGroup
	var mu sync.Mutex
	first := map[int]int{}
	for range connections {
		all.Go(func() {
			for n := range queue {
				body := fmt.Sprintf(`{"logs":[{"message":"%d","sessionId":"s"}],"traces":[{"name":"%[1]d"}]}`, n)
				if n%2 == 0 {
					body = fmt.Sprintf(`{"batchId":"batch-%d",%s`, n, body[1:])
				}
				answer, err := c.Post(http.DefaultClient, []byte(body))
				if err != nil || answer.Status != 200 {
					t.Error(answer, err)
					continue
				}
				if !strings.Contains(string(answer.Body), `"duplicate":true`) {
					mu.Lock()
					first[n]++
					mu.Unlock()
				}
			}
		})
	}
	for i := range batches * sendings {
		queue <- i % batches
	}
	close(queue)
	all.Wait()
	for n := range batches {
		require.Equal(t, 1, first[n], n)
	}
	require.Len(t, (&harness.Reader{Directory: c.Directory}).Next(t), 2*batches)
}
