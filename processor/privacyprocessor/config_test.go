// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package privacyprocessor

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/configtest"
)

// validConfigs are the files that are accepted, with what they change.
var validConfigs = map[string]func(*Config){
	"minimal": func(*Config) {},
	"full": func(c *Config) {
		c.DryRun = true
		c.Rules.Email, c.Rules.Card = false, false
		c.SecretKeys = []string{"pin"}
		c.URLAttributes = []string{}
		c.AllowedQueryParameters = []string{"id", "quiz"}
		c.Patterns = []PatternConfig{
			{Name: "student_id", Regex: `\bS\d{8}\b`},
			{Name: "street", Regex: `(?i)\w+ street`, Replacement: "a street"},
		}
	},
}

// invalidConfigs are the files that are refused, with what the error names.
var invalidConfigs = map[string][]string{
	"typo":                 {"invalid keys: dryrun"},
	"typo_in_rules":        {"invalid keys: emails"},
	"typo_in_pattern":      {"invalid keys: pattern"},
	"empty_secret_key":     {`secret_keys::1: "" has no letter or digit`},
	"empty_url_attribute":  {`url_attributes::0: "_." has no letter or digit`},
	"pattern_without_name": {"patterns::0::name: must not be empty"},
	"name_of_a_rule":       {`patterns::0::name: "email" is the name of another rule`},
	"name_twice":           {`patterns::1::name: "a" is the name of another rule`},
	"bad_regex":            {"patterns::0::regex: error parsing regexp: missing closing )"},
	"no_regex":             {"patterns::0::regex: must not match the empty string"},
	"regex_of_nothing":     {"patterns::0::regex: must not match the empty string"},
	"several_faults":       {"secret_keys::0", "patterns::0::name", "patterns::0::regex"},
}

func TestConfigFiles(t *testing.T) {
	t.Parallel()
	configtest.Run(t, NewFactory(), validConfigs, invalidConfigs)
}

func TestReadmeHasTheConfiguration(t *testing.T) {
	t.Parallel()
	configtest.CheckReadmeConfig(t, createDefaultConfig())
	require.Equal(t, []string{"name", "regex", "replacement"}, configtest.ReadmeKeys(t, "Patterns"))
}

func TestStatus(t *testing.T) {
	t.Parallel()
	configtest.CheckStatus(t, NewFactory())
}

// TestReadmeHasTheDefaults compares the lists in the README with the defaults.
func TestReadmeHasTheDefaults(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	cfg := createDefaultConfig().(*Config)
	for _, list := range [][]string{cfg.SecretKeys, cfg.URLAttributes, cfg.AllowedQueryParameters} {
		require.Contains(t, string(text), "`"+strings.Join(list, "`, `")+"`")
	}
	require.Equal(t, ruleNames[:], configtest.ReadmeKeys(t, "Rules"))
}
