// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlexporter

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/confmap"

	"github.com/saberloop/otelcol-saberloop/internal/readmetest"
)

// TestReadmeHasTheConfiguration holds the table to the keys, in the order of
// the struct.
func TestReadmeHasTheConfiguration(t *testing.T) {
	t.Parallel()
	var keys []string
	for field := range reflect.TypeFor[Config]().Fields() {
		key := field.Tag.Get(confmap.MapstructureTag)
		switch {
		case key == "":
		case field.Type == reflect.TypeFor[RetentionConfig]():
			for sub := range field.Type.Fields() {
				if subKey := sub.Tag.Get(confmap.MapstructureTag); subKey != "" {
					keys = append(keys, key+"::"+subKey)
				}
			}
		default:
			keys = append(keys, key)
		}
	}
	assert.Equal(t, keys, readmetest.Table(t, "Configuration"))
}

func TestReadmeHasTheMetrics(t *testing.T) {
	t.Parallel()
	e, telemetry, _ := measured(t, testConfig(t))
	happen(t, e)
	var want []string
	for name := range ownMetrics(t, telemetry) {
		want = append(want, name)
	}
	assert.ElementsMatch(t, want, readmetest.Table(t, "Metrics"))
}
