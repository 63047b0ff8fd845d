// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dayfile

import (
	"path"
	"strconv"
	"strings"
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

func (s Signal) valid() bool { return s == Logs || s == Traces || s == Metrics }

// Form is how the lines of a day file are stored.
type Form string

// The forms of a day file. Plain files are appended to, the others hold days
// that are closed.
const (
	Plain Form = ""
	Gzip  Form = "gzip"
	Zstd  Form = "zstd"
)

// forms are all of them, in the order in which the parts of one day are read:
// what was appended to a compressed day lies in a plain file beside it.
func forms() []Form { return []Form{Gzip, Zstd, Plain} }

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
	for _, form := range forms() {
		if suffix == form.suffix() {
			return day, form, true
		}
	}
	return Day{}, Plain, false
}

// Files that the store keeps next to a day file. They too are named in this
// file alone.
const (
	// tornInfix and a number follow the name of a day file whose torn last
	// line was set aside, as in 2025-12-22.jsonl.torn-1.
	tornInfix = ".torn-"
	// tempSuffix follows the name of a compressed file that is being made.
	tempSuffix = ".tmp"
	// swapSuffix follows the name of a compressed file that is just taking
	// the place of the plain one. See swap.
	swapSuffix = ".swap"
	// probeName is the file by which Open sees whether it may make files.
	probeName = ".probe"
	// lockName is the file in the top directory that is locked by whoever
	// appends. It is never removed: a removed lock could be held twice.
	lockName = ".lock"
)

// filePath is the path of a day's file inside the directory.
func filePath(signal Signal, day Day, form Form) string {
	return path.Join(string(signal), FileName(day, form))
}

func tornName(name string, n int) string { return name + tornInfix + strconv.Itoa(n) }

// parseTornName tells the day of a file made by tornName.
func parseTornName(name string) (Day, bool) {
	base, number, found := strings.Cut(name, tornInfix)
	if !found {
		return Day{}, false
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || tornName(base, n) != name {
		return Day{}, false
	}
	day, form, ok := ParseFileName(base)
	return day, ok && form == Plain
}

// parseSpareName tells the day and form of the compressed file whose name
// precedes suffix, which is tempSuffix or swapSuffix.
func parseSpareName(name, suffix string) (Day, Form, bool) {
	base, found := strings.CutSuffix(name, suffix)
	day, form, ok := ParseFileName(base)
	return day, form, found && ok && form != Plain
}

// cutDay splits the date off the front of a file name.
func cutDay(name string) (day Day, rest string, ok bool) {
	if len(name) < len(dayForm) {
		return Day{}, "", false
	}
	day, err := ParseDay(name[:len(dayForm)])
	return day, name[len(dayForm):], err == nil
}
