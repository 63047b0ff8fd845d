// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"strconv"
	"strings"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
)

// Names of files that the store keeps next to a day file.
const (
	// tornInfix and a number follow the name of a day file whose torn last line was
	// set aside, as in 2025-12-22.jsonl.torn-1.
	tornInfix = ".torn-"
	// tempSuffix follows the name of a compressed file that is being written.
	tempSuffix = ".tmp"
	// swapSuffix follows the name of a compressed file that is replacing the plain
	// one. See swap.
	swapSuffix = ".swap"
	// probeName is the file that Open creates to check that it can.
	probeName = ".probe"
)

func tornName(name string, n int) string { return name + tornInfix + strconv.Itoa(n) }

// parseTornName returns the day of a file that tornName named.
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

// parseSpareName returns the day and the form of a compressed file whose name is
// followed by suffix, which is tempSuffix or swapSuffix.
func parseSpareName(name, suffix string) (dayfile.Day, dayfile.Form, bool) {
	base, found := strings.CutSuffix(name, suffix)
	day, form, ok := dayfile.ParseFileName(base)
	return day, form, found && ok && form != dayfile.Plain
}
