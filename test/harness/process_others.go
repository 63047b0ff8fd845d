// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package harness

import "syscall"

func sysProcAttr() *syscall.SysProcAttr { return nil }
