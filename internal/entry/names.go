// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import "strings"

// DefaultServiceName is the service.name of a line without a tail.
const DefaultServiceName = "saberloop"

// Members of an entry that map to OpenTelemetry's data model.
const (
	memberTimestamp  = "timestamp"
	memberLevel      = "level"
	memberMessage    = "message"
	memberContext    = "context"
	memberTraceID    = "traceId"
	memberSpanID     = "spanId"
	memberName       = "name"
	memberDuration   = "duration"
	memberAttributes = "attributes"
	memberValue      = "value"
	memberLabels     = "labels"
	memberSessionID  = "sessionId"
	memberURL        = "url"
	memberUserAgent  = "userAgent"
	memberReceivedAt = "received_at"
)

// Attributes of OpenTelemetry's semantic conventions that members map to.
// https://opentelemetry.io/docs/specs/semconv/registry/attributes/
const (
	attrServiceName = "service.name"
	attrSessionID   = "session.id"
	attrURL         = "url.full"
	attrUserAgent   = "user_agent.original"
	// attrError is the client's attribute that sets the status of a span.
	attrError = "error"
)

// Attributes of the mapping. Keys with ownPrefix are reserved. A client's
// attribute with such a key is escaped with attrEscape.
const (
	ownPrefix = "saberloop."
	// AttrReceivedAt holds the received_at of spans and data points (RFC
	// 3339).
	AttrReceivedAt = ownPrefix + "received_at"
	// attrMember + name holds a member of an entry that no field of the data
	// model can hold: an unknown member, or one with an unreadable value.
	attrMember = ownPrefix + "entry."
	// attrMissing + name is true if the member was not sent and the field has
	// a substitute.
	attrMissing = ownPrefix + "missing."
	// attrEscape + key holds a client's attribute with a reserved key.
	attrEscape = ownPrefix + "attribute."
	// attrResource holds the resource of an envelope if it is not an object.
	attrResource = ownPrefix + "resource"

	// The daily_jsonl receiver adds the following attributes.

	// AttrClientTime holds the original time of an entry if the clock of the
	// client was wrong (RFC 3339).
	AttrClientTime = ownPrefix + "client_time"
	// AttrOccurrence is 2 for the second data point with the same name in the
	// same millisecond, 3 for the third, and so on.
	AttrOccurrence = ownPrefix + "occurrence"
)

// reserved reports whether the mapping uses an attribute key itself.
func reserved(key string) bool {
	switch key {
	case attrSessionID, attrURL, attrUserAgent:
		return true
	}
	return strings.HasPrefix(key, ownPrefix)
}

// memberSet is a set of known members of an entry.
type memberSet uint16

const (
	seenTimestamp memberSet = 1 << iota
	seenLevel
	seenMessage
	seenAttributes // context, attributes or labels
	seenTraceID
	seenSpanID
	seenName
	seenDuration
	seenValue
	seenSessionID
	seenURL
	seenUserAgent
	seenReceivedAt
)
