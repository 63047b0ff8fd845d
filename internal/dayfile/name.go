// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dayfile

import (
	"path"
)

// Signal is a kind of telemetry, and the name of the folder that has its files.
type Signal string

// The signals that have day files.
const (
	Logs    Signal = "logs"
	Traces  Signal = "traces"
	Metrics Signal = "metrics"
)

// Signals returns all signals.
func Signals() []Signal { return []Signal{Logs, Traces, Metrics} }

// Valid reports whether s is one of the signals.
func (s Signal) Valid() bool { return s == Logs || s == Traces || s == Metrics }

// Form is how the lines of a day file are encoded.
type Form string

// The forms of a day file. Plain files are appended to; closed days are
// compressed.
const (
	Plain Form = ""
	Gzip  Form = "gzip"
	Zstd  Form = "zstd"
)

// Forms returns all forms, in the order in which the files of one day are read.
// Plain is last: it has the lines that arrived after the day was compressed.
func Forms() []Form { return []Form{Gzip, Zstd, Plain} }

func (f Form) suffix() string {
	switch f {
	case Gzip:
		return ".jsonl.gz"
	case Zstd:
		return ".jsonl.zst"
	default:
		return ".jsonl"
	}
}

// FileName returns the name of a day's file in the folder of its signal.
func FileName(day Day, form Form) string { return day.String() + form.suffix() }

// ParseFileName returns the day and the form of a file that FileName named. ok is
// false for any other name: that file is not a day file.
func ParseFileName(name string) (day Day, form Form, ok bool) {
	day, suffix, ok := cutDay(name)
	if !ok {
		return Day{}, Plain, false
	}
	for _, form := range Forms() {
		if suffix == form.suffix() {
			return day, form, true
		}
	}
	return Day{}, Plain, false
}

// Path returns the path of a day's file, relative to the directory.
func Path(signal Signal, day Day, form Form) string {
	return path.Join(string(signal), FileName(day, form))
}

// cutDay splits the date off the beginning of a file name.
func cutDay(name string) (day Day, rest string, ok bool) {
	if len(name) < len(dayForm) {
		return Day{}, "", false
	}
	day, err := ParseDay(name[:len(dayForm)])
	return day, name[len(dayForm):], err == nil
}
