// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/confmap"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
)

// Config is the configuration of the daily_jsonl receiver.
type Config struct {
	// Directory contains the folders logs, traces and metrics that the
	// daily_jsonl exporter writes. It must exist when the receiver starts; the
	// folders may be created later. It is required.
	Directory string `mapstructure:"directory"`

	// From is the first day to read, such as 2025-12-22. The default is the
	// oldest day.
	From string `mapstructure:"from"`

	// To is the last day to read, such as 2025-12-22. The default is the newest
	// day. With the mode follow, days that are added later count, too.
	To string `mapstructure:"to"`

	// Mode is follow or once. follow keeps reading new lines and new files. once
	// ends the Collector when every line was sent. The default is follow.
	Mode Mode `mapstructure:"mode"`

	// Storage is the storage extension that keeps the positions. By default
	// there is none, and every start reads from the beginning.
	Storage *component.ID `mapstructure:"storage"`

	// PollInterval is the time between two looks for new lines. It is ignored
	// with the mode once. The default is 1s.
	PollInterval time.Duration `mapstructure:"poll_interval"`

	// ProgressInterval is the time between two log lines about the progress. It
	// is ignored with the mode follow. 0 turns them off. The default is 10s.
	ProgressInterval time.Duration `mapstructure:"progress_interval"`

	// MaxBatchLines is the maximum number of lines in a batch. The default is
	// 1000.
	MaxBatchLines int `mapstructure:"max_batch_lines"`

	// MaxBatchBytes is the estimated memory of decoded lines, in bytes, at which
	// a batch ends before it has MaxBatchLines. The default is 4194304.
	MaxBatchBytes int `mapstructure:"max_batch_bytes"`

	// MaxLineBytes is the maximum length of a line in bytes, with its end.
	// Longer lines are skipped as bad lines. The default is 2097152, the longest
	// line that the daily_jsonl exporter writes.
	MaxLineBytes int `mapstructure:"max_line_bytes"`

	// IncludeFileName adds the attribute log.file.name to every entry: the name
	// of its day file, without the suffix of a compressed one. The default is
	// false.
	IncludeFileName bool `mapstructure:"include_file_name"`

	// IncludeFileRecordNumber adds the attribute log.file.record_number to every
	// entry: the number of its line in its day, from 1. The default is false.
	IncludeFileRecordNumber bool `mapstructure:"include_file_record_number"`

	// IncludeOccurrence adds the attribute saberloop.occurrence to every data
	// point that has the metric name and millisecond of an earlier one of its
	// day: 2 on the second, and so on. The default is false.
	IncludeOccurrence bool `mapstructure:"include_occurrence"`

	// Clock limits how wrong the clock of a client may be.
	Clock ClockConfig `mapstructure:"clock"`

	// RetryConfig is the waiting before a batch is sent again that the pipeline
	// failed to accept. A batch that is given up counts as refused for good. The
	// storage and the directory are retried with the same intervals and never
	// given up. Retries are enabled by default and start with 1s, which doubles
	// up to 30s, for an unlimited time.
	RetryConfig configretry.BackOffConfig `mapstructure:"retry_on_failure"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// ClockConfig limits how far the time of an entry may be from its received_at.
// An entry beyond a limit gets its received_at as time, and the client's time as
// the attribute saberloop.client_time.
type ClockConfig struct {
	// MaxAhead is how much later than its received_at an entry may be. The
	// default, 0s, is no limit.
	MaxAhead time.Duration `mapstructure:"max_ahead"`

	// MaxBehind is how much earlier than its received_at an entry may be. The
	// default, 0s, is no limit.
	MaxBehind time.Duration `mapstructure:"max_behind"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// Mode is what the receiver does when it has sent every line.
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
	_ confmap.Unmarshaler = (*Config)(nil)
)

// Unmarshal reads the configuration. It accepts days without quotes, which YAML
// reads as times.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	if conf.IsSet("retry") {
		return errors.New("retry: was renamed to retry_on_failure")
	}
	for _, key := range []string{"from", "to"} {
		t, ok := conf.Get(key).(time.Time)
		if !ok {
			continue
		}
		// Validate rejects what is not a whole day.
		text := strings.TrimSuffix(t.Format(time.RFC3339), "T00:00:00Z")
		if err := conf.Merge(confmap.NewFromStringMap(map[string]any{key: text})); err != nil {
			return err
		}
	}
	return conf.Unmarshal(c)
}

// Validate checks the configuration.
func (c *Config) Validate() error {
	var errs []error
	if c.Directory == "" {
		errs = append(errs, errors.New("directory: must not be empty"))
	}
	first, last, err := c.days()
	if err == nil && last.Before(first) {
		err = fmt.Errorf("to: must not be before from, %s, but is %s", c.From, c.To)
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
	// The storage is always retried. Without a wait that would be a busy loop.
	if c.RetryConfig.InitialInterval <= 0 {
		errs = append(errs, fmt.Errorf("retry_on_failure::initial_interval: must be positive, not %s", c.RetryConfig.InitialInterval))
	}
	if c.RetryConfig.MaxInterval < c.RetryConfig.InitialInterval {
		errs = append(errs, fmt.Errorf("retry_on_failure::max_interval: must not be shorter than initial_interval, %s", c.RetryConfig.InitialInterval))
	}
	if c.RetryConfig.Multiplier < 1 {
		errs = append(errs, fmt.Errorf("retry_on_failure::multiplier: must be at least 1, not %g", c.RetryConfig.Multiplier))
	}
	return errors.Join(errs...)
}

// Validate checks the limits.
func (c *ClockConfig) Validate() error {
	if c.MaxAhead < 0 {
		return fmt.Errorf("max_ahead: must not be negative, not %s", c.MaxAhead)
	}
	if c.MaxBehind < 0 {
		return fmt.Errorf("max_behind: must not be negative, not %s", c.MaxBehind)
	}
	return nil
}

// days returns the first and the last day to read.
func (c *Config) days() (first, last dayfile.Day, err error) {
	first, last = dayfile.MinDay, dayfile.MaxDay
	var errs [2]error
	if c.From != "" {
		if first, errs[0] = dayfile.ParseDay(c.From); errs[0] != nil {
			errs[0] = fmt.Errorf("from: must be a day such as 2025-12-22, not %q", c.From)
		}
	}
	if c.To != "" {
		if last, errs[1] = dayfile.ParseDay(c.To); errs[1] != nil {
			errs[1] = fmt.Errorf("to: must be a day such as 2025-12-22, not %q", c.To)
		}
	}
	return first, last, errors.Join(errs[:]...)
}
