// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package config checks every collector configuration in this repository,
// including the examples in Markdown files, with the real binary's `validate`.
package config

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// root is the repository, seen from this package.
const root = "../.."

// document is one YAML document: a file, or an example in a page.
type document struct {
	// name is the file's path, from the repository's root; an example's has its
	// number added.
	name string
	text string
	keys map[string]any
}

// others says what the YAML is that configures no collector. What is neither
// that nor one of these fails TestEveryYAMLIsKnown, so that no configuration
// goes unchecked because it was not recognised.
var others = map[string]func(document) bool{
	"Collector Builder": func(d document) bool { return d.has("dist") },
	"golangci-lint":     func(d document) bool { return d.name == ".golangci.yaml" },
	// compose-go reads it in analysis/compose_test.go.
	"Docker Compose": func(d document) bool { return d.name == "docker-compose.telemetry.yml" },
	// Jaeger is a collector, too, of components that this one lacks.
	"Jaeger":     func(d document) bool { return d.name == "analysis/jaeger/jaeger.yaml" },
	"Grafana":    func(d document) bool { return strings.HasPrefix(d.name, "analysis/grafana/provisioning/") },
	"Loki":       func(d document) bool { return d.name == "analysis/loki/loki.yaml" },
	"Prometheus": func(d document) bool { return d.name == "analysis/prometheus/prometheus.yml" },
	// Components' own tests read them, and many are wrong on purpose.
	"component test data": func(d document) bool {
		return strings.Contains(d.name, "/testdata/") &&
			(strings.HasPrefix(d.name, "receiver/") || strings.HasPrefix(d.name, "exporter/"))
	},
}

// sections are the keys that a collector's configuration is made of.
var sections = []string{"connectors", "exporters", "extensions", "processors", "receivers", "service"}

func (d document) has(key string) bool {
	_, ok := d.keys[key]
	return ok
}

// other returns what d is instead of a collector's configuration, if it is known.
func (d document) other() string {
	for kind, is := range others {
		if is(d) {
			return kind
		}
	}
	return ""
}

// isExample is for what is in a page, and may show a part of a configuration.
func (d document) isExample() bool { return strings.Contains(d.name, ".md ") }

// isFragment is for documents of nothing but sections.
func (d document) isFragment() bool {
	for key := range d.keys {
		if !slices.Contains(sections, key) {
			return false
		}
	}
	return len(d.keys) > 0
}

// isWhole is for what a collector can be started with.
func (d document) isWhole() bool {
	service, _ := d.keys["service"].(map[string]any)
	return d.isFragment() && service["pipelines"] != nil
}

// collectorDocuments returns the documents that configure a collector.
func collectorDocuments(t *testing.T) []document {
	t.Helper()
	var found []document
	for _, d := range documents(t) {
		if d.other() == "" && d.isFragment() {
			found = append(found, d)
		}
	}
	return found
}

// example is a fenced block of YAML in a page.
var example = regexp.MustCompile("(?ms)^ *```ya?ml\n(.*?)^ *```")

// documents returns all YAML in the repository.
func documents(t *testing.T) []document {
	t.Helper()
	var found []document
	add := func(name, text string) {
		d := document{name: name, text: text}
		// A list or a scalar leaves keys empty: no collector's configuration.
		_ = yaml.Unmarshal([]byte(text), &d.keys)
		found = append(found, d)
	}

	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			switch entry.Name() {
			case ".git", ".cache", "_build", "node_modules", "telemetry-data":
				return filepath.SkipDir
			}
			return nil
		}
		ext := filepath.Ext(path)
		if ext != ".yaml" && ext != ".yml" && ext != ".md" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if ext != ".md" {
			add(name, string(text))
			return nil
		}
		for i, match := range example.FindAllStringSubmatch(string(text), -1) {
			add(fmt.Sprintf("%s example %d", name, i+1), match[1])
		}
		return nil
	}))
	return found
}

func TestEveryYAMLIsKnown(t *testing.T) {
	t.Parallel()
	var names []string
	for _, d := range documents(t) {
		names = append(names, d.name)
		switch {
		case d.other() != "":
		case d.isExample():
			require.True(t, d.isFragment(), "%s: neither a part of a collector's configuration nor one of the others in %s", d.name, "find_test.go")
		default:
			require.True(t, d.isWhole(), "%s: neither a collector's configuration nor one of the others in %s", d.name, "find_test.go")
		}
	}
	require.Contains(t, names, "collector-config.yaml")
	require.Contains(t, names, "builder-config.yaml")
}
