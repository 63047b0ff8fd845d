// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
)

var firstCell = regexp.MustCompile("(?m)^\\| `([a-z_:]+)`")

// readmeTable is the first column of the table below a heading.
func readmeTable(tb testing.TB, heading string) []string {
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

// configKeys are the keys of a configuration, in the order of the struct.
func configKeys(t reflect.Type, prefix string) []string {
	var keys []string
	for field := range t.Fields() {
		key := field.Tag.Get(confmap.MapstructureTag)
		switch {
		case key == "":
		case field.Type.Kind() == reflect.Struct:
			keys = append(keys, configKeys(field.Type, prefix+key+"::")...)
		default:
			keys = append(keys, prefix+key)
		}
	}
	return keys
}

func TestReadmeHasTheConfiguration(t *testing.T) {
	t.Parallel()
	assert.Equal(t, configKeys(reflect.TypeFor[Config](), ""), readmeTable(t, "Configuration"))
}

func TestReadmeHasTheMetrics(t *testing.T) {
	t.Parallel()
	var want []string
	for _, m := range ownMetrics(t) {
		want = append(want, m.Name)
	}
	assert.ElementsMatch(t, want, readmeTable(t, "Metrics"))
}
