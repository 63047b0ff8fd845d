// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// environment has the variables for which configurations have no default.
var environment = map[string]string{
	"TELEMETRY_TOKEN": "test-token",
}

// frame completes a part of a configuration. The collector validates every
// component, whether it is in a pipeline or not.
const frame = `
service: { pipelines: { logs/frame: { receivers: [otlp/frame], exporters: [nop/frame] } } }
receivers: { otlp/frame: { protocols: { http: {} } } }
exporters: { nop/frame: {} }
`

// neighbours are components that examples use without configuring them.
var neighbours = map[string]map[string]string{
	"receivers": {"saberloop": "{ tokens: [test-token] }"},
	"exporters": {"daily_jsonl": "{ directory: telemetry-data }"},
}

// bases maps a configuration to the one that it is merged into.
var bases = map[string]string{
	"analysis/collector/forward.yaml":        "analysis/collector/import.yaml",
	"analysis/collector/watch.yaml":          "analysis/collector/import.yaml",
	"analysis/collector/without-jaeger.yaml": "analysis/collector/import.yaml",
}

func TestEveryConfigurationIsValid(t *testing.T) {
	t.Parallel()
	for _, d := range collectorDocuments(t) {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			env := requiredEnvironment(t, d)
			configs := []string{d.text}
			if base, ok := bases[d.name]; ok {
				text, err := os.ReadFile(filepath.Join(root, base))
				require.NoError(t, err)
				configs = []string{string(text), d.text}
			}
			if d.isExample() {
				configs = append([]string{frame}, configs...)
				for section, components := range neighbours {
					own, _ := d.keys[section].(map[string]any)
					for name, settings := range components {
						if _, ok := own[name]; !ok {
							configs = append(configs, section+": { "+name+": "+settings+" }")
						}
					}
				}
			}
			out, err := validate(t, env, configs...)
			require.NoError(t, err, out)
		})
	}
}

func TestWrongKeysAreFound(t *testing.T) {
	t.Parallel()
	// TestEveryConfigurationIsValid relies on this for components outside of
	// pipelines.
	out, err := validate(t, nil, frame, "exporters: { daily_jsonl/unused: { no_such_key: x } }")
	require.Error(t, err)
	require.Contains(t, out, "no_such_key")
}

func TestServerConfigurationNeedsAToken(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "collector-config.yaml"))
	require.NoError(t, err)
	out, err := validate(t, nil, string(text))
	require.Error(t, err)
	require.Contains(t, out, "tokens")

	out, err = validate(t, []string{"TELEMETRY_TOKEN="}, string(text))
	require.Error(t, err)
	require.Contains(t, out, "tokens")

	// The old token alone is enough.
	out, err = validate(t, []string{"TELEMETRY_TOKEN=", "TELEMETRY_TOKEN_OLD=test-token"}, string(text))
	require.NoError(t, err, out)

	// A token of digits is still a string.
	out, err = validate(t, []string{"TELEMETRY_TOKEN=0123456789"}, string(text))
	require.NoError(t, err, out)
}

// reference is ${env:NAME} or ${env:NAME:-default}.
var reference = regexp.MustCompile(`\$\{env:(\w+)(?::-([^}]*))?\}`)

// requiredEnvironment returns the variables that d needs.
func requiredEnvironment(t *testing.T, d document) []string {
	t.Helper()
	var env []string
	for _, match := range reference.FindAllStringSubmatch(d.text, -1) {
		if strings.Contains(match[0], ":-") {
			continue
		}
		value, ok := environment[match[1]]
		require.True(t, ok, "%s: %s has no default and no value in %s", d.name, match[0], "validate_test.go")
		env = append(env, match[1]+"="+value)
	}
	return env
}

// validate runs the binary's validate on the merged configs, in an empty
// directory.
func validate(t *testing.T, env []string, configs ...string) (string, error) {
	t.Helper()
	binary, err := filepath.Abs(filepath.Join(root, "_build", "otelcol-saberloop"))
	require.NoError(t, err)
	require.FileExists(t, binary, "run `make build` first")

	cmd := exec.CommandContext(t.Context(), binary, "validate")
	cmd.Dir = t.TempDir()
	// Not nil: that would be the environment of this process.
	cmd.Env = append([]string{}, env...)
	for i, config := range configs {
		name := filepath.Join(cmd.Dir, string(rune('a'+i))+".yaml")
		require.NoError(t, os.WriteFile(name, []byte(config), 0o600))
		cmd.Args = append(cmd.Args, "--config="+name)
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestListensOnlyOnThisMachine(t *testing.T) {
	t.Parallel()
	listened := 0
	for _, d := range collectorDocuments(t) {
		// The endpoints of exporters and processors are other servers'.
		for _, section := range []string{"receivers", "extensions", "service"} {
			walk(d.keys[section], func(key, value string) {
				host := reference.ReplaceAllString(value, "$2")
				switch key {
				case "endpoint":
					var err error
					host, _, err = net.SplitHostPort(host)
					require.NoError(t, err, "%s: %s: %s", d.name, key, value)
				case "host":
				default:
					return
				}
				listened++
				require.Contains(t, []string{"localhost", "127.0.0.1", "::1"}, host, "%s: %s: %s", d.name, key, value)
			})
		}
	}
	require.NotZero(t, listened)
}

// walk calls visit for every scalar below node, with its key.
func walk(node any, visit func(key, value string)) {
	switch node := node.(type) {
	case map[string]any:
		for key, value := range node {
			if text, ok := value.(string); ok {
				visit(key, text)
			}
			walk(value, visit)
		}
	case []any:
		for _, value := range node {
			walk(value, visit)
		}
	}
}
