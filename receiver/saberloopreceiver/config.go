// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/confmap"
)

// Config is the configuration of the saberloop receiver.
type Config struct {
	// ServerConfig holds the keys of the Collector's HTTP servers: endpoint,
	// tls, cors, auth, max_request_body_size, compression_algorithms, timeouts.
	ServerConfig confighttp.ServerConfig `mapstructure:",squash"`

	// Paths are the URL paths that accept batches. Each starts with a slash.
	// Other paths are answered 404. Default: /telemetry/ingest and
	// /telemetry/ingest.php.
	Paths []string `mapstructure:"paths"`

	// Tokens are the accepted values of the X-Telemetry-Token header: strings, or
	// sections for tokens of other apps. Several tokens allow a rotation while
	// clients still send the old one. Blank tokens are ignored, so that an
	// environment variable may be unset. At least one token is needed unless
	// tokens_file or auth is set. With auth, a request needs both. Default: none.
	Tokens []TokenConfig `mapstructure:"tokens"`

	// TokensFile is the path of a file with further tokens, one per line. Lines
	// that start with # are comments. It is read every two seconds; a change
	// needs no restart. Default: none.
	TokensFile string `mapstructure:"tokens_file"`

	// ServiceName is the service.name in the resource of all entries.
	// Default: saberloop.
	ServiceName string `mapstructure:"service_name"`

	// ResourceAttributes are added to the resource of all entries. They override
	// the attributes in a batch. Default: none.
	ResourceAttributes map[string]string `mapstructure:"resource_attributes"`

	// MaxDepth is the nesting level of objects and arrays at which a body is
	// refused. The batch itself is level 1. From 16 to 4096; default: 512.
	MaxDepth int `mapstructure:"max_depth"`

	// TrustedProxies are the networks of the proxies in front of the receiver,
	// such as 127.0.0.1/32. Their X-Forwarded-For and Forwarded headers tell the
	// address of the client. Default: none; the peer is the client.
	TrustedProxies []string `mapstructure:"trusted_proxies"`

	// Limits bound what clients can make the receiver do.
	Limits LimitsConfig `mapstructure:"limits"`

	// Duplicates says which batches are recognized when they are sent again.
	Duplicates DuplicatesConfig `mapstructure:"duplicates"`

	// Storage is the ID of a storage extension, such as file_storage, that keeps
	// the daily budgets and the known batches over a restart. Default: none;
	// a restart forgets them.
	Storage *component.ID `mapstructure:"storage"`

	// prevent unkeyed literal initialization
	_ struct{}
}

const (
	// Ordinary clients nest a few levels below context, which is at level 4.
	minDepthLimit = 16
	// Components after this one process the decoded values recursively.
	maxDepthLimit = 4096
)

// acceptedCompression holds the codings that can be decoded as a stream.
var acceptedCompression = []string{"", "gzip", "zstd", "deflate", "zlib"}

var (
	_ component.Config    = (*Config)(nil)
	_ confmap.Validator   = (*Config)(nil)
	_ confmap.Unmarshaler = (*Config)(nil)
)

// Unmarshal implements confmap.Unmarshaler. It returns an error for unknown keys.
// confmap does not check for them next to a squashed struct that implements
// Unmarshal, as confighttp.ServerConfig does.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	known := configKeys(reflect.TypeFor[Config]())
	var unknown []string
	for key := range conf.ToStringMap() {
		if !slices.Contains(known, key) {
			unknown = append(unknown, key)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return fmt.Errorf("invalid keys: %s", strings.Join(unknown, ", "))
	}
	if err := c.unmarshalTokens(conf); err != nil {
		return err
	}
	return conf.Unmarshal(c)
}

// configKeys returns the keys of a configuration struct and of the structs
// squashed into it.
func configKeys(t reflect.Type) []string {
	var keys []string
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get(confmap.MapstructureTag), ",")
		switch {
		case options == "squash":
			keys = append(keys, configKeys(field.Type)...)
		case name != "":
			keys = append(keys, name)
		}
	}
	return keys
}

