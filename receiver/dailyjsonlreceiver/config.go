// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
)

// Config is the configuration of the daily_jsonl receiver.
type Config struct {
	// Directory is where the folders logs, traces and metrics lie, as the
	// daily_jsonl exporter lays them out. It must be there when the receiver
	// starts; a folder of a signal may come later. Required.
	Directory string `mapstructure:"directory"`

	// From is the first day that is read, as 2025-12-22. Default: the oldest
	// there is.
	From string `mapstructure:"from"`

	// To is the last day that is read, as 2025-12-22. Default: the newest
	// there is, and with the mode follow those to come.
	To string `mapstructure:"to"`

	// Mode is follow or once. follow waits for files that grow and for new
	// ones; once ends the Collector when everything that is there was
	// delivered. Default: follow.
	Mode Mode `mapstructure:"mode"`

	// Storage is the storage extension that remembers what was delivered.
	// Without one the receiver starts at the beginning whenever it starts.
	// Default: none.
	Storage *component.ID `mapstructure:"storage"`

	// PollInterval is the time between two looks at the directory. It is
	// ignored with the mode once. Default: 1s.
	PollInterval time.Duration `mapstructure:"poll_interval"`

	// ProgressInterval is the time between two lines in the log that say how
	// far a replay is. It is ignored with the mode follow; 0 logs none.
	// Default: 10s.
	ProgressInterval time.Duration `mapstructure:"progress_interval"`

	// MaxBatchLines is how many lines at most are handed to the pipeline at
	// once. Default: 1000.
	MaxBatchLines int `mapstructure:"max_batch_lines"`

	// MaxBatchBytes is how many bytes of memory the lines of a batch take,
	// decoded and as estimated, from which on it is handed to the pipeline,
	// however few lines it has. All signals together have three times as much
	// for what is decoded and with the pipelines. Default: 4194304.
	MaxBatchBytes int `mapstructure:"max_batch_bytes"`

	// MaxLineBytes is how many bytes a line may have, its end included. A
	// longer one is reported as a bad line and kept out. Default: 2097152,
	// twice what the saberloop receiver takes in one batch.
	MaxLineBytes int `mapstructure:"max_line_bytes"`

	// IncludeFileName puts the name of an entry's day file, without the suffix
	// of a compressed one, on it as the attribute log.file.name.
	// Default: false.
	IncludeFileName bool `mapstructure:"include_file_name"`

	// IncludeFileRecordNumber puts the number of an entry's line in its day,
	// from 1 on, on it as the attribute log.file.record_number.
	// Default: false.
	IncludeFileRecordNumber bool `mapstructure:"include_file_record_number"`

	// IncludeOccurrence puts the attribute saberloop.occurrence on data points
	// that are not the first of their metric's name and millisecond in their
	// day file: 2 on the second, and so on. Default: false.
	IncludeOccurrence bool `mapstructure:"include_occurrence"`

	// Clock says when a client's clock is taken to be wrong.
	Clock ClockConfig `mapstructure:"clock"`

	// Retry says how long to wait before a batch that a pipeline could not
	// take for now is handed to it again. It is tried for as long as it
	// takes.
	Retry RetryConfig `mapstructure:"retry"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// ClockConfig bounds how far the time of an entry may be from its received_at.
// An entry beyond a bound is put at its received_at, and has the client's time
// as the attribute saberloop.client_time.
type ClockConfig struct {
	// MaxAhead is how much later than its received_at an entry may be; 0 is
	// no bound. Default: 0s.
	MaxAhead time.Duration `mapstructure:"max_ahead"`

	// MaxBehind is how much earlier than its received_at an entry may be; 0
	// is no bound. Default: 0s.
	MaxBehind time.Duration `mapstructure:"max_behind"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// RetryConfig is the waiting between tries: it doubles from the first interval
// to the longest, give or take a half of it.
type RetryConfig struct {
	// InitialInterval is the first wait. Default: 1s.
	InitialInterval time.Duration `mapstructure:"initial_interval"`

	// MaxInterval is the longest wait. Default: 30s.
	MaxInterval time.Duration `mapstructure:"max_interval"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// Mode is what the receiver does when it has delivered everything.
type Mode string

// The modes.
const (
	ModeFollow Mode = "follow"
	ModeOnce   Mode = "once"
)

var (
	_ component.Config    = (*Config)(nil)
	_ confmap.Validator   = (*Config)(nil)
	_ confmap.Validator   = (*ClockConfig)(nil)
	_ confmap.Validator   = (*RetryConfig)(nil)
	_ confmap.Unmarshaler = (*Config)(nil)
)

// Unmarshal reads the configuration. YAML takes a day that is not in quotes
// for a time.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	for _, key := range []string{"from", "to"} {
		t, ok := conf.Get(key).(time.Time)
		if !ok {
			continue
		}
		// What is no whole day is left for Validate to refuse.
		text := strings.TrimSuffix(t.Format(time.RFC3339), "T00:00:00Z")
		if err := conf.Merge(confmap.NewFromStringMap(map[string]any{key: text})); err != nil {
			return err
		}
	}
	return conf.Unmarshal(c)
}

// Validate judges the configuration; its errors name the key at fault.
func (c *Config) Validate() error {
	var errs []error
	if c.Directory == "" {
		errs = append(errs, errors.New("directory: must not be empty"))
	}
	first, last, err := c.days()
	if err == nil && last.Before(first) {
		err = fmt.Errorf("to: %s comes before from, %s", c.To, c.From)
	}
	errs = append(errs, err)
	if c.Mode != ModeFollow && c.Mode != ModeOnce {
		errs = append(errs, fmt.Errorf("mode: must be %s or %s, not %q", ModeFollow, ModeOnce, c.Mode))
	}
	if c.PollInterval <= 0 {
		errs = append(errs, fmt.Errorf("poll_interval: must be positive, not %s", c.PollInterval))
	}
	if c.ProgressInterval < 0 {
		errs = append(errs, fmt.Errorf("progress_interval: must not be negative, not %s", c.ProgressInterval))
	}
	if c.MaxBatchLines <= 0 {
		errs = append(errs, fmt.Errorf("max_batch_lines: must be positive, not %d", c.MaxBatchLines))
	}
	if c.MaxBatchBytes <= 0 {
		errs = append(errs, fmt.Errorf("max_batch_bytes: must be positive, not %d", c.MaxBatchBytes))
	}
	if c.MaxLineBytes <= 0 {
		errs = append(errs, fmt.Errorf("max_line_bytes: must be positive, not %d", c.MaxLineBytes))
	}
	return errors.Join(errs...)
}

// Validate judges the bounds; its errors name the key at fault.
func (c *ClockConfig) Validate() error {
	if c.MaxAhead < 0 {
		return fmt.Errorf("max_ahead: must not be negative, not %s", c.MaxAhead)
	}
	if c.MaxBehind < 0 {
		return fmt.Errorf("max_behind: must not be negative, not %s", c.MaxBehind)
	}
	return nil
}

// Validate judges the waiting; its errors name the key at fault.
func (c *RetryConfig) Validate() error {
	if c.InitialInterval <= 0 {
		return fmt.Errorf("initial_interval: must be positive, not %s", c.InitialInterval)
	}
	if c.MaxInterval < c.InitialInterval {
		return fmt.Errorf("max_interval: must not be shorter than initial_interval, %s", c.InitialInterval)
	}
	return nil
}

// days are the first and the last day that are asked for.
func (c *Config) days() (first, last dayfile.Day, err error) {
	first, last = dayfile.MinDay, dayfile.MaxDay
	var errs [2]error
	if c.From != "" {
		if first, errs[0] = dayfile.ParseDay(c.From); errs[0] != nil {
			errs[0] = fmt.Errorf("from: must be a day as 2025-12-22, not %q", c.From)
		}
	}
	if c.To != "" {
		if last, errs[1] = dayfile.ParseDay(c.To); errs[1] != nil {
			errs[1] = fmt.Errorf("to: must be a day as 2025-12-22, not %q", c.To)
		}
	}
	return first, last, errors.Join(errs[:]...)
}
