// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package configtest checks a component's configuration and its README in the
// tests of that component. Paths are relative to the package under test:
// testdata/config, README.md and metadata.yaml.
package configtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
)

// directory holds one file per case.
var directory = filepath.Join("testdata", "config")

// Load reads testdata/config/NAME.yaml over the default configuration, as the
// Collector does. It does not validate it. C is the component's *Config.
func Load[C component.Config](tb testing.TB, factory component.Factory, name string) (C, error) {
	tb.Helper()
	file, err := confmaptest.LoadConf(filepath.Join(directory, name+".yaml"))
	require.NoError(tb, err)
	conf, err := file.Sub(factory.Type().String())
	require.NoError(tb, err)
	cfg := factory.CreateDefaultConfig()
	return cfg.(C), conf.Unmarshal(cfg)
}

// Run runs one subtest per file in testdata/config. A file named in valid has
// to be accepted and to equal the default configuration after the function
// changed it. A file named in invalid has to be refused, by an error that
// contains each of the texts. Every file needs an expectation.
func Run[C component.Config](t *testing.T, factory component.Factory, valid map[string]func(C), invalid map[string][]string) {
	t.Helper()
	require.NoError(t, componenttest.CheckConfigStruct(factory.CreateDefaultConfig()))
	files, err := os.ReadDir(directory)
	require.NoError(t, err)
	assert.Len(t, files, len(valid)+len(invalid), "%s and the expectations differ", directory)
	for _, file := range files {
		name := strings.TrimSuffix(file.Name(), ".yaml")
		change, isValid := valid[name]
		texts, isInvalid := invalid[name]
		require.NotEqual(t, isValid, isInvalid, "%s needs one expectation", file.Name())
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Load[C](t, factory, name)
			if err == nil {
				err = confmap.Validate(got)
			}
			if isInvalid {
				require.Error(t, err)
				require.NotEmpty(t, texts)
				for _, text := range texts {
					require.ErrorContains(t, err, text)
				}
				return
			}
			require.NoError(t, err)
			want := factory.CreateDefaultConfig().(C)
			change(want)
			assert.Equal(t, want, got)
		})
	}
}
