// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package backends

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOnlyTheTwoLabelsAreIndexedInLoki(t *testing.T) {
	m := sharedMonth(t)
	require.Equal(t, []string{"saberloop_signal", "service_name"}, m.Loki.Labels(t, m.First, m.End()))
	require.ElementsMatch(t, []map[string]string{
		{"service_name": "saberloop", "saberloop_signal": "logs"},
		{"service_name": "saberloop", "saberloop_signal": "traces"},
		{"service_name": "saberloop", "saberloop_signal": "metrics"},
	}, m.Loki.Series(t, `{service_name=~".+"}`, m.First, m.End()))
}
