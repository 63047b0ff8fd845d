// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package backends

import (
	"testing"
)

func TestAllIsThereOnce(t *testing.T) {
	m := sharedMonth(t)
	m.requireHold(t, readDayFiles(t, m.Directory))
}
