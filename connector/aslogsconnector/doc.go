// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package aslogsconnector makes a log record of every span and of every
// metric data point, for servers whose query language can only reckon with
// single events where they are logs. The README says what for.
package aslogsconnector
