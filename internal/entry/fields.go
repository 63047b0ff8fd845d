// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"bytes"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/xpdata"
)

// fieldReader reads the members of one entry, from a batch or from a line.
// What all signals have in common is here; log.go, span.go and metric.go add
// their own.
type fieldReader struct {
	*source
	attributes xpdata.MapBuilder
	seen       memberSet

	// line is true for a line of a day file: its received_at counts, and what
	// follows received_at under the name of tailKey is its tail.
	line    bool
	tailKey string
	tail    []byte
	// received is where received_at ends in the line. known is what a line
	// before this one had behind it, nothing but the tail knownTail: many lines
	// end alike, and what was read once need not be read again.
	received         int64
	known, knownTail []byte

	// receivedAt is given for an entry of a batch, and read from a line.
	receivedAt pcommon.Timestamp
	// written is the receivedAt that was last written as receipt, and outlives
	// reset: many entries are received in the same second.
	written pcommon.Timestamp
	receipt string
}

// reset makes the reader ready for the next entry.
func (r *fieldReader) reset(receivedAt pcommon.Timestamp) {
	// A refused entry leaves its attributes behind.
	r.attributes = xpdata.MapBuilder{}
	// Room for a typical entry's attributes in one allocation.
	r.attributes.EnsureCapacity(8)
	r.dropKeys(0)
	r.seen, r.tail, r.receivedAt = 0, nil, receivedAt
}

// entry reads an object, handing the members that are the signal's own to
// member, which says whether it knew the name.
func (r *fieldReader) entry(member func(name string) (known bool, err error)) error {
	if err := r.open(); err != nil {
		return err
	}
	for r.dec.PeekKind() != '}' {
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

// endsAsKnown says whether received_at was read, and nothing but what is known
// follows.
func (r *fieldReader) endsAsKnown() bool {
	return len(r.known) > 0 && r.seen&seenReceivedAt != 0 && bytes.Equal(r.body[r.dec.InputOffset():], r.known)
}

// rememberEnd remembers how the line ends, if that is its tail and no more.
func (r *fieldReader) rememberEnd() {
	end := r.body[r.received:]
	if len(r.tail) > 0 && len(end) == len(`,"":}`)+len(r.tailKey)+len(r.tail) {
		r.known = append(r.known[:0], end...)
		r.knownTail = r.known[len(end)-len(r.tail)-len(`}`) : len(end)-len(`}`)]
	}
}

// common reads a member that means the same in all signals, or none.
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
		return r.skip() // the server sets it
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
	return &refusal{reason: "received_at is no RFC 3339 time"}
}

// first notes that a known member was seen, which must be the first time.
func (r *fieldReader) first(m memberSet) error {
	if r.seen&m != 0 {
		return errDuplicate
	}
	r.seen |= m
	return nil
}

// promote reads a member that has an attribute of its own if it is a string,
// and is kept if not.
func (r *fieldReader) promote(m memberSet, attribute, kept string) error {
	s, ok, err := r.readString(m, kept)
	if ok {
		r.put(&r.attributes, attribute).SetStr(s)
	}
	return err
}

// readString reads a known member. ok is false where it is no string, and was
// kept.
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

// keep reads a member and keeps it as an attribute.
func (r *fieldReader) keep(attribute string) error {
	return r.value(r.put(&r.attributes, attribute))
}

// keepString keeps a member that was read as a string.
func (r *fieldReader) keepString(attribute, s string) {
	r.put(&r.attributes, attribute).SetStr(s)
}

// readAttributes reads context, attributes or labels.
func (r *fieldReader) readAttributes(kept string) error {
	if err := r.first(seenAttributes); err != nil {
		return err
	}
	if r.dec.PeekKind() != '{' {
		return r.keep(kept)
	}
	before := len(r.keys)
	if err := r.members(&r.attributes, escape); err != nil {
		return err
	}
	if len(r.keys) == before {
		r.put(&r.attributes, kept).SetEmptyMap()
	}
	return nil
}

// escape gives the attribute of a client's own key.
func escape(key string) string {
	if reserved(key) {
		return attrEscape + key
	}
	return key
}

// readTimestamp reads a timestamp; it is 0 where there is none to read.
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

// standIn gives the time of a span or data point whose entry has none, and
// notes the receipt.
func (r *fieldReader) standIn(ts pcommon.Timestamp) pcommon.Timestamp {
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

// noteReceipt writes receivedAt as receipt, where it is not the one before.
func (r *fieldReader) noteReceipt() {
	if r.written != r.receivedAt {
		var b [len("2006-01-02T15:04:05.000000000Z")]byte
		r.written, r.receipt = r.receivedAt, string(formatReceivedAt(b[:0], r.receivedAt))
	}
}

// finish hands over the attributes.
func (r *fieldReader) finish(to pcommon.Map) {
	r.into(to, &r.attributes, 0)
}

// withoutDuplicates reads once more an entry that gives a known member twice,
// less the first of the two. text is the entry.
func (r *fieldReader) withoutDuplicates(text []byte, read func(*fieldReader) error) error {
	object, err := lastMembersWin(text, r.maxDepth)
	if err != nil {
		return err
	}
	s, err := newSource(object, r.maxDepth)
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
