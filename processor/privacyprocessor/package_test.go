// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package privacyprocessor

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
