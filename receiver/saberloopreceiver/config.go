// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/confmap"
)

// Config is the configuration of the saberloop receiver.
type Config struct {
	// ServerConfig holds the keys of the Collector's HTTP servers: endpoint,
	// tls, cors, auth, max_request_body_size, compression_algorithms, timeouts.
	ServerConfig confighttp.ServerConfig `mapstructure:",squash"`

	// Paths are the URL paths that take batches, each starting with a slash;
	// any other path is answered 404. Default: /telemetry/ingest and
	// /telemetry/ingest.php.
	Paths []string `mapstructure:"paths"`

	// Tokens are the secrets of which a request must bring one in its
	// X-Telemetry-Token header. Several let one be rotated in while clients
	// still use another. Blank ones are ignored, so that an environment
	// variable may be unset. Default: none; at least one must be given unless
	// auth is, and where both are, both are checked.
	Tokens []configopaque.String `mapstructure:"tokens"`

	// ServiceName is the service.name of the resource of all entries.
	// Default: saberloop.
	ServiceName string `mapstructure:"service_name"`

	// ResourceAttributes are put on the resource of all entries; they win over
	// those that a batch's envelope brings. Default: none.
	ResourceAttributes map[string]string `mapstructure:"resource_attributes"`

	// MaxDepth is the nesting level of objects and arrays at which a body is
	// refused, counting the batch's own object as 1. From 16 to 4096;
	// default: 512.
	MaxDepth int `mapstructure:"max_depth"`

	// prevent unkeyed literal initialization
	_ struct{}
}

const (
	// An entry's context sits on level 4: anything lower than this would
	// refuse what ordinary clients send.
	minDepthLimit = 16
	// What is decoded here is walked recursively by whatever comes after.
	maxDepthLimit = 4096
)

// acceptedCompression holds the codings that the contract has and their
// neighbours which are decoded as a stream, never whole.
var acceptedCompression = []string{"", "gzip", "zstd", "deflate", "zlib"}

var (
	_ component.Config  = (*Config)(nil)
	_ confmap.Validator = (*Config)(nil)
)

// Validate judges the configuration; its errors name the key at fault.
func (c *Config) Validate() error {
	return errors.Join(
		c.validateServer(),
		c.validatePaths(),
		c.validateTokens(),
		c.validateResource(),
		c.validateDepth(),
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
	if cors := c.ServerConfig.CORS.Get(); cors != nil {
		for _, origin := range cors.AllowedOrigins {
			if strings.HasSuffix(origin, "/") {
				errs = append(errs, fmt.Errorf("cors::allowed_origins: %q ends with a slash, which no origin does", origin))
			}
		}
	}
	for _, name := range c.ServerConfig.CompressionAlgorithms {
		if !slices.Contains(acceptedCompression, name) {
			errs = append(errs, fmt.Errorf("compression_algorithms: %q is not one of %q", name, acceptedCompression))
		}
	}
	return errors.Join(errs...)
}

func (c *Config) validatePaths() error {
	if len(c.Paths) == 0 {
		return errors.New("paths: at least one is needed")
	}
	var errs []error
	for i, path := range c.Paths {
		switch {
		case !strings.HasPrefix(path, "/"):
			errs = append(errs, fmt.Errorf("paths: %q does not start with a slash", path))
		case strings.ContainsAny(path, "?#"):
			errs = append(errs, fmt.Errorf("paths: %q is more than a path", path))
		case slices.Contains(c.Paths[:i], path):
			errs = append(errs, fmt.Errorf("paths: %q is given twice", path))
		}
	}
	return errors.Join(errs...)
}

func (c *Config) validateTokens() error {
	if c.ServerConfig.Auth.HasValue() || len(newTokens(c.Tokens)) > 0 {
		return nil
	}
	return errors.New("tokens: at least one that is not blank is needed, unless auth is set")
}

func (c *Config) validateResource() error {
	var errs []error
	if strings.TrimSpace(c.ServiceName) == "" {
		errs = append(errs, errors.New("service_name: must not be blank"))
	}
	for key := range c.ResourceAttributes {
		switch key {
		case "":
			errs = append(errs, errors.New("resource_attributes: a name must not be empty"))
		case "service.name":
			errs = append(errs, errors.New("resource_attributes: service.name is set by service_name"))
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
