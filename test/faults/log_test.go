// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package faults

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// While the disk is full, the log of the collector does not grow with the number
// of requests, and it has no stack traces.
func TestLogOnFullDisk(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{Config: "exporters: {daily_jsonl: {min_free_bytes: 4611686018427387904}}"})
	before := c.Log(t)
	const requests = 500
	for range requests {
		require.Equal(t, 503, c.MustPost(t, []byte(`{"logs":[{}],"traces":[{}],"metrics":[{}]}`)).Status)
	}
	log := strings.TrimPrefix(c.Log(t), before)
	assert.NotContains(t, log, "\n\t", "stack trace")
	// The change of the state and one refusal, for each signal.
	assert.LessOrEqual(t, strings.Count(log, "\n"), 2*3, "%s", log)
	assert.Contains(t, log, "Cannot append to day files")
}
