// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import "strings"

// DefaultServiceName is the service.name of entries whose line says nothing
// else. A line of any other resource says so in its tail.
const DefaultServiceName = "saberloop"

// The members of an entry that have a home in OpenTelemetry's data model.
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
	// attrError is the attribute of a client's own that makes its span an error.
	attrError = "error"
)

// The mapping's own attributes. Everything below ownPrefix is reserved: a
// client's own attribute of such a name is escaped with attrEscape.
const (
	ownPrefix = "saberloop."
	// AttrReceivedAt holds the received_at of spans and data points, which
	// have no field for it (RFC 3339).
	AttrReceivedAt = ownPrefix + "received_at"
	// attrMember + name holds an entry's member, as it was sent, that no field
	// of the data model can hold: one that the mapping doesn't know, or one
	// with a value that it can't read.
	attrMember = ownPrefix + "entry."
	// attrMissing + name is true where a field stands in for a member that
	// was not sent.
	attrMissing = ownPrefix + "missing."
	// attrEscape + key holds a client's own attribute whose key is reserved.
	attrEscape = ownPrefix + "attribute."
	// attrResource holds an envelope's resource that is no object.
	attrResource = ownPrefix + "resource"

	// What a replay may add to what a line says.

	// AttrClientTime holds the time that an entry had of a client whose clock
	// was wrong (RFC 3339).
	AttrClientTime = ownPrefix + "client_time"
	// AttrOccurrence is 2 on the second data point of a name in a
	// millisecond, and so on.
	AttrOccurrence = ownPrefix + "occurrence"
)

// reserved says whether a client's attribute of this key would be taken for
// one of the mapping's.
func reserved(key string) bool {
	switch key {
	case attrSessionID, attrURL, attrUserAgent:
		return true
	}
	return strings.HasPrefix(key, ownPrefix)
}

// memberSet is a set of an entry's known members.
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
