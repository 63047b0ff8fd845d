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

// document is a YAML file or an example in a Markdown file.
type document struct {
	// name is the file's path below the root. For an example it ends with the
	// example's number.
	name string
	text string
	keys map[string]any
}

// others lists the kinds of YAML that are not a collector's configuration.
// TestEveryYAMLIsKnown fails on any other, so that no configuration goes
// unchecked.
var others = map[string]func(document) bool{
	"Collector Builder":  func(d document) bool { return d.has("dist") },
	"component metadata": func(d document) bool { return strings.HasSuffix(d.name, "/metadata.yaml") },
	"golangci-lint":      func(d document) bool { return d.name == ".golangci.yaml" },
	// compose-go reads it in analysis/compose_test.go.
	"Docker Compose": func(d document) bool { return d.name == "docker-compose.telemetry.yml" },
	// Jaeger is a Collector with components that this one does not have.
	"Jaeger":  func(d document) bool { return d.name == "analysis/jaeger/jaeger.yaml" },
	"Grafana": func(d document) bool { return strings.HasPrefix(d.name, "analysis/grafana/provisioning/") },
	"Loki":    func(d document) bool { return d.name == "analysis/loki/loki.yaml" },
	"Prometheus": func(d document) bool {
		return d.name == "analysis/prometheus/prometheus.yml" || strings.HasPrefix(d.name, "deploy/prometheus/")
	},
	// The components' tests read these. Many are wrong on purpose.
	"component test data": func(d document) bool {
		return strings.Contains(d.name, "/testdata/") &&
			(strings.HasPrefix(d.name, "receiver/") || strings.HasPrefix(d.name, "exporter/") || strings.HasPrefix(d.name, "processor/"))
	},
}

// sections are the top-level keys of a collector's configuration.
var sections = []string{"connectors", "exporters", "extensions", "processors", "receivers", "service"}

func (d document) has(key string) bool {
	_, ok := d.keys[key]
	return ok
}

// other returns the kind of a document that is not a collector's configuration,
// if it is a known one.
func (d document) other() string {
	for kind, is := range others {
		if is(d) {
			return kind
		}
	}
	return ""
}

// isExample tells whether the document is in a Markdown file. It may show a part
// of a configuration.
func (d document) isExample() bool { return strings.Contains(d.name, ".md ") }

// isFragment tells whether the document has sections only.
func (d document) isFragment() bool {
	for key := range d.keys {
		if !slices.Contains(sections, key) {
			return false
		}
	}
	return len(d.keys) > 0
}

// isWhole tells whether a collector can start with the document.
func (d document) isWhole() bool {
	service, _ := d.keys["service"].(map[string]any)
	return d.isFragment() && service["pipelines"] != nil
}

// collectorDocuments returns the collector configurations.
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

// example is a fenced YAML block in Markdown.
var example = regexp.MustCompile("(?ms)^ *```ya?ml\n(.*?)^ *```")

// documents returns all YAML in the repository.
func documents(t *testing.T) []document {
	t.Helper()
	var found []document
	add := func(name, text string) {
		d := document{name: name, text: text}
		// A list or a scalar leaves keys empty.
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
			require.True(t, d.isFragment(), "%s: not a part of a collector's configuration, and not listed in others in %s", d.name, "find_test.go")
		default:
			require.True(t, d.isWhole(), "%s: not a collector's configuration, and not listed in others in %s", d.name, "find_test.go")
		}
	}
	require.Contains(t, names, "collector-config.yaml")
	require.Contains(t, names, "builder-config.yaml")
}
