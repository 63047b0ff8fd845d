// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/rs/cors"
	"go.opentelemetry.io/collector/config/confighttp"
)

// crossOrigin judges the origin of requests and sets the CORS headers of their
// answers.
//
// Which headers an answer gets depends on the origin alone. rs/cors, as
// confighttp uses it, leaves them out where the method or a request header is
// not allowed, and the script would see a network error instead of the 405.
// So only its matching of origins is used here.
type crossOrigin struct {
	origins *cors.Cors

	allowedHeaders string
	exposedHeaders string
	maxAge         string
}

// newCrossOrigin allows no origin where cfg is nil or names none; rs/cors by
// itself would then allow all.
func newCrossOrigin(cfg *confighttp.CORSConfig) *crossOrigin {
	if cfg == nil || len(cfg.AllowedOrigins) == 0 {
		return &crossOrigin{origins: cors.New(cors.Options{
			AllowOriginFunc: func(string) bool { return false },
		})}
	}
	c := &crossOrigin{
		origins:        cors.New(cors.Options{AllowedOrigins: cfg.AllowedOrigins}),
		allowedHeaders: strings.Join(cfg.AllowedHeaders, ", "),
		exposedHeaders: strings.Join(cfg.ExposedHeaders, ", "),
	}
	if cfg.MaxAge > 0 {
		c.maxAge = strconv.Itoa(cfg.MaxAge)
	}
	return c
}

// setHeaders sets the headers that let the script which sent r read the
// answer, if its origin is allowed.
func (c *crossOrigin) setHeaders(header http.Header, r *http.Request) {
	// Also where there is no origin: a cache must not give that answer to one.
	header.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" || c.refuses(r) {
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

// refuses reports whether r comes from an origin that is not allowed. Other
// programs than browsers name none, and no browser names two.
func (c *crossOrigin) refuses(r *http.Request) bool {
	origins := r.Header["Origin"]
	return len(origins) > 1 || len(origins) == 1 && !c.origins.OriginAllowed(r)
}

func setUnlessEmpty(header http.Header, key, value string) {
	if value != "" {
		header.Set(key, value)
	}
}