// Validate implements confmap.Validator. Its errors name the key.
func (c *Config) Validate() error {
	return errors.Join(
		c.validateServer(),
		c.validateOrigins(),
		c.validatePaths(),
		c.validateTokens(),
		c.validateResource(),
		c.validateDepth(),
		c.validateProxies(),
		c.Limits.validate(c.ServerConfig.MaxRequestBodySize),
		c.Duplicates.validate(),
	)
}

func (c *Config) validateServer() error {
	var errs []error
	if c.ServerConfig.NetAddr.Endpoint == "" {
		errs = append(errs, errors.New("endpoint: must not be empty"))
	}
	if c.ServerConfig.MaxRequestBodySize <= 0 {
		errs = append(errs, fmt.Errorf("max_request_body_size: must be positive, not %d", c.ServerConfig.MaxRequestBodySize))
	}
	for _, name := range c.ServerConfig.CompressionAlgorithms {
		if !slices.Contains(acceptedCompression, name) {
			errs = append(errs, fmt.Errorf("compression_algorithms: %q is not one of %q", name, acceptedCompression))
		}
	}
	return errors.Join(errs...)
}

func (c *Config) validateOrigins() error {
	cors := c.ServerConfig.CORS.Get()
	if cors == nil {
		return nil
	}
	return validateOrigins("cors::allowed_origins", cors.AllowedOrigins)
}

func validateOrigins(key string, origins []string) error {
	var errs []error
	for _, origin := range origins {
		if problem := originProblem(origin); problem != "" {
			errs = append(errs, fmt.Errorf("%s: %q %s; write it as https://example.com", key, origin, problem))
		}
	}
	return errors.Join(errs...)
}

// originProblem says why a browser never sends an origin that matches.
func originProblem(origin string) string {
	// Browsers send "null" for local files. An empty origin may come from an
	// environment variable that is unset; it matches nothing.
	if origin == "" || origin == "null" {
		return ""
	}
	scheme, host, found := strings.Cut(origin, "://")
	if !found {
		// "*" may stand for the scheme too.
		if strings.Contains(origin, "*") && !strings.ContainsAny(origin, "/?#@ ") {
			return ""
		}
		return "has no scheme"
	}
	switch {
	case strings.HasSuffix(host, "/"):
		return "ends with a slash"
	case strings.ContainsAny(host, "/?#@"):
		return "is more than scheme, host and port"
	}
	// The parser does not accept a wildcard as a scheme or a port.
	u, err := url.Parse(strings.ReplaceAll(scheme, "*", "a") + "://" + strings.ReplaceAll(host, "*", "1"))
	if err != nil || u.Host == "" {
		return "is not an origin"
	}
	return ""
}

func (c *Config) validatePaths() error {
	if len(c.Paths) == 0 {
		return errors.New("paths: must not be empty")
	}
	var errs []error
	for i, path := range c.Paths {
		switch {
		case !strings.HasPrefix(path, "/"):
			errs = append(errs, fmt.Errorf("paths: %q must start with a slash", path))
		case strings.ContainsAny(path, "?#"):
			errs = append(errs, fmt.Errorf("paths: %q must not have a query or a fragment", path))
		case slices.Contains(c.Paths[:i], path):
			errs = append(errs, fmt.Errorf("paths: %q is a duplicate", path))
		}
	}
	return errors.Join(errs...)
}

func (c *Config) validateResource() error {
	var errs []error
	if strings.TrimSpace(c.ServiceName) == "" {
		errs = append(errs, errors.New("service_name: must not be blank"))
	}
	for key := range c.ResourceAttributes {
		switch key {
		case "":
			errs = append(errs, errors.New("resource_attributes: names must not be empty"))
		case "service.name":
			errs = append(errs, errors.New("resource_attributes: service.name must be set with service_name"))
		}
	}
	return errors.Join(errs...)
}

func (c *Config) validateDepth() error {
	if c.MaxDepth < minDepthLimit || c.MaxDepth > maxDepthLimit {
		return fmt.Errorf("max_depth: must be from %d to %d, not %d", minDepthLimit, maxDepthLimit, c.MaxDepth)
	}
	return nil
}
