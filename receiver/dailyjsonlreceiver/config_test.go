// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
)

// load reads a case's file as the Collector does.
func load(tb testing.TB, name string) (*Config, error) {
	tb.Helper()
	all, err := confmaptest.LoadConf(filepath.Join("testdata", "config", name+".yaml"))
	require.NoError(tb, err)
	conf, err := all.Sub(componentType.String())
	require.NoError(tb, err)
	cfg := createDefaultConfig().(*Config)
	return cfg, conf.Unmarshal(cfg)
}

// validConfigs are the files that are accepted, with what they change.
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
		c.Retry = RetryConfig{InitialInterval: 100 * time.Millisecond, MaxInterval: 5 * time.Minute}
	},
	"one_day": func(c *Config) {
		c.Directory = "telemetry-data"
		c.From, c.To = "2025-12-22", "2025-12-22"
	},
}

// invalidConfigs are the files that are refused, with what the error names.
var invalidConfigs = map[string][]string{
	"no_directory":    {"directory: "},
	"typo":            {"invalid keys: form"},
	"typo_in_retry":   {"invalid keys: interval"},
	"bad_from":        {`from: must be a day as 2025-12-22, not "yesterday"`},
	"impossible_day":  {`to: must be a day as 2025-12-22, not "2025-02-30"`},
	"time_of_day":     {"from: must be a day as 2025-12-22"},
	"to_before_from":  {"to: 2025-12-21 comes before from"},
	"unknown_mode":    {`mode: must be follow or once, not "forever"`},
	"clock_ahead":     {"clock: max_ahead: "},
	"retry_backwards": {"retry: max_interval: "},
	"zero_numbers": {
		"poll_interval: ", "progress_interval: ", "max_batch_lines: ", "max_batch_bytes: ", "max_line_bytes: ",
		"clock: max_behind: ", "retry: initial_interval: ",
	},
}

func TestValidConfigs(t *testing.T) {
	t.Parallel()
	for name, change := range validConfigs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := load(t, name)
			require.NoError(t, err)
			require.NoError(t, confmap.Validate(got))
			want := createDefaultConfig().(*Config)
			change(want)
			assert.Equal(t, want, got)
		})
	}
}

func TestInvalidConfigs(t *testing.T) {
	t.Parallel()
	for name, faults := range invalidConfigs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, err := load(t, name)
			if err == nil {
				err = confmap.Validate(cfg)
			}
			require.Error(t, err)
			for _, fault := range faults {
				assert.ErrorContains(t, err, fault)
			}
		})
	}
}

func TestEveryConfigFileIsTested(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir(filepath.Join("testdata", "config"))
	require.NoError(t, err)
	assert.Len(t, files, len(validConfigs)+len(invalidConfigs))
	for _, file := range files {
		name := strings.TrimSuffix(file.Name(), ".yaml")
		assert.True(t, validConfigs[name] != nil || invalidConfigs[name] != nil, name)
	}
}

func TestDefaultConfig(t *testing.T) {
	t.Parallel()
	cfg := createDefaultConfig()
	require.NoError(t, componenttest.CheckConfigStruct(cfg))
	require.ErrorContains(t, confmap.Validate(cfg), "directory: ", "nobody knows where")
	assert.NotSame(t, cfg, createDefaultConfig())
}
