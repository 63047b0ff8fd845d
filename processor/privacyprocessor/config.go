// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package privacyprocessor

import (
	"errors"
	"fmt"
	"regexp"
)

// Config is the configuration of the privacy processor.
type Config struct {
	// DryRun counts what would be masked and changes nothing. The default is
	// false.
	DryRun bool `mapstructure:"dry_run"`
	// Rules switches the built-in rules.
	Rules RulesConfig `mapstructure:"rules"`
	// SecretKeys are the names of attributes, map keys and assignments in text
	// whose values are masked whole. A key matches a name that it is equal to or
	// ends in; case, separators and digits at its end do not count. A list here
	// replaces the default one, which the README shows. It is ignored where both
	// rules::secret_key and rules::assignment are off.
	SecretKeys []string `mapstructure:"secret_keys"`
	// URLAttributes are the names of attributes and map keys whose strings are
	// URLs as a whole, also relative ones. They match keys as SecretKeys do. URLs
	// with a scheme are found in any string. A list here replaces the default
	// one, which the README shows. It is ignored where rules::url is off.
	URLAttributes []string `mapstructure:"url_attributes"`
	// AllowedQueryParameters are the names of the query and fragment parameters
	// whose values stay in URLs; case counts. A list here replaces the default
	// one, which the README shows. It is ignored where rules::url is off.
	AllowedQueryParameters []string `mapstructure:"allowed_query_parameters"`
	// Patterns are rules of one's own, none by default. They apply after the
	// built-in rules, in this order.
	Patterns []PatternConfig `mapstructure:"patterns"`
}

// RulesConfig switches the built-in rules. The default of each is true.
type RulesConfig struct {
	// Email masks e-mail addresses.
	Email bool `mapstructure:"email"`
	// JWT masks JSON web tokens.
	JWT bool `mapstructure:"jwt"`
	// BearerToken masks the credentials behind "Bearer" and "Basic".
	BearerToken bool `mapstructure:"bearer_token"`
	// APIKey masks keys with a known prefix.
	APIKey bool `mapstructure:"api_key"`
	// PrivateKey masks private keys in PEM.
	PrivateKey bool `mapstructure:"private_key"`
	// Card masks card numbers, in text and as numbers.
	Card bool `mapstructure:"card"`
	// URL masks user names, passwords, and the values of parameters in URLs.
	URL bool `mapstructure:"url"`
	// Assignment masks what text assigns to one of SecretKeys.
	Assignment bool `mapstructure:"assignment"`
	// SecretKey masks the values of attributes and map keys in SecretKeys.
	SecretKey bool `mapstructure:"secret_key"`
}

// PatternConfig is a rule of one's own.
type PatternConfig struct {
	// Name is the rule's name in the metric. It is required and unlike that of
	// any other rule.
	Name string `mapstructure:"name"`
	// Regex is what to mask, in RE2 syntax. It is required and must not match the
	// empty string.
	Regex string `mapstructure:"regex"`
	// Replacement stands in for what matches, as it is. The default is the name
	// in brackets.
	Replacement string `mapstructure:"replacement"`
}

// Validate judges the configuration.
func (c *Config) Validate() error {
	var errs []error
	for _, list := range []struct {
		key   string
		names []string
	}{{"secret_keys", c.SecretKeys}, {"url_attributes", c.URLAttributes}} {
		for i, name := range list.names {
			if normalize(name) == "" {
				errs = append(errs, fmt.Errorf("%s::%d: %q has no letter or digit", list.key, i, name))
			}
		}
	}
	seen := map[string]bool{}
	for _, name := range ruleNames {
		seen[name] = true
	}
	for i, pattern := range c.Patterns {
		key := fmt.Sprintf("patterns::%d", i)
		switch {
		case pattern.Name == "":
			errs = append(errs, fmt.Errorf("%s::name: must not be empty", key))
		case seen[pattern.Name]:
			errs = append(errs, fmt.Errorf("%s::name: %q is the name of another rule", key, pattern.Name))
		}
		seen[pattern.Name] = true
		re, err := regexp.Compile(pattern.Regex)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("%s::regex: %w", key, err))
		case re.MatchString(""):
			errs = append(errs, fmt.Errorf("%s::regex: must not match the empty string", key))
		}
	}
	return errors.Join(errs...)
}
