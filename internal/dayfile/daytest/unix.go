// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package daytest

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// MakePipe makes a named pipe.
func MakePipe(t testing.TB, path string) {
	t.Helper()
	require.NoError(t, unix.Mkfifo(path, 0o600))
}
