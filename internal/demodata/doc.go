// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package demodata makes up a month of a quiz app's telemetry: the POSTs that
// its browsers would have sent, the same ones for the same seed. People try
// the dashboards on it, the tests hold the servers to it.
//
// The month has working days and weekends, four releases of which the third
// brings a new error, an afternoon on which the API was slow and failing,
// clients old and new, phones whose clock is wrong or that were offline for
// hours, and every odd shape that browsers are known to send.
package demodata
