// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package readmetest lets tests hold a component's README to its code.
package readmetest

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var firstCell = regexp.MustCompile("(?m)^\\| `([a-z_:]+)`")

// Table returns the first column of the tables that README.md, in the folder
// of the package under test, has below a heading.
func Table(tb testing.TB, heading string) []string {
	tb.Helper()
	readme, err := os.ReadFile("README.md")
	require.NoError(tb, err)
	_, section, found := strings.Cut(string(readme), "\n## "+heading+"\n")
	require.True(tb, found)
	section, _, _ = strings.Cut(section, "\n## ")
	var cells []string
	for _, match := range firstCell.FindAllStringSubmatch(section, -1) {
		cells = append(cells, match[1])
	}
	return cells
}
