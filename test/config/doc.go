// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package config holds every collector configuration of this repository, the
// examples in its pages among them, to the real binary's `validate`.
package config
