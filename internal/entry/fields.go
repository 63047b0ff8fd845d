// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"bytes"
	"cmp"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/xpdata"
)

// fieldReader reads the members of one entry of a batch or a line. This file
// handles the members common to all signals. log.go, span.go and metric.go
// handle those of their signal.
type fieldReader struct {
	*source
	attributes xpdata.MapBuilder
	// typical is the number of attributes to allocate. It follows the previous
	// entries.
	typical int
	seen    memberSet

	// line is true for a line of a day file. Only then received_at is read,
	// and the member tailKey after it is the tail.
	line    bool
	tailKey string
	tail    []byte
	// received is the offset of the end of received_at in the line. known is
	// the text that followed received_at in an earlier line, if that was only
	// the tail knownTail. Consecutive lines usually end alike, so that text is
	// compared instead of parsed.
	received         int64
	known, knownTail []byte

	// receivedAt is set by the caller for a batch, and read from a line.
	receivedAt pcommon.Timestamp
	// receipt is written as text. Both survive reset, because many entries are
	// received in the same second.
	written pcommon.Timestamp
	receipt string
}

// reset prepares the reader for the next entry.
func (r *fieldReader) reset(receivedAt pcommon.Timestamp) {
	// A refused entry may have left attributes.
	r.attributes = xpdata.MapBuilder{}
	r.dropKeys(0)
	r.seen, r.tail, r.receivedAt = 0, nil, receivedAt
}

// entry reads an object. It passes each member name to member, which reads the
// value and returns true if the name belongs to the signal.
func (r *fieldReader) entry(member func(name string) (known bool, err error)) error {
	if err := r.open(); err != nil {
		return err
	}
	if n := r.long[r.dec.InputOffset()]; n > 0 {
		r.attributes.EnsureCapacity(min(n, r.limits.MaxKeys))
	}
	for members := 0; r.dec.PeekKind() != '}'; members++ {
		if members == r.limits.MaxKeys {
			return r.tooManyKeys()
		}
		name, err := r.str()
		if err != nil {
			return err
		}
		known, err := member(name)
		if !known && err == nil {
			err = r.common(name)
		}
		if err != nil {
			return err
		}
		if r.line && r.endsAsKnown() {
			r.tail = r.knownTail
			return nil
		}
	}
	if err := r.token(); err != nil {
		return err
	}
	if !r.line {
		return nil
	}
	if r.seen&seenReceivedAt == 0 {
		return &refusal{reason: "received_at is missing"}
	}
	if err := r.end(); err != nil {
		return err
	}
	r.rememberEnd()
	return nil
}

// endsAsKnown reports whether received_at was read and the rest of the line
// equals known.
func (r *fieldReader) endsAsKnown() bool {
	return len(r.known) > 0 && r.seen&seenReceivedAt != 0 && bytes.Equal(r.body[r.dec.InputOffset():], r.known)
}

// rememberEnd sets known and knownTail, if only the tail follows received_at.
func (r *fieldReader) rememberEnd() {
	end := r.body[r.received:]
	if len(r.tail) > 0 && len(end) == len(`,"":}`)+len(r.tailKey)+len(r.tail) {
		r.known = append(r.known[:0], end...)
		r.knownTail = r.known[len(end)-len(r.tail)-len(`}`) : len(end)-len(`}`)]
	}
}

// common reads a member that is common to all signals or unknown.
func (r *fieldReader) common(name string) error {
	switch name {
	case memberSessionID:
		return r.promote(seenSessionID, attrSessionID, attrMember+memberSessionID)
	case memberURL:
		return r.promote(seenURL, attrURL, attrMember+memberURL)
	case memberUserAgent:
		return r.promote(seenUserAgent, attrUserAgent, attrMember+memberUserAgent)
	case memberReceivedAt:
		if r.line {
			return r.readReceivedAt()
		}
		return r.skip() // set by the server
	}
	if r.line && name == r.tailKey && r.seen&seenReceivedAt != 0 {
		raw, err := r.dec.ReadValue()
		if err != nil {
			return r.syntaxError(err)
		}
		r.tail = raw
		return nil
	}
	return r.keep(attrMember + name)
}

func (r *fieldReader) readReceivedAt() error {
	if err := r.first(seenReceivedAt); err != nil {
		return err
	}
	if r.dec.PeekKind() == '"' {
		s, err := r.str()
		if err != nil {
			return err
		}
		r.received = r.dec.InputOffset()
		if s == r.receipt {
			r.receivedAt = r.written
			return nil
		}
		if ts, ok := parseReceivedAt(s); ok {
			r.receivedAt = ts
			r.noteReceipt()
			return nil
		}
	} else if err := r.skip(); err != nil {
		return err
	}
	return &refusal{reason: "received_at is not an RFC 3339 time"}
}

