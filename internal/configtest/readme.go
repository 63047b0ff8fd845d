// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package configtest

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.yaml.in/yaml/v3"
)

// CheckReadmeConfig compares the tables below the README's heading
// "Configuration" with the component's configuration. They start with the
// component's own keys, in the order of the struct; a section that is a struct
// of the component's package has a row per key, such as `retention::days`.
// Keys of squashed structs from other packages may follow.
func CheckReadmeConfig(tb testing.TB, cfg component.Config) {
	tb.Helper()
	t := reflect.TypeOf(cfg).Elem()
	own, squashed := configKeys(t, t.PkgPath(), "")
	rows := ReadmeKeys(tb, "Configuration")
	require.GreaterOrEqual(tb, len(rows), len(own), "README.md lacks a key: it has %q", rows)
	assert.Equal(tb, own, rows[:len(own)])
	for _, row := range rows[len(own):] {
		key, _, _ := strings.Cut(row, "::")
		assert.Contains(tb, squashed, key, "README.md has a key that does not exist")
	}
}

// configKeys returns the keys of a struct that belong to the package, and the
// top-level keys of structs from other packages that are squashed into it.
func configKeys(t reflect.Type, pkg, prefix string) (own, squashed []string) {
	for field := range t.Fields() {
		key, options, _ := strings.Cut(field.Tag.Get(confmap.MapstructureTag), ",")
		isOwnStruct := field.Type.Kind() == reflect.Struct && field.Type.PkgPath() == pkg
		switch {
		case options == "squash" && isOwnStruct:
			keys, further := configKeys(field.Type, pkg, prefix)
			own, squashed = append(own, keys...), append(squashed, further...)
		case options == "squash":
			keys, further := configKeys(field.Type, field.Type.PkgPath(), "")
			squashed = slices.Concat(squashed, topLevel(keys), further)
		case key == "" || key == "-":
		case isOwnStruct:
			keys, _ := configKeys(field.Type, pkg, prefix+key+"::")
			own = append(own, keys...)
		default:
			own = append(own, prefix+key)
		}
	}
	return own, squashed
}

func topLevel(keys []string) []string {
	var tops []string
	for _, key := range keys {
		top, _, _ := strings.Cut(key, "::")
		tops = append(tops, top)
	}
	return tops
}

// ReadmeKeys returns what the first column of the tables below a second-level
// heading of README.md has in backquotes.
func ReadmeKeys(tb testing.TB, heading string) []string {
	tb.Helper()
	_, section, found := strings.Cut(readme(tb), "\n## "+heading+"\n")
	require.True(tb, found, "README.md has no heading %q", heading)
	section, _, _ = strings.Cut(section, "\n## ")
	var keys []string
	for _, row := range tableRows(section) {
		if key, found := strings.CutPrefix(row[0], "`"); found {
			key, _, _ = strings.Cut(key, "`")
			keys = append(keys, key)
		}
	}
	return keys
}

// metadata is the part of metadata.yaml that is checked. The Collector's
// mdatagen documents the whole schema.
type metadata struct {
	Type   string
	Status struct {
		Class         string
		Stability     map[string][]string
		Distributions []string
	}
}

// CheckStatus compares metadata.yaml with the factory, and the table that the
// README opens with, below its title, with both:
//
//	| Status        |                               |
//	| ------------- | ----------------------------- |
//	| Stability     | [beta]: logs, traces, metrics |
//	| Distributions | [otelcol-saberloop]           |
//
// A connector's signals are spelled `traces_to_logs`.
func CheckStatus(tb testing.TB, factory component.Factory) {
	tb.Helper()
	text, err := os.ReadFile("metadata.yaml")
	require.NoError(tb, err)
	var meta metadata
	require.NoError(tb, yaml.Unmarshal(text, &meta))
	require.Equal(tb, factory.Type().String(), meta.Type, "type in metadata.yaml")
	require.NotEmpty(tb, meta.Status.Class, "status.class in metadata.yaml")
	require.NotEmpty(tb, meta.Status.Distributions, "status.distributions in metadata.yaml")

	levels := map[string]string{}
	want := [][]string{{"Status", ""}}
	for _, level := range stabilityLevels {
		signals := meta.Status.Stability[level]
		for _, signal := range signals {
			levels[signal] = level
		}
		if len(signals) > 0 {
			want = append(want, []string{"Stability", "[" + level + "]: " + strings.Join(signals, ", ")})
			require.Contains(tb, readme(tb), "\n["+level+"]: https://", "README.md does not say what the link points to")
		}
	}
	require.Equal(tb, factoryStability(factory), levels, "stability in metadata.yaml")

	want = append(want, []string{"Distributions", "[" + strings.Join(meta.Status.Distributions, "], [") + "]"})
	_, afterTitle, _ := strings.Cut(readme(tb), "\n\n")
	table, _, _ := strings.Cut(afterTitle, "\n\n")
	require.Equal(tb, want, tableRows(table), "table below the title of README.md")
}

// stabilityLevels are the levels in metadata.yaml, in the order of the README.
var stabilityLevels = []string{"unmaintained", "deprecated", "development", "alpha", "beta", "stable"}

// factoryStability returns the level that the factory declares per signal, from
// methods such as LogsStability and TracesToLogsStability.
func factoryStability(factory component.Factory) map[string]string {
	levels := map[string]string{}
	value := reflect.ValueOf(factory)
	for i := range value.NumMethod() {
		name, found := strings.CutSuffix(value.Type().Method(i).Name, "Stability")
		if !found {
			continue
		}
		level := value.Method(i).Call(nil)[0].Interface().(component.StabilityLevel)
		if level != component.StabilityLevelUndefined {
			signal := strings.ToLower(strings.ReplaceAll(name, "To", "_to_"))
			levels[signal] = strings.ToLower(level.String())
		}
	}
	return levels
}

func readme(tb testing.TB) string {
	tb.Helper()
	text, err := os.ReadFile("README.md")
	require.NoError(tb, err)
	return string(text)
}

// tableRows returns the cells of the Markdown tables in a text, without the
// lines of dashes.
func tableRows(text string) [][]string {
	var rows [][]string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") || strings.Trim(line, "|-: ") == "" {
			continue
		}
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		rows = append(rows, cells)
	}
	return rows
}
