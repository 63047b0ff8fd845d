// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzDecodeCheckpoint decodes any stored bytes. They are rejected, or are valid
// and survive a round trip.
func FuzzDecodeCheckpoint(f *testing.F) {
	f.Add([]byte(`{"offset":0,"line":0,"check":0,"checked":0}`))
	f.Add([]byte(`{"offset":2210,"line":20,"check":1217219921,"checked":1024,"files":"2025-12-22.jsonl 2210 2025-12-22T10:00:00Z"}`))
	f.Add([]byte(`{"offset":2210,"line":20,"check":1,"checked":1,"refused":[{"from":{"offset":0,"line":0,"check":0,"checked":0},"to":110}]}`))
	f.Add([]byte(`{"offset":-1}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		point, err := decodeCheckpoint(data)
		if err != nil {
			require.Zero(t, point)
			return
		}
		require.True(t, point.Valid())
		encoded, err := point.encode()
		require.NoError(t, err)
		point, err = decodeCheckpoint(encoded)
		require.NoError(t, err)
		again, err := point.encode()
		require.NoError(t, err)
		require.Equal(t, string(encoded), string(again))
	})
}
