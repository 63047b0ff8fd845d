// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Command demodata writes a month of generated day files to try the analysis on:
//
//	go run ./cmd/demodata -directory demo-data
//
// The same seed and last day give the same files.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/demodata"
)

func main() {
	err := run(context.Background(), os.Args[1:], os.Stdout, os.Stderr, time.Now)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "demodata:", err)
		os.Exit(1)
	}
}

// run runs the command with these arguments.
func run(ctx context.Context, args []string, out, usage io.Writer, now func() time.Time) error {
	flags := flag.NewFlagSet("demodata", flag.ContinueOnError)
	flags.SetOutput(usage)
	directory := flags.String("directory", "demo-data", "directory of the files; it must not have day files")
	to := flags.String("to", "", "last day, such as 2025-12-22 (default yesterday)")
	days := flags.Int("days", 30, "number of days")
	sessions := flags.Int("sessions", 500, "sessions on a working day, about 25 entries each")
	seed := flags.Uint64("seed", 1, "seed of the random numbers")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unknown argument %q", flags.Arg(0))
	}

	last := dayfile.DayOf(now(), time.UTC).AddDays(-1)
	if *to != "" {
		var err error
		if last, err = dayfile.ParseDay(*to); err != nil {
			return fmt.Errorf("-to: must be a day such as 2025-12-22, not %q", *to)
		}
	}
	if *days <= 0 {
		return fmt.Errorf("-days: must be positive, not %d", *days)
	}
	if *sessions <= 0 {
		return fmt.Errorf("-sessions: must be positive, not %d", *sessions)
	}
	first, err := time.Parse(time.DateOnly, last.AddDays(1-*days).String())
	if err != nil {
		return fmt.Errorf("-days: %d days before %s are out of reach", *days, last)
	}

	month := demodata.Month{Seed: *seed, First: first, Days: *days, Sessions: *sessions}
	counts, err := write(ctx, month, *directory, now)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s: %d days to %s, %d logs, %d spans, %d metric points\n",
		*directory, *days, last, counts.Logs, counts.Traces, counts.Metrics)
	return err
}
