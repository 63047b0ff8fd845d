// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlexporter

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configcompression"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/saberloop/otelcol-saberloop/internal/configtest"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/store"
)

// validConfigs are the accepted files with their changes to the defaults.
var validConfigs = map[string]func(*Config){
	"minimal": func(c *Config) {
		c.Directory = "/var/lib/telemetry"
	},
	"full": func(c *Config) {
		c.Directory = "./telemetry-data"
		c.Timezone = "Europe/Lisbon"
		c.Retention.Days, c.Retention.MaxBytes = 0, 10_000_000_000
		c.Sync, c.SyncInterval = store.SyncInterval, 200*time.Millisecond
		c.Compression = configcompression.TypeZstd
		c.MinFreeBytes = 100_000_000
		c.FileMode, c.DirectoryMode = 0o600, 0o700
		queue := exporterhelper.NewDefaultQueueConfig()
		queue.QueueSize = 10
		c.QueueConfig = configoptional.Some(queue)
		c.RetryConfig.Enabled = true
		c.RetryConfig.MaxElapsedTime = time.Hour
	},
	"empty_compression": func(c *Config) {
		c.Directory = "/var/lib/telemetry"
		c.Compression = ""
	},
	"queue_with_defaults": func(c *Config) {
		c.Directory = "/var/lib/telemetry"
		c.QueueConfig = configoptional.Some(exporterhelper.NewDefaultQueueConfig())
	},
	"modes_as_numbers": func(c *Config) {
		c.Directory = "/var/lib/telemetry"
		c.FileMode, c.DirectoryMode = 0o644, 0o755
	},
}

// invalidConfigs are the refused files with parts of the error.
var invalidConfigs = map[string][]string{
	"typo":                      {"invalid keys: retention_days"},
	"typo_in_retention":         {"invalid keys: day"},
	"no_directory":              {"directory: must be set"},
	"unknown_timezone":          {"timezone: ", "Europe/Lisboa"},
	"unknown_sync":              {`sync: must be commit, interval or none, not "always"`},
	"no_sync_interval":          {"sync_interval: "},
	"unknown_compression":       {"compression", `"brotli"`},
	"unsupported_compression":   {`compression: must be none, gzip or zstd, not "lz4"`},
	"negative_days":             {"retention", "days: "},
	"negative_max_bytes":        {"retention", "max_bytes: "},
	"negative_min_free_bytes":   {"min_free_bytes: "},
	"mode_not_octal":            {"file_mode", "octal"},
	"mode_in_decimal":           {"file_mode: "},
	"mode_unreadable":           {"file_mode: "},
	"directory_mode_unlistable": {"directory_mode: "},
	"several_faults":            {"directory: ", "sync: ", "compression: "},
}

func TestConfigFiles(t *testing.T) {
	t.Parallel()
	configtest.Run(t, NewFactory(), validConfigs, invalidConfigs)
}

func TestReadme(t *testing.T) {
	t.Parallel()
	configtest.CheckReadmeConfig(t, createDefaultConfig())
	configtest.CheckStatus(t, NewFactory())
}

func TestFileModeIsOctal(t *testing.T) {
	t.Parallel()
	text, err := FileMode(0o640).MarshalText()
	require.NoError(t, err)
	require.Equal(t, "0640", string(text))
	var mode FileMode
	require.NoError(t, mode.UnmarshalText(text))
	require.Equal(t, FileMode(0o640), mode)
}

// The configuration determines the options of the store.
func TestOptions(t *testing.T) {
	t.Parallel()
	cfg, err := configtest.Load[*Config](t, NewFactory(), "full")
	require.NoError(t, err)
	lisbon, err := time.LoadLocation("Europe/Lisbon")
	require.NoError(t, err)
	options, err := cfg.options()
	require.NoError(t, err)
	require.Equal(t, store.Options{
		Directory:    "./telemetry-data",
		Location:     lisbon,
		Sync:         store.SyncInterval,
		SyncInterval: 200 * time.Millisecond,
		Compression:  dayfile.Zstd,
		MaxBytes:     10_000_000_000,
		MinFreeBytes: 100_000_000,
		FileMode:     0o600,
		DirMode:      0o700,
	}, options)

	options, err = createDefaultConfig().(*Config).options()
	require.NoError(t, err)
	require.Equal(t, dayfile.Plain, options.Compression)
	require.Equal(t, 30, options.RetentionDays)
}
