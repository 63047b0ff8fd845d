// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configauth"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"

	"github.com/saberloop/otelcol-saberloop/internal/configtest"
)

// validConfigs are the accepted files and how they change the default.
var validConfigs = map[string]func(*Config){
	"minimal": func(c *Config) {
		c.Tokens = []configopaque.String{"test-token"}
	},
	"full": func(c *Config) {
		s := &c.ServerConfig
		s.NetAddr.Endpoint = "0.0.0.0:8080"
		s.MaxRequestBodySize = 65536
		s.CompressionAlgorithms = []string{"gzip"}
		s.IncludeMetadata = true
		s.ReadHeaderTimeout, s.ReadTimeout, s.WriteTimeout = time.Second, 2*time.Second, 3*time.Second
		s.IdleTimeout = 4 * time.Second //nolint:staticcheck // confighttp stores keepalive::idle_timeout here
		s.ResponseHeaders = configopaque.MapList{{Name: "Strict-Transport-Security", Value: "max-age=31536000"}}
		s.CORS = configoptional.Some(confighttp.CORSConfig{
			AllowedOrigins: []string{"https://saberloop.com"},
			AllowedHeaders: []string{"*"},
			ExposedHeaders: []string{"Retry-After", "X-More"},
			MaxAge:         600,
		})
		s.Auth = auth()
		c.Paths = []string{"/in"}
		c.Tokens = []configopaque.String{"new-token", "old-token"}
		c.ServiceName = "shop"
		c.ResourceAttributes = map[string]string{"deployment.environment.name": "production", "host.name": "vps-1"}
		c.MaxDepth = 64
	},
	"cors_origins_only": func(c *Config) {
		c.Tokens = []configopaque.String{"test-token"}
		c.ServerConfig.CORS = configoptional.Some(confighttp.CORSConfig{
			AllowedOrigins: []string{"https://saberloop.com", "https://*.saberloop.com", "http://localhost:*", "capacitor://localhost", "*.example.com", "null", ""},
			AllowedHeaders: []string{"Content-Type", "X-Telemetry-Token", "Content-Encoding"},
			ExposedHeaders: []string{"Retry-After"},
			MaxAge:         7200,
		})
	},
	"auth_without_tokens": func(c *Config) {
		c.ServerConfig.Auth = auth()
	},
	"one_token_blank": func(c *Config) {
		c.Tokens = []configopaque.String{"test-token", "", "  "}
	},
}

func auth() configoptional.Optional[confighttp.AuthConfig] {
	return configoptional.Some(confighttp.AuthConfig{
		Config: configauth.Config{AuthenticatorID: component.MustNewID("bearertokenauth")},
	})
}

// invalidConfigs are the refused files and the texts in their errors.
var invalidConfigs = map[string][]string{
	"typo":                      {"invalid keys: token"},
	"typo_in_server":            {"invalid keys: endpoit"},
	"typo_in_cors":              {"invalid keys: allow_origins"},
	"no_tokens":                 {"tokens: "},
	"blank_tokens":              {"tokens: "},
	"no_paths":                  {"paths: "},
	"path_without_slash":        {`paths: "telemetry"`},
	"path_with_query":           {`paths: "/telemetry?x=1"`},
	"path_twice":                {`paths: "/telemetry" is a duplicate`},
	"blank_service_name":        {"service_name: "},
	"service_name_as_attribute": {"resource_attributes: service.name"},
	"nameless_attribute":        {"resource_attributes: "},
	"depth_too_low":             {"max_depth: "},
	"depth_too_high":            {"max_depth: "},
	"no_endpoint":               {"endpoint: "},
	"no_body_size":              {"max_request_body_size: "},
	"unknown_compression":       {`compression_algorithms: "br"`},
	"origin_with_slash":         {`cors::allowed_origins: "https://saberloop.com/"`},
	"origin_without_scheme":     {`cors::allowed_origins: "saberloop.com" has no scheme`, `cors::allowed_origins: "localhost:8080" has no scheme`},
	"origin_with_path":          {`cors::allowed_origins: "https://saberloop.com/app" is more than`},
	"origin_without_host":       {`cors::allowed_origins: "https://" is not an origin`},
	"several_faults":            {"paths: ", "tokens: ", "max_depth: "},
}

func TestConfigFiles(t *testing.T) {
	t.Parallel()
	configtest.Run(t, NewFactory(), validConfigs, invalidConfigs)
}

func TestReadmeHasTheConfiguration(t *testing.T) {
	t.Parallel()
	configtest.CheckReadmeConfig(t, createDefaultConfig())
}

func TestStatus(t *testing.T) {
	t.Parallel()
	configtest.CheckStatus(t, NewFactory())
}

func TestDefaultConfig(t *testing.T) {
	t.Parallel()
	cfg := createDefaultConfig()
	require.ErrorContains(t, confmap.Validate(cfg), "tokens: ", "no default for a secret")
	assert.NotSame(t, cfg, createDefaultConfig())
}

// TestTokensAreNotPrinted marshals a configuration, as the Collector does to show
// it.
func TestTokensAreNotPrinted(t *testing.T) {
	t.Parallel()
	conf := confmap.New()
	require.NoError(t, conf.Marshal(testConfig()))
	assert.Equal(t, []any{"[REDACTED]"}, conf.Get("tokens"))
}
