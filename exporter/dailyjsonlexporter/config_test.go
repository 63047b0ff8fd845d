// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlexporter

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
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
	"minimal": func(*Config) {},
	"full": func(c *Config) {
		c.Directory = "./telemetry-data"
		c.Timezone = "Europe/Lisbon"
		c.Retention.Days, c.Retention.MaxBytes = 0, 10_000_000_000
		c.Sync, c.SyncInterval = dayfile.SyncInterval, 200*time.Millisecond
		c.Compression = dayfile.Zstd
		c.MinFreeBytes = 100_000_000
		c.FileMode, c.DirectoryMode = 0o600, 0o700
		queue := exporterhelper.NewDefaultQueueConfig()
		queue.QueueSize = 10
		c.QueueConfig = configoptional.Some(queue)
		c.RetryConfig.Enabled = true
		c.RetryConfig.MaxElapsedTime = time.Hour
	},
	"queue_with_defaults": func(c *Config) {
		c.QueueConfig = configoptional.Some(exporterhelper.NewDefaultQueueConfig())
	},
	"modes_as_numbers": func(c *Config) {
		c.FileMode, c.DirectoryMode = 0o644, 0o755
	},
}

// invalidConfigs are the files that are refused, with what the error names.
var invalidConfigs = map[string][]string{
	"typo":                      {"invalid keys: retention_days"},
	"typo_in_retention":         {"invalid keys: day"},
	"no_directory":              {"directory: must be set"},
	"unknown_timezone":          {"timezone: ", "Europe/Lisboa"},
	"unknown_sync":              {`sync: must be commit, interval or none, not "always"`},
	"no_sync_interval":          {"sync_interval: "},
	"unknown_compression":       {`compression: must be none, gzip or zstd, not "brotli"`},
	"negative_days":             {"retention", "days: "},
	"negative_max_bytes":        {"retention", "max_bytes: "},
	"negative_min_free_bytes":   {"min_free_bytes: "},
	"mode_not_octal":            {"file_mode", "octal"},
	"mode_in_decimal":           {"file_mode: "},
	"mode_unreadable":           {"file_mode: "},
	"directory_mode_unlistable": {"directory_mode: "},
	"several_faults":            {"directory: ", "sync: ", "compression: "},
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
			want.Directory = "/var/lib/telemetry"
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
			for _, fault := range faults {
				require.ErrorContains(t, err, fault)
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

func TestConfigStruct(t *testing.T) {
	t.Parallel()
	require.NoError(t, componenttest.CheckConfigStruct(createDefaultConfig()))
}

func TestFileModeIsSpeltInOctal(t *testing.T) {
	t.Parallel()
	text, err := FileMode(0o640).MarshalText()
	require.NoError(t, err)
	require.Equal(t, "0640", string(text))
	var mode FileMode
	require.NoError(t, mode.UnmarshalText(text))
	require.Equal(t, FileMode(0o640), mode)
}

// What the configuration says is what the store is opened with.
func TestOptions(t *testing.T) {
	t.Parallel()
	cfg, err := load(t, "full")
	require.NoError(t, err)
	lisbon, err := time.LoadLocation("Europe/Lisbon")
	require.NoError(t, err)
	options, err := cfg.options()
	require.NoError(t, err)
	require.Equal(t, dayfile.Options{
		Directory:    "./telemetry-data",
		Location:     lisbon,
		Sync:         dayfile.SyncInterval,
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
