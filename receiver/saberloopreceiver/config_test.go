// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"context"
	"strings"
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
		c.Tokens = []TokenConfig{{Token: "test-token"}}
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
		c.Tokens = []TokenConfig{{Token: "new-token"}, {Token: "old-token"}}
		c.ServiceName = "shop"
		c.ResourceAttributes = map[string]string{"deployment.environment.name": "production", "host.name": "vps-1"}
		c.MaxDepth = 64
		c.TokensFile = "/etc/otelcol-saberloop/tokens"
		c.TrustedProxies = []string{"127.0.0.1", "10.0.0.0/8"}
		c.Limits = LimitsConfig{
			MaxEntries: 100, MaxKeys: 50, MaxStringBytes: 1000, MaxResourceBytes: 500,
			MaxMemory: 10_000_000, MemoryWait: 2 * time.Second,
			MaxConnections: 20, MaxConnectionsPerAddress: 10,
			PerAddress: RateConfig{
				RequestsPerSecond: 1.5, RequestBurst: 5, BytesPerSecond: 1000, ByteBurst: 5000,
				BytesPerDay: 1_000_000, EntriesPerDay: 1000,
			},
			Total:        RateConfig{RequestsPerSecond: 15},
			MaxAddresses: 30,
		}
		c.Duplicates = DuplicatesConfig{Window: time.Minute, MaxBatches: 1000}
		id := component.MustNewID("file_storage")
		c.Storage = &id
	},
	"token_sections": func(c *Config) {
		c.Tokens = []TokenConfig{
			{Token: "test-token"},
			{Token: "shop-token", ServiceName: "shop", AllowedOrigins: []string{"https://shop.example"}},
			{},
		}
	},
	"cors_origins_only": func(c *Config) {
		c.Tokens = []TokenConfig{{Token: "test-token"}}
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
		c.Tokens = []TokenConfig{{Token: "test-token"}, {Token: ""}, {Token: "  "}}
	},
}

func auth() configoptional.Optional[confighttp.AuthConfig] {
	return configoptional.Some(confighttp.AuthConfig{
		Config: configauth.Config{AuthenticatorID: component.MustNewID("bearertokenauth")},
	})
}

// invalidConfigs are the refused files and the texts in their errors.
var invalidConfigs = map[string][]string{
	"typo":                        {"invalid keys: token"},
	"typo_in_server":              {"invalid keys: endpoit"},
	"typo_in_cors":                {"invalid keys: allow_origins"},
	"no_tokens":                   {"tokens: "},
	"blank_tokens":                {"tokens: "},
	"no_paths":                    {"paths: "},
	"path_without_slash":          {`paths: "telemetry"`},
	"path_with_query":             {`paths: "/telemetry?x=1"`},
	"path_twice":                  {`paths: "/telemetry" is a duplicate`},
	"blank_service_name":          {"service_name: "},
	"service_name_as_attribute":   {"resource_attributes: service.name"},
	"nameless_attribute":          {"resource_attributes: "},
	"depth_too_low":               {"max_depth: "},
	"depth_too_high":              {"max_depth: "},
	"no_endpoint":                 {"endpoint: "},
	"no_body_size":                {"max_request_body_size: "},
	"unknown_compression":         {`compression_algorithms: "br"`},
	"origin_with_slash":           {`cors::allowed_origins: "https://saberloop.com/"`},
	"origin_without_scheme":       {`cors::allowed_origins: "saberloop.com" has no scheme`, `cors::allowed_origins: "localhost:8080" has no scheme`},
	"origin_with_path":            {`cors::allowed_origins: "https://saberloop.com/app" is more than`},
	"origin_without_host":         {`cors::allowed_origins: "https://" is not an origin`},
	"typo_in_token":               {"invalid keys: service"},
	"token_origin_without_scheme": {`tokens[1]::allowed_origins: "shop.example" has no scheme`},
	"typo_in_duplicates":          {"invalid keys: windows"},
	"typo_in_limits":              {"invalid keys: request_per_second"},
	"no_sane_limits": {
		`trusted_proxies: "10.0.0.0/33"`, `trusted_proxies: "proxy.example"`,
		"limits::max_entries: ", "limits::max_keys: ", "limits::max_memory: ", "limits::memory_wait: ",
		"limits::max_connections: ", "limits::max_connections_per_address: ", "limits::max_addresses: ",
		"limits::per_address::requests_per_second: ", "limits::per_address::request_burst: ",
		"limits::per_address::bytes_per_second: ",
		"limits::total::byte_burst: ", "limits::total::bytes_per_day: ", "limits::total::entries_per_day: ",
		"duplicates::window: ", "duplicates::max_batches: ",
	},
	"several_faults": {"paths: ", "tokens: ", "max_depth: "},
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
	assert.Equal(t, []any{map[string]any{"token": "[REDACTED]"}}, conf.Get("tokens"))
}

// values is a provider of configuration whose names stand for YAML.
type values map[string]string

func (v values) Retrieve(_ context.Context, uri string, _ confmap.WatcherFunc) (*confmap.Retrieved, error) {
	return confmap.NewRetrievedFromYAML([]byte(v[strings.TrimPrefix(uri, "test:")]))
}

func (values) Scheme() string                 { return "test" }
func (values) Shutdown(context.Context) error { return nil }

// TestTokensFromTheEnvironment has tokens that YAML takes for numbers.
func TestTokensFromTheEnvironment(t *testing.T) {
	t.Parallel()
	resolver, err := confmap.NewResolver(confmap.ResolverSettings{
		URIs: []string{"test:config"},
		ProviderFactories: []confmap.ProviderFactory{confmap.NewProviderFactory(func(confmap.ProviderSettings) confmap.Provider {
			return values{
				"config": `{tokens: ["${test:token}", {token: "${test:token}", service_name: "${test:token}"}, "${test:empty}"]}`,
				"token":  "0123",
				"empty":  "",
			}
		})},
		DefaultScheme: "test",
	})
	require.NoError(t, err)
	conf, err := resolver.Resolve(t.Context())
	require.NoError(t, err)
	cfg := createDefaultConfig().(*Config)
	require.NoError(t, conf.Unmarshal(cfg))
	assert.Equal(t, []TokenConfig{{Token: "0123"}, {Token: "0123", ServiceName: "0123"}, {}}, cfg.Tokens)
}
