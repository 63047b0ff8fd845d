// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package analysis holds what a laptop needs to look at day files, none of
// which is Go. The tests beside it need no server; test/backends runs the
// real ones.
package analysis
