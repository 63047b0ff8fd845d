// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package privacyprocessor

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"

	"github.com/saberloop/otelcol-saberloop/internal/readmetest"
)

func TestLoadConfig(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		keys map[string]any
		want func(*Config)
	}{
		"nothing": {map[string]any{}, func(*Config) {}},
		"all": {map[string]any{
			"dry_run":                  true,
			"rules":                    map[string]any{"email": false},
			"secret_keys":              []any{"pin"},
			"url_attributes":           []any{},
			"allowed_query_parameters": []any{"id"},
			"patterns":                 []any{map[string]any{"name": "n", "regex": "r", "replacement": "x"}},
		}, func(cfg *Config) {
			cfg.DryRun = true
			cfg.Rules.Email = false
			cfg.SecretKeys = []string{"pin"}
			cfg.URLAttributes = []string{}
			cfg.AllowedQueryParameters = []string{"id"}
			cfg.Patterns = []PatternConfig{{Name: "n", Regex: "r", Replacement: "x"}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := createDefaultConfig().(*Config)
			tc.want(want)
			got := createDefaultConfig()
			require.NoError(t, confmap.NewFromStringMap(tc.keys).Unmarshal(got))
			require.Equal(t, want, got)
			require.NoError(t, want.Validate())
		})
	}
}

func TestWrongKeyIsAnError(t *testing.T) {
	t.Parallel()
	for _, keys := range []map[string]any{
		{"dryrun": true},
		{"rules": map[string]any{"emails": true}},
		{"patterns": []any{map[string]any{"pattern": "x"}}},
	} {
		require.Error(t, confmap.NewFromStringMap(keys).Unmarshal(createDefaultConfig()))
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		change func(*Config)
		err    string
	}{
		{func(cfg *Config) { cfg.SecretKeys = []string{"pin", ""} }, `secret_keys::1: "" has no letter or digit`},
		{func(cfg *Config) { cfg.URLAttributes = []string{"_."} }, `url_attributes::0: "_." has no letter or digit`},
		{func(cfg *Config) { cfg.Patterns = []PatternConfig{{Regex: "x"}} }, "patterns::0::name: must not be empty"},
		{func(cfg *Config) { cfg.Patterns = []PatternConfig{{Name: "email", Regex: "x"}} }, `patterns::0::name: "email" is another rule's name`},
		{func(cfg *Config) { cfg.Patterns = []PatternConfig{{Name: "a", Regex: "x"}, {Name: "a", Regex: "y"}} }, `patterns::1::name: "a" is another rule's name`},
		{func(cfg *Config) { cfg.Patterns = []PatternConfig{{Name: "a", Regex: "("}} }, "patterns::0::regex: error parsing regexp"},
		{func(cfg *Config) { cfg.Patterns = []PatternConfig{{Name: "a"}} }, "patterns::0::regex: must not match the empty string"},
		{func(cfg *Config) { cfg.Patterns = []PatternConfig{{Name: "a", Regex: "x*"}} }, "patterns::0::regex: must not match the empty string"},
	} {
		cfg := createDefaultConfig().(*Config)
		require.NoError(t, cfg.Validate())
		tc.change(cfg)
		require.ErrorContains(t, cfg.Validate(), tc.err)
	}
}

// keysOf are the keys of a struct, those of structs within behind theirs.
func keysOf(of reflect.Type) (keys []string) {
	for field := range of.Fields() {
		key := field.Tag.Get(confmap.MapstructureTag)
		if within := field.Type; within.Kind() == reflect.Struct {
			for _, sub := range keysOf(within) {
				keys = append(keys, key+"::"+sub)
			}
			continue
		}
		keys = append(keys, key)
	}
	return keys
}

// TestReadmeHasTheConfiguration holds the tables to the keys, in the order of
// the structs.
func TestReadmeHasTheConfiguration(t *testing.T) {
	t.Parallel()
	want := keysOf(reflect.TypeFor[Config]())
	for _, key := range keysOf(reflect.TypeFor[PatternConfig]()) {
		want = append(want, "patterns::"+key)
	}
	require.Equal(t, want, readmetest.Table(t, "Configuration"))
}

// TestReadmeHasTheDefaults holds the lists in the README to the defaults.
func TestReadmeHasTheDefaults(t *testing.T) {
	t.Parallel()
	cfg := createDefaultConfig().(*Config)
	text := readmetest.Text(t)
	for _, list := range [][]string{cfg.SecretKeys, cfg.URLAttributes, cfg.AllowedQueryParameters} {
		var quoted []string
		for _, name := range list {
			quoted = append(quoted, fmt.Sprintf("`%s`", name))
		}
		require.Contains(t, text, strings.Join(quoted, ", "))
	}
	for _, name := range ruleNames {
		require.Contains(t, text, "| `rules::"+name+"` |")
	}
}
