// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCanonical(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ value, want string }{
		{`{"b":1,"a":[true,null,"x"]}`, `{"a":[true,null,"x"],"b":1}`},
		{` { "a" : 1.0 } `, `{"a":1}`},
		{`{"a":1,"a":2}`, `{"a":2}`},
		{`{"a":{"x":1},"a":{"y":2}}`, `{"a":{"y":2}}`},
		{`[-0,-0.0,0e5]`, `[0,0,0]`},
		{`9223372036854775808`, `9223372036854775808`},
		{`9223372036854775809`, `9223372036854775809`},
		{`9223372036854775808.0`, `9223372036854775808`},
		{`123456789012345678.5`, `123456789012345680`},
		{`1e22`, `10000000000000000000000`},
		{`1e-7`, `1e-07`},
		{`5e-324`, `5e-324`},
		{`1e400`, `1e400`},
		{`"\ud83d"`, `"` + "\ufffd" + `"`},
		{`"\ud83d\ude00\u0041\/"`, `"😀A/"`},
	} {
		got, err := Canonical([]byte(tc.value))
		require.NoError(t, err, tc.value)
		require.Equal(t, tc.want, got, tc.value)
	}
}

func TestCanonicalRefuses(t *testing.T) {
	t.Parallel()
	for _, value := range []string{``, `{`, `{}{}`, `01`, `{"a":1}x`} {
		_, err := Canonical([]byte(value))
		require.Error(t, err, value)
	}
}

func TestStorable(t *testing.T) {
	t.Parallel()
	for _, entry := range []string{`{}`, `{"a":1e308}`, `{"a":18446744073709551616}`, `{"a":1e-400}`} {
		require.True(t, Storable([]byte(entry)), entry)
	}
	nines := strings.Repeat("9", 400)
	for _, element := range []string{`5`, `null`, `"x"`, `[{}]`, `{"a":1e400}`, `{"a":{"b":[-1e400]}}`, `{"a":` + nines + `}`} {
		require.False(t, Storable([]byte(element)), element)
	}
}
