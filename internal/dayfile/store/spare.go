// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"strconv"
	"strings"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
)

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
)

func tornName(name string, n int) string { return name + tornInfix + strconv.Itoa(n) }

// parseTornName tells the day of a file made by tornName.
func parseTornName(name string) (dayfile.Day, bool) {
	base, number, found := strings.Cut(name, tornInfix)
	if !found {
		return dayfile.Day{}, false
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || tornName(base, n) != name {
		return dayfile.Day{}, false
	}
	day, form, ok := dayfile.ParseFileName(base)
	return day, ok && form == dayfile.Plain
}

// parseSpareName tells the day and form of the compressed file whose name
// precedes suffix, which is tempSuffix or swapSuffix.
func parseSpareName(name, suffix string) (dayfile.Day, dayfile.Form, bool) {
	base, found := strings.CutSuffix(name, suffix)
	day, form, ok := dayfile.ParseFileName(base)
	return day, form, found && ok && form != dayfile.Plain
}
