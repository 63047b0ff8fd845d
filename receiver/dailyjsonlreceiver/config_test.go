// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/saberloop/otelcol-saberloop/internal/configtest"
)

// validConfigs are the valid files and their difference from the defaults.
var validConfigs = map[string]func(*Config){
	"minimal": func(c *Config) {
		c.Directory = "telemetry-data"
	},
	"full": func(c *Config) {
		storage := component.MustNewIDWithName("file_storage", "positions")
		c.Directory = "/srv/telemetry"
		c.From, c.To = "2025-12-01", "2025-12-22"
		c.Mode = ModeOnce
		c.Storage = &storage
		c.PollInterval, c.ProgressInterval = 5*time.Second, time.Minute
		c.MaxBatchLines, c.MaxBatchBytes, c.MaxLineBytes = 5000, 2<<20, 8<<20
		c.IncludeFileName, c.IncludeFileRecordNumber, c.IncludeOccurrence = true, true, true
		c.Clock = ClockConfig{MaxAhead: 5 * time.Minute, MaxBehind: 168 * time.Hour}
		c.RetryConfig = retryConfig(100*time.Millisecond, 5*time.Minute)
		c.RetryConfig.Multiplier, c.RetryConfig.MaxElapsedTime = 1.5, time.Hour
	},
	"one_day": func(c *Config) {
		c.Directory = "telemetry-data"
		c.From, c.To = "2025-12-22", "2025-12-22"
	},
}

// invalidConfigs are the invalid files and texts in their errors.
var invalidConfigs = map[string][]string{
	"no_directory":    {"directory: "},
	"typo":            {"invalid keys: form"},
	"typo_in_retry":   {"invalid keys: interval"},
	"renamed_retry":   {"retry: was renamed to retry_on_failure"},
	"bad_from":        {`from: must be a day such as 2025-12-22, not "yesterday"`},
	"impossible_day":  {`to: must be a day such as 2025-12-22, not "2025-02-30"`},
	"time_of_day":     {"from: must be a day such as 2025-12-22"},
	"to_before_from":  {"to: must not be before from"},
	"unknown_mode":    {`mode: must be follow or once, not "forever"`},
	"clock_ahead":     {"clock: max_ahead: "},
	"retry_backwards": {"retry_on_failure::max_interval: "},
	"zero_numbers": {
		"poll_interval: ", "progress_interval: ", "max_batch_lines: ", "max_batch_bytes: ", "max_line_bytes: ",
		"clock: max_behind: ", "retry_on_failure::initial_interval: ", "retry_on_failure::multiplier: ",
	},
}

func TestConfigFiles(t *testing.T) {
	t.Parallel()
	configtest.Run(t, NewFactory(), validConfigs, invalidConfigs)
}

func TestStatus(t *testing.T) {
	t.Parallel()
	configtest.CheckStatus(t, NewFactory())
}

func TestReadmeHasTheConfiguration(t *testing.T) {
	t.Parallel()
	configtest.CheckReadmeConfig(t, createDefaultConfig())
}

func TestDefaultConfig(t *testing.T) {
	t.Parallel()
	cfg := createDefaultConfig()
	require.ErrorContains(t, confmap.Validate(cfg), "directory: ")
	assert.NotSame(t, cfg, createDefaultConfig())
}
