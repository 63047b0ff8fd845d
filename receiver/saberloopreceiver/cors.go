// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/rs/cors"
)

// crossOrigin checks the origin of requests and sets the CORS headers of answers.
//
// The headers of an answer depend on the origin alone. rs/cors, as confighttp
// uses it, omits them if the method or a request header is not allowed. A script
// would then see a network error instead of the 405. So this uses only the
// origin matching of rs/cors.
type crossOrigin struct {
	origins *cors.Cors

	allowedHeaders string
	exposedHeaders string
	maxAge         string
}

// newCrossOrigin allows the origins of cfg and of the tokens.
func newCrossOrigin(cfg *Config) *crossOrigin {
	section := cfg.ServerConfig.CORS
	headers := section.GetOrInsertDefault()
	c := &crossOrigin{
		origins:        newOrigins(cfg.allOrigins()),
		allowedHeaders: strings.Join(headers.AllowedHeaders, ", "),
		exposedHeaders: strings.Join(headers.ExposedHeaders, ", "),
	}
	if headers.MaxAge > 0 {
		c.maxAge = strconv.Itoa(headers.MaxAge)
	}
	return c
}

// newOrigins allows none if the list is empty. rs/cors would allow all.
func newOrigins(allowed []string) *cors.Cors {
	if len(allowed) == 0 {
		return cors.New(cors.Options{AllowOriginFunc: func(string) bool { return false }})
	}
	return cors.New(cors.Options{AllowedOrigins: allowed})
}

// setHeaders sets the headers that allow a script to read the answer, if the
// origin of r is allowed.
func (c *crossOrigin) setHeaders(header http.Header, r *http.Request) {
	// Requests without an origin need it too: a cache must not serve their
	// answers to other requests.
	header.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" || c.refuse(r) {
		return
	}
	header.Set("Access-Control-Allow-Origin", origin)
	if r.Method == http.MethodOptions {
		header.Set("Access-Control-Allow-Methods", http.MethodPost)
		setUnlessEmpty(header, "Access-Control-Allow-Headers", c.allowedHeaders)
		setUnlessEmpty(header, "Access-Control-Max-Age", c.maxAge)
		return
	}
	setUnlessEmpty(header, "Access-Control-Expose-Headers", c.exposedHeaders)
}

// refuse reports whether the origin of r is not allowed. Only browsers send an
// origin, and never two.
func (c *crossOrigin) refuse(r *http.Request) bool {
	origins := r.Header["Origin"]
	return len(origins) > 1 || len(origins) == 1 && !c.origins.OriginAllowed(r)
}

func setUnlessEmpty(header http.Header, key, value string) {
	if value != "" {
		header.Set(key, value)
	}
}