// first records that a known member was read. It returns errDuplicate if that
// member was read before.
func (r *fieldReader) first(m memberSet) error {
	if r.seen&m != 0 {
		return errDuplicate
	}
	r.seen |= m
	return nil
}

// promote reads a member into attribute if it is a string, and keeps it
// otherwise.
func (r *fieldReader) promote(m memberSet, attribute, kept string) error {
	s, ok, err := r.readString(m, kept)
	if ok {
		r.attribute(attribute).SetStr(s)
	}
	return err
}

// attribute adds an attribute.
func (r *fieldReader) attribute(key string) pcommon.Value {
	r.reserve()
	return r.put(&r.attributes, key)
}

// reserve allocates the attributes of a typical entry at once. An entry without
// attributes needs no memory for them.
func (r *fieldReader) reserve() {
	if len(r.keys) == 0 {
		r.attributes.EnsureCapacity(cmp.Or(r.typical, 8))
	}
}

// readString reads a known member. ok is false if the member is not a string
// and was kept.
func (r *fieldReader) readString(m memberSet, kept string) (s string, ok bool, err error) {
	if err := r.first(m); err != nil {
		return "", false, err
	}
	if r.dec.PeekKind() != '"' {
		return "", false, r.keep(kept)
	}
	s, err = r.str()
	return s, err == nil, err
}

// keep reads a member into attribute.
func (r *fieldReader) keep(attribute string) error {
	return r.value(r.attribute(attribute))
}

// keepString stores a string that was already read in attribute.
func (r *fieldReader) keepString(attribute, s string) {
	r.attribute(attribute).SetStr(s)
}

// readAttributes reads context, attributes or labels.
func (r *fieldReader) readAttributes(kept string) error {
	if err := r.first(seenAttributes); err != nil {
		return err
	}
	if r.dec.PeekKind() != '{' {
		return r.keep(kept)
	}
	r.reserve()
	before := len(r.keys)
	if err := r.members(&r.attributes, escape); err != nil {
		return err
	}
	if len(r.keys) == before {
		r.put(&r.attributes, kept).SetEmptyMap()
	}
	return nil
}

// escape returns the attribute key for a key of the client.
func escape(key string) string {
	if reserved(key) {
		return attrEscape + key
	}
	return key
}

// readTimestamp reads a timestamp. It returns 0 if the member is unreadable.
func (r *fieldReader) readTimestamp() (pcommon.Timestamp, error) {
	s, ok, err := r.readString(seenTimestamp, attrMember+memberTimestamp)
	if !ok {
		return 0, err
	}
	ts, keep := parseTimestamp(s)
	if keep {
		r.keepString(attrMember+memberTimestamp, s)
	}
	return ts, nil
}

// standIn returns ts, or receivedAt if ts is 0. It also adds the attributes for
// a missing timestamp and for received_at, which spans and data points need.
func (r *fieldReader) standIn(ts pcommon.Timestamp) pcommon.Timestamp {
	if len(r.keys) == 0 {
		r.attributes.EnsureCapacity(3) // those added here and for a missing duration
	}
	if r.seen&seenTimestamp == 0 {
		r.put(&r.attributes, attrMissing+memberTimestamp).SetBool(true)
	}
	if ts == 0 {
		ts = r.receivedAt
	}
	r.noteReceipt()
	r.put(&r.attributes, AttrReceivedAt).SetStr(r.receipt)
	return ts
}

// noteReceipt formats receivedAt, unless it is unchanged.
func (r *fieldReader) noteReceipt() {
	if r.written != r.receivedAt {
		var b [len("2006-01-02T15:04:05.000000000Z")]byte
		r.written, r.receipt = r.receivedAt, string(formatReceivedAt(b[:0], r.receivedAt))
	}
}

// finish moves the attributes to the record.
func (r *fieldReader) finish(to pcommon.Map) {
	const most = 32 // so that one large entry does not make all others large
	r.typical = min(max(len(r.keys), r.typical-1), most)
	r.into(to, &r.attributes, 0)
}

// withoutDuplicates reads an entry again after removing repeated members, so
// that the last value of each wins. text is the entry.
func (r *fieldReader) withoutDuplicates(text []byte, read func(*fieldReader) error) error {
	object, err := lastMembersWin(text, r.limits)
	if err != nil {
		return err
	}
	s, err := newSource(object, r.limits)
	if err != nil {
		return err
	}
	defer s.release()
	again := &fieldReader{source: s, line: r.line, tailKey: r.tailKey}
	again.reset(r.receivedAt)
	err = read(again)
	r.receivedAt, r.tail = again.receivedAt, again.tail
	return err
}
