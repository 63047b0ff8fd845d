// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/rs/cors"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/confmap"

	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

// TokenConfig is an accepted token, and the app that it belongs to. A string is
// short for a section with only a token.
type TokenConfig struct {
	// Token is the value of the X-Telemetry-Token header.
	Token configopaque.String `mapstructure:"token"`

	// ServiceName is the service.name of batches with this token. Default: the
	// receiver's service_name.
	ServiceName string `mapstructure:"service_name,omitempty"`

	// AllowedOrigins are the origins of pages that may use this token. Default:
	// cors::allowed_origins.
	AllowedOrigins []string `mapstructure:"allowed_origins,omitempty"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// tokenElement is an element of tokens while it is decoded: a token, or the JSON
// of a section behind sectionMark. It is a string so that confmap does not turn
// a token from an environment variable, such as 0123, into a number.
type tokenElement string

const sectionMark = "\x00section:"

// tokenSection has the fields of TokenConfig in the clear.
type tokenSection struct {
	Token          string   `mapstructure:"token"`
	ServiceName    string   `mapstructure:"service_name"`
	AllowedOrigins []string `mapstructure:"allowed_origins"`
}

// Unmarshal implements confmap.Unmarshaler, which is called for sections only.
func (e *tokenElement) Unmarshal(conf *confmap.Conf) error {
	var section tokenSection
	if err := conf.Unmarshal(&section); err != nil {
		return err
	}
	text, err := json.Marshal(section)
	*e = sectionMark + tokenElement(text)
	return err
}

// unmarshalTokens decodes tokens and deletes them from conf.
func (c *Config) unmarshalTokens(conf *confmap.Conf) error {
	if !conf.IsSet("tokens") {
		return nil
	}
	var elements struct {
		Tokens []tokenElement `mapstructure:"tokens"`
	}
	if err := conf.Unmarshal(&elements, confmap.WithIgnoreUnused()); err != nil {
		return err
	}
	conf.Delete("tokens")
	c.Tokens = nil
	for _, element := range elements.Tokens {
		text, isSection := strings.CutPrefix(string(element), sectionMark)
		section := tokenSection{Token: text}
		if isSection {
			section = tokenSection{}
			if err := json.Unmarshal([]byte(text), &section); err != nil {
				return err
			}
		}
		c.Tokens = append(c.Tokens, TokenConfig{
			Token:          configopaque.String(section.Token),
			ServiceName:    section.ServiceName,
			AllowedOrigins: section.AllowedOrigins,
		})
	}
	return nil
}

func (c *Config) validateTokens() error {
	var errs []error
	needed := !c.ServerConfig.Auth.HasValue() && c.TokensFile == ""
	for i, t := range c.Tokens {
		if strings.TrimSpace(string(t.Token)) != "" {
			needed = false
		}
		errs = append(errs, validateOrigins(fmt.Sprintf("tokens[%d]::allowed_origins", i), t.AllowedOrigins))
	}
	if needed {
		errs = append(errs, errors.New("tokens: must have a token that is not blank, unless tokens_file or auth is set"))
	}
	return errors.Join(errs...)
}

// app is what depends on the token of a request.
type app struct {
	name    string
	decoder *entry.BatchDecoder
	// origins are those of cors::allowed_origins unless the token has its own.
	origins *cors.Cors
}

// apps are those of the configured tokens, by position. Other tokens, and
// requests without one, belong to the receiver's own.
type apps struct {
	own     app
	byToken []app
}

func newApps(cfg *Config) *apps {
	newApp := func(name string, origins []string) app {
		return app{
			name: name,
			decoder: &entry.BatchDecoder{
				ServiceName:        name,
				ResourceAttributes: cfg.ResourceAttributes,
				Limits: entry.Limits{
					MaxDepth:         cfg.MaxDepth,
					MaxEntries:       cfg.Limits.MaxEntries,
					MaxKeys:          cfg.Limits.MaxKeys,
					MaxStringBytes:   cfg.Limits.MaxStringBytes,
					MaxResourceBytes: cfg.Limits.MaxResourceBytes,
				},
			},
			origins: newOrigins(origins),
		}
	}
	var origins []string
	if c := cfg.ServerConfig.CORS.Get(); c != nil {
		origins = c.AllowedOrigins
	}
	a := &apps{own: newApp(cfg.ServiceName, origins)}
	for _, t := range cfg.Tokens {
		other := a.own
		if t.ServiceName != "" || len(t.AllowedOrigins) > 0 {
			name := cfg.ServiceName
			if t.ServiceName != "" {
				name = t.ServiceName
			}
			own := origins
			if len(t.AllowedOrigins) > 0 {
				own = t.AllowedOrigins
			}
			other = newApp(name, own)
		}
		a.byToken = append(a.byToken, other)
	}
	return a
}

// of returns the app of the token at a position.
func (a *apps) of(token int) *app {
	if token < 0 || token >= len(a.byToken) {
		return &a.own
	}
	return &a.byToken[token]
}

// allOrigins returns the origins that some token allows.
func (c *Config) allOrigins() []string {
	var origins []string
	if cors := c.ServerConfig.CORS.Get(); cors != nil {
		origins = append(origins, cors.AllowedOrigins...)
	}
	for _, t := range c.Tokens {
		origins = append(origins, t.AllowedOrigins...)
	}
	return origins
}
