// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package aslogsconnector creates a log record for every span and every metric
// data point, for servers that can only calculate with single events if these
// are logs. See README.md.
package aslogsconnector
