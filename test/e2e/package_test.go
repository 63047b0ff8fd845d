// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package e2e tests the real otelcol-saberloop over real sockets.
package e2e

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}
