// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package harness runs the real otelcol-saberloop for tests: it starts the
// binary that `make build` leaves, speaks to it over real sockets, stops,
// kills and restarts it, and reads back what it has stored. Whoever starts a
// collector here gets it stopped at the end of the test, and its log shown
// only when the test fails.
package harness
