// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dayfile

import (
	"path"
)

// Signal is a kind of telemetry, and the name of the folder of its files.
type Signal string

// The signals that have day files.
const (
	Logs    Signal = "logs"
	Traces  Signal = "traces"
	Metrics Signal = "metrics"
)

// Signals are all of them, in the order in which files of one day are listed.
func Signals() []Signal { return []Signal{Logs, Traces, Metrics} }

// Valid reports whether s is one of the signals.
func (s Signal) Valid() bool { return s == Logs || s == Traces || s == Metrics }

// Form is how the lines of a day file are stored.
type Form string

// The forms of a day file. Plain files are appended to, the others hold days
// that are closed.
const (
	Plain Form = ""
	Gzip  Form = "gzip"
	Zstd  Form = "zstd"
)

// Forms are all of them, in the order in which the parts of one day are read:
// what was appended to a compressed day lies in a plain file beside it.
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

// FileName is what the file of a day is called inside its signal's folder.
func FileName(day Day, form Form) string { return day.String() + form.suffix() }

// ParseFileName tells what FileName was called with to get name. ok is false
// for every other name: such a file is nobody's day file.
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

// Path is the path of a day's file inside the directory.
func Path(signal Signal, day Day, form Form) string {
	return path.Join(string(signal), FileName(day, form))
}

// cutDay splits the date off the front of a file name.
func cutDay(name string) (day Day, rest string, ok bool) {
	if len(name) < len(dayForm) {
		return Day{}, "", false
	}
	day, err := ParseDay(name[:len(dayForm)])
	return day, name[len(dayForm):], err == nil
}
