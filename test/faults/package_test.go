// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Package faults damages the real otelcol-saberloop under load: its process,
// its disk, its files, its clock. What was acknowledged has to be there
// afterwards, once. The tests need root, to mount file systems; whatever they
// lack, they fail and say so.
package faults

import (
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// torn accepts the paths of torn ends that were set aside.
func torn(path string) bool { return strings.Contains(path, ".jsonl.torn-") }

// stored reads a directory in which torn ends may have been set aside.
func stored(directory string) *harness.Reader {
	return &harness.Reader{Directory: directory, Ignore: torn}
}
