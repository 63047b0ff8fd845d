// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package synthetic makes up telemetry as Saberloop's clients send it:
// plausible sessions of quizzes in many languages, and every odd shape that
// real browsers produce. Tests and demonstration data draw on it. The same
// seed gives the same bytes on every machine and day.
package synthetic
