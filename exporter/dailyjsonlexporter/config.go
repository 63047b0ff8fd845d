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
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/store"
)

// compressionNone is how the configuration spells dayfile.Plain.
const compressionNone dayfile.Form = "none"

// Config is the configuration of the daily_jsonl exporter.
type Config struct {
	// Directory is where the folders logs, traces and metrics lie. It is
	// made when there is none, and locked, so that one process uses it. It
	// has no default.
	Directory string `mapstructure:"directory"`

	// Timezone is the IANA name of the time zone in which days are counted.
	// The default is UTC.
	Timezone string `mapstructure:"timezone"`

	// Retention says which day files are deleted.
	Retention RetentionConfig `mapstructure:"retention"`

	// Sync is when lines are made durable: "commit" before they are
	// acknowledged, "interval" every SyncInterval, "none" when the system
	// likes. The default is "commit".
	Sync store.SyncMode `mapstructure:"sync"`

	// SyncInterval is the time between two syncs, 1s by default. It is
	// ignored unless Sync is "interval".
	SyncInterval time.Duration `mapstructure:"sync_interval"`

	// Compression is the form that the files of closed days get: "gzip",
	// "zstd" or "none", which is the default.
	Compression dayfile.Form `mapstructure:"compression"`

	// MinFreeBytes is how many bytes of the file system are left free: with
	// fewer, data is refused until there is space again. 0 refuses nothing.
	// The default is 1048576, room enough for clearing up; raise it where
	// others need the same disk.
	MinFreeBytes int64 `mapstructure:"min_free_bytes"`

	// FileMode is the permissions of new files, in octal digits, whatever the
	// umask is. They are "0640" by default, and ignored on Windows.
	FileMode FileMode `mapstructure:"file_mode"`

	// DirectoryMode is the permissions of new directories, likewise. They are
	// "0750" by default, and ignored on Windows.
	DirectoryMode FileMode `mapstructure:"directory_mode"`

	// QueueConfig puts a queue in front of the files. It is off by default
	// and on as soon as the key is there: data is acknowledged then before it
	// is on disk.
	QueueConfig configoptional.Optional[exporterhelper.QueueBatchConfig] `mapstructure:"sending_queue"`

	// RetryConfig tries again what could not be written for now. It is off
	// by default, because who sent the data is told and tries again.
	RetryConfig configretry.BackOffConfig `mapstructure:"retry_on_failure"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// RetentionConfig says which day files are deleted: at the start, when the day
// changes, and every hour.
type RetentionConfig struct {
	// Days is how many days before today are kept, 30 by default. 0 keeps
	// all.
	Days int `mapstructure:"days"`

	// MaxBytes is how many bytes all files may take together before the
	// oldest closed days are deleted. The default, 0, is no limit.
	MaxBytes int64 `mapstructure:"max_bytes"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// FileMode is the permission bits of a file, spelt in octal digits.
type FileMode fs.FileMode

// UnmarshalText reads octal digits.
func (m *FileMode) UnmarshalText(text []byte) error {
	mode, err := strconv.ParseUint(string(text), 8, 32)
	if err != nil {
		return fmt.Errorf("permissions are octal digits, as \"0640\": %w", err)
	}
	*m = FileMode(mode)
	return nil
}

// MarshalText writes octal digits.
func (m FileMode) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%04o", uint32(m)), nil
}

var (
	_ component.Config  = (*Config)(nil)
	_ confmap.Validator = (*Config)(nil)
	_ confmap.Validator = (*RetentionConfig)(nil)
)

// Validate judges the configuration.
func (c *Config) Validate() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if strings.TrimSpace(c.Directory) == "" {
		fault("directory: must be set")
	}
	if _, err := time.LoadLocation(c.Timezone); err != nil {
		fault("timezone: must be an IANA name, as Europe/Lisbon: %w", err)
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
	case compressionNone, dayfile.Gzip, dayfile.Zstd:
	default:
		fault("compression: must be none, gzip or zstd, not %q", c.Compression)
	}
	if c.MinFreeBytes < 0 {
		fault("min_free_bytes: must not be negative")
	}
	// Who writes the files must be able to read and list them, too.
	if c.FileMode&^0o777 != 0 || c.FileMode&0o600 != 0o600 {
		fault("file_mode: must be permissions that let the owner read and write, as \"0640\"")
	}
	if c.DirectoryMode&^0o777 != 0 || c.DirectoryMode&0o700 != 0o700 {
		fault("directory_mode: must be permissions that let the owner do everything, as \"0750\"")
	}
	return errors.Join(errs...)
}

// Validate judges the configuration.
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

// options are the settings of the store that the configuration asks for.
func (c *Config) options() (store.Options, error) {
	location, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return store.Options{}, fmt.Errorf("timezone: %w", err)
	}
	compression := c.Compression
	if compression == compressionNone {
		compression = dayfile.Plain
	}
	return store.Options{
		Directory:     c.Directory,
		Location:      location,
		Sync:          c.Sync,
		SyncInterval:  c.SyncInterval,
		Compression:   compression,
		RetentionDays: c.Retention.Days,
		MaxBytes:      c.Retention.MaxBytes,
		MinFreeBytes:  uint64(c.MinFreeBytes),
		FileMode:      fs.FileMode(c.FileMode),
		DirMode:       fs.FileMode(c.DirectoryMode),
	}, nil
}
