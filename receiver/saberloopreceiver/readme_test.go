// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"

	"github.com/saberloop/otelcol-saberloop/internal/readmetest"
)

// TestReadmeHasTheConfiguration holds its first table to the keys that are the
// receiver's own, in the order of the struct, and the second to keys that the
// server has.
func TestReadmeHasTheConfiguration(t *testing.T) {
	t.Parallel()
	var own []string
	for field := range reflect.TypeFor[Config]().Fields() {
		if key := field.Tag.Get(confmap.MapstructureTag); key != "" && key != ",squash" {
			own = append(own, key)
		}
	}
	keys := readmetest.Table(t, "Configuration")
	require.Greater(t, len(keys), len(own))
	assert.Equal(t, own, keys[:len(own)])
	servers := configKeys(reflect.TypeFor[Config]())
	for _, key := range keys[len(own):] {
		top, _, _ := strings.Cut(key, "::")
		assert.Contains(t, servers, top)
	}
}

func TestReadmeHasTheMetrics(t *testing.T) {
	t.Parallel()
	var want []string
	for _, m := range collectOwnMetrics(t) {
		want = append(want, m.Name)
	}
	assert.ElementsMatch(t, want, readmetest.Table(t, "Metrics"))
}

func TestReadmeHasTheAnswers(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	for _, code := range statusCodes {
		assert.Regexp(t, "(?m)^\\| "+strconv.Itoa(code)+"[ ,]", string(readme))
	}
}
