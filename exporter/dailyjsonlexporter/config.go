// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlexporter

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // Windows and small images have no time zones of their own.

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configcompression"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/store"
)

// compressionNone disables compression, as the empty string does.
const compressionNone configcompression.Type = "none"

// Config is the configuration of the daily_jsonl exporter.
type Config struct {
	// Directory holds the folders logs, traces and metrics. The exporter
	// creates and locks it, so that only one process uses it. It is required.
	Directory string `mapstructure:"directory"`

	// Timezone is the IANA name of the time zone that days are counted in. The
	// default is UTC.
	Timezone string `mapstructure:"timezone"`

	// Retention limits which day files are kept.
	Retention RetentionConfig `mapstructure:"retention"`

	// Sync is when lines become durable: "commit" before they are acknowledged,
	// "interval" every SyncInterval, "none" when the operating system writes
	// them. The default is "commit".
	Sync store.SyncMode `mapstructure:"sync"`

	// SyncInterval is the time between two syncs. The default is 1s. It is
	// ignored unless Sync is "interval".
	SyncInterval time.Duration `mapstructure:"sync_interval"`

	// Compression compresses the files of closed days with "gzip" or "zstd".
	// The default is "none".
	Compression configcompression.Type `mapstructure:"compression"`

	// MinFreeBytes is the number of bytes to leave free on the file system.
	// Data is refused while fewer are free. The default is 1048576, which is
	// enough to free space. 0 uses all space.
	MinFreeBytes int64 `mapstructure:"min_free_bytes"`

	// FileMode is the permissions of new files in octal, regardless of the
	// umask. The default is "0640". It is ignored on Windows.
	FileMode FileMode `mapstructure:"file_mode"`

	// DirectoryMode is the permissions of new directories in octal, regardless
	// of the umask. The default is "0750". It is ignored on Windows.
	DirectoryMode FileMode `mapstructure:"directory_mode"`

	// QueueConfig adds a queue. It is disabled by default and enabled by the
	// presence of the key. Data is then acknowledged before it is on disk.
	QueueConfig configoptional.Optional[exporterhelper.QueueBatchConfig] `mapstructure:"sending_queue"`

	// RetryConfig retries failed writes while the sender waits. It is disabled
	// by default: the sender gets the error and retries.
	RetryConfig configretry.BackOffConfig `mapstructure:"retry_on_failure"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// RetentionConfig limits which day files are kept. It is applied at start, when
// the day changes, and every hour.
type RetentionConfig struct {
	// Days is the number of days to keep before today. The default is 30. 0
	// keeps all.
	Days int `mapstructure:"days"`

	// MaxBytes is the maximum size of all files in bytes. The oldest closed days
	// are deleted if it is exceeded. The default is 0, which means no limit.
	MaxBytes int64 `mapstructure:"max_bytes"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// FileMode is the permissions of a file, written in octal.
type FileMode fs.FileMode

// UnmarshalText parses octal digits.
func (m *FileMode) UnmarshalText(text []byte) error {
	mode, err := strconv.ParseUint(string(text), 8, 32)
	if err != nil {
		return fmt.Errorf("must be octal digits, for example \"0640\": %w", err)
	}
	*m = FileMode(mode)
	return nil
}

// MarshalText formats octal digits.
func (m FileMode) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%04o", uint32(m)), nil
}

var (
	_ component.Config  = (*Config)(nil)
	_ confmap.Validator = (*Config)(nil)
	_ confmap.Validator = (*RetentionConfig)(nil)
)

// Validate checks the configuration.
func (c *Config) Validate() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if strings.TrimSpace(c.Directory) == "" {
		fault("directory: must be set")
	}
	if _, err := time.LoadLocation(c.Timezone); err != nil {
		fault("timezone: must be an IANA name, for example Europe/Lisbon: %w", err)
	}
	switch c.Sync {
	case store.SyncCommit, store.SyncInterval, store.SyncNone:
	default:
		fault("sync: must be commit, interval or none, not %q", c.Sync)
	}
	if c.Sync == store.SyncInterval && c.SyncInterval <= 0 {
		fault("sync_interval: must be positive, not %s", c.SyncInterval)
	}
	switch c.Compression {
	case "", compressionNone, configcompression.TypeGzip, configcompression.TypeZstd:
	default:
		fault("compression: must be none, gzip or zstd, not %q", c.Compression)
	}
	if c.MinFreeBytes < 0 {
		fault("min_free_bytes: must not be negative")
	}
	// The exporter must be able to read its files and list its directories.
	if c.FileMode&^0o777 != 0 || c.FileMode&0o600 != 0o600 {
		fault("file_mode: must be permissions with read and write for the owner, for example \"0640\"")
	}
	if c.DirectoryMode&^0o777 != 0 || c.DirectoryMode&0o700 != 0o700 {
		fault("directory_mode: must be permissions with read, write and execute for the owner, for example \"0750\"")
	}
	return errors.Join(errs...)
}

// Validate checks the configuration.
func (c *RetentionConfig) Validate() error {
	var errs []error
	if c.Days < 0 {
		errs = append(errs, errors.New("days: must not be negative"))
	}
	if c.MaxBytes < 0 {
		errs = append(errs, errors.New("max_bytes: must not be negative"))
	}
	return errors.Join(errs...)
}

// options returns the options of the store.
func (c *Config) options() (store.Options, error) {
	location, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return store.Options{}, fmt.Errorf("timezone: %w", err)
	}
	form := dayfile.Plain
	if c.Compression.IsCompressed() {
		form = dayfile.Form(c.Compression)
	}
	return store.Options{
		Directory:     c.Directory,
		Location:      location,
		Sync:          c.Sync,
		SyncInterval:  c.SyncInterval,
		Compression:   form,
		RetentionDays: c.Retention.Days,
		MaxBytes:      c.Retention.MaxBytes,
		MinFreeBytes:  uint64(c.MinFreeBytes),
		FileMode:      fs.FileMode(c.FileMode),
		DirMode:       fs.FileMode(c.DirectoryMode),
	}, nil
}
