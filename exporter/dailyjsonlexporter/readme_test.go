// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlexporter

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

// TestReadmeHasTheConfiguration holds the table to the keys, in the order of
// the struct.
func TestReadmeHasTheConfiguration(t *testing.T) {
	t.Parallel()
	var keys []string
	for field := range reflect.TypeFor[Config]().Fields() {
		key := field.Tag.Get(confmap.MapstructureTag)
		switch {
		case key == "":
		case field.Type == reflect.TypeFor[RetentionConfig]():
			for sub := range field.Type.Fields() {
				if subKey := sub.Tag.Get(confmap.MapstructureTag); subKey != "" {
					keys = append(keys, key+"::"+subKey)
				}
			}
		default:
			keys = append(keys, key)
		}
	}
	assert.Equal(t, keys, readmeTable(t, "Configuration"))
}

func TestReadmeHasTheMetrics(t *testing.T) {
	t.Parallel()
	e, telemetry, _ := measured(t, testConfig(t))
	happen(t, e)
	var want []string
	for name := range ownMetrics(t, telemetry) {
		want = append(want, name)
	}
	assert.ElementsMatch(t, want, readmeTable(t, "Metrics"))
}
