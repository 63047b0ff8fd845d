// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package analysis tests the files that run Loki, Prometheus, Jaeger and Grafana
// for the analysis of day files.
package analysis

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
)

const composeFile = "../docker-compose.telemetry.yml"

func loadCompose(t *testing.T, profiles ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{composeFile}, cli.WithProfiles(profiles))
	require.NoError(t, err)
	project, err := options.LoadProject(t.Context())
	require.NoError(t, err)
	return project
}

func TestComposeBringsTheNewServicesAndOthersOnDemand(t *testing.T) {
	t.Parallel()
	require.ElementsMatch(t, []string{"loki", "grafana"}, loadCompose(t).ServiceNames())
	require.ElementsMatch(t, []string{"loki", "grafana", "prometheus", "jaeger"}, loadCompose(t, "all").ServiceNames())
}

func TestComposeServices(t *testing.T) {
	t.Parallel()
	for name, service := range loadCompose(t, "all").Services {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			image, tag, ok := strings.Cut(service.Image, ":")
			require.True(t, ok, "%s names no version", image)
			require.NotEqual(t, "latest", tag)

			require.NotEmpty(t, service.Ports)
			for _, port := range service.Ports {
				require.Equal(t, "127.0.0.1", port.HostIP, "port %s is open to others", port.Published)
			}
			require.True(t, slices.ContainsFunc(service.Volumes, func(v types.ServiceVolumeConfig) bool {
				return v.Type == types.VolumeTypeVolume
			}), "nothing it holds lasts")
			for _, v := range service.Volumes {
				if v.Type == types.VolumeTypeBind {
					require.True(t, v.ReadOnly, v.Source)
					_, err := os.Stat(v.Source)
					require.NoError(t, err)
				}
			}
		})
	}
}

// The servers that the tests run are the ones that people get.
func TestComposeVersionsAreTheTestedOnes(t *testing.T) {
	t.Parallel()
	services := loadCompose(t, "all").Services
	for name, tc := range map[string]struct{ image, module string }{
		"loki":       {"grafana/loki:3.7.8", "github.com/grafana/loki/v3 v3.7.8"},
		"prometheus": {"prom/prometheus:v3.16.0", "github.com/prometheus/prometheus v0.316.0"},
		// Jaeger 2.13.0 is its module's v1.76.0.
		"jaeger":  {"jaegertracing/jaeger:2.13.0", "github.com/jaegertracing/jaeger v1.76.0"},
		"grafana": {"grafana/grafana:13.2.3", `"@grafana/schema": "13.2.3"`},
	} {
		require.Equal(t, tc.image, services[name].Image)
		file := filepath.Join("../test/backends/servers", name, "go.mod")
		if name == "grafana" {
			file = "../test/backends/grafana/package.json"
		}
		pinned, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Contains(t, string(pinned), tc.module)
	}
}
