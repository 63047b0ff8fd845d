// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// A repeated key keeps its first position and its last value, in small and in
// large objects.
func TestLastMemberWins(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(rapid.SampledFrom(strings.Split("abcdefghijklmnopqrstuvwxyz", "")), 0, 40).Draw(t, "keys")
		var members, order []string
		last := map[string]int64{}
		for i, key := range keys {
			members = append(members, fmt.Sprintf("%q:%d", key, i))
			if _, known := last[key]; !known {
				order = append(order, key)
			}
			last[key] = int64(i)
		}
		var r LogReader
		require.NoError(t, r.Add(lineOf("{"+strings.Join(members, ",")+"}")))
		a, _ := r.Take().ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().Get("a")
		got := map[string]int64{}
		var gotOrder []string
		for key, v := range a.Map().All() {
			gotOrder = append(gotOrder, key)
			got[key] = v.Int()
		}
		require.Equal(t, order, gotOrder)
		require.Equal(t, last, got)
	})
}
