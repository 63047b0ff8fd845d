// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"errors"
	"fmt"
	"runtime"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.uber.org/zap"
)

var errPanicked = errors.New("panicked")

// guard calls f and turns a panic into a permanent error: net/http would log
// what was panicked with, and in a goroutine of ours it would end the process.
func guard(logger *zap.Logger, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			logger.Error("Recovered from a panic", zap.String("panic", describePanic(v)), zap.StackSkip("stack", 1))
			err = consumererror.NewPermanent(errPanicked)
		}
	}()
	return f()
}

// describePanic says what v is, with no more of its contents than the runtime
// puts there itself: they may quote a payload.
func describePanic(v any) string {
	if err, ok := v.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("%T", v)
}
