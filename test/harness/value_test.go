// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/demodata"
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

func TestCanonicalEntry(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		signal      demodata.Signal
		entry, want string
	}{
		{demodata.Logs, `{"b":1,"received_at":"x","a":2}`, `{"a":2,"b":1}`},
		{demodata.Traces, `{"duration":2450.300000011921}`, `{"duration":2450.3}`},
		{demodata.Traces, `{"duration":-2450.300000011921}`, `{"duration":-2450.3}`},
		{demodata.Traces, `{"duration":0.0000004}`, `{"duration":0}`},
		{demodata.Traces, `{"duration":0.0000006}`, `{"duration":1e-06}`},
		{demodata.Traces, `{"duration":9007199254740993}`, `{"duration":9007199254740993}`},
		{demodata.Traces, `{"duration":"12ms","attributes":{"duration":0.00000001}}`, `{"attributes":{"duration":1e-08},"duration":"12ms"}`},
		{demodata.Logs, `{"duration":0.00000001}`, `{"duration":1e-08}`},
	} {
		got, err := CanonicalEntry(tc.signal, []byte(tc.entry))
		require.NoError(t, err, tc.entry)
		require.Equal(t, tc.want, got, tc.entry)
	}
}

func TestParseLine(t *testing.T) {
	t.Parallel()
	line, err := ParseLine(demodata.Logs, []byte(`{"a":{"received_at":1},"resource":1,"received_at":"2025-12-22T10:00:05Z","resource":{}}`))
	require.NoError(t, err)
	require.Equal(t, `{"a":{"received_at":1},"resource":1}`, line.Entry)
	require.Equal(t, `{"resource":{}}`, line.Added)
	require.Equal(t, "2025-12-22T10:00:05Z", line.ReceivedAt.Format(time.RFC3339))

	line, err = ParseLine(demodata.Logs, []byte(`{"received_at":"2025-12-22T10:00:05Z"}`))
	require.NoError(t, err)
	require.Equal(t, `{}`, line.Entry)
	require.Equal(t, `{}`, line.Added)

	for _, bad := range []string{
		``, `[]`, `{}`, `{"a":1}`, `{"received_at":"2025-12-22T10:00:05+00:00"}`, `{"received_at":null}`,
		`{"received_at":"2025-12-22T10:00:05Z"}{}`, `{"received_at":"2025-12-22T10:00:05Z"`, `{"a":1 "received_at":"2025-12-22T10:00:05Z"}`,
	} {
		_, err := ParseLine(demodata.Logs, []byte(bad))
		require.Error(t, err, bad)
	}
}
