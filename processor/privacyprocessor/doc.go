// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package privacyprocessor masks personal data and secrets in logs, traces and
// metrics before they are stored: in text, in the values of attributes at any
// depth, and in their keys. The README lists what it finds and what it leaves.
package privacyprocessor
