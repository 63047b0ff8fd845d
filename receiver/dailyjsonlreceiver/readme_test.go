// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/confmap"

	"github.com/saberloop/otelcol-saberloop/internal/readmetest"
)

// configKeys are the keys of a configuration, in the order of the struct.
func configKeys(t reflect.Type, prefix string) []string {
	var keys []string
	for field := range t.Fields() {
		key := field.Tag.Get(confmap.MapstructureTag)
		switch {
		case key == "":
		case field.Type.Kind() == reflect.Struct:
			keys = append(keys, configKeys(field.Type, prefix+key+"::")...)
		default:
			keys = append(keys, prefix+key)
		}
	}
	return keys
}

func TestReadmeHasTheConfiguration(t *testing.T) {
	t.Parallel()
	assert.Equal(t, configKeys(reflect.TypeFor[Config](), ""), readmetest.Table(t, "Configuration"))
}

func TestReadmeHasTheMetrics(t *testing.T) {
	t.Parallel()
	var want []string
	for _, m := range ownMetrics(t) {
		want = append(want, m.Name)
	}
	assert.ElementsMatch(t, want, readmetest.Table(t, "Metrics"))
}
