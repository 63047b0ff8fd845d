// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package backends

import (
	"fmt"
	"net/http"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// tests are the tests, after which the servers they share are stopped.
type tests struct{ *testing.M }

func (t tests) Run() int {
	code := t.M.Run()
	http.DefaultClient.CloseIdleConnections()
	if err := stopShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(tests{m}) }
