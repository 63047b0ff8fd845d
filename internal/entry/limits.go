// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"bytes"
	"cmp"
	"math"
)

// MaxLineBytes is the maximum length of a line, including its '\n'. Longer
// lines are not written, and the daily_jsonl receiver skips them by default.
const MaxLineBytes = 2 << 20

// Limits bounds the memory and the lines that one body can cause. A field that
// is 0 has its default.
type Limits struct {
	// MaxDepth is the nesting level at which a body is refused. The object of
	// the batch itself is level 1. The default is 512.
	MaxDepth int
	// MaxEntries is the maximum number of entries in a batch, refused entries
	// included. The default is 10,000.
	MaxEntries int
	// MaxKeys is the maximum number of members in an object. An entry that
	// exceeds it is refused. The default is 1,000.
	MaxKeys int
	// MaxStringBytes is the maximum length of a string or key in JSON. An entry
	// that exceeds it is refused. The default is 1 MiB.
	MaxStringBytes int
	// MaxResourceBytes is the maximum length of the resource of the envelope in
	// JSON. The default is 8 KiB.
	MaxResourceBytes int
}

// withDefaults replaces zeros by the defaults.
func (l Limits) withDefaults() Limits {
	return Limits{
		MaxDepth:         cmp.Or(l.MaxDepth, 512),
		MaxEntries:       cmp.Or(l.MaxEntries, 10_000),
		MaxKeys:          cmp.Or(l.MaxKeys, 1_000),
		MaxStringBytes:   cmp.Or(l.MaxStringBytes, 1<<20),
		MaxResourceBytes: cmp.Or(l.MaxResourceBytes, 8<<10),
	}
}

// lineLimits are the limits for a line of a day file, whose length is limited.
var lineLimits = Limits{
	MaxDepth:       maxLineDepth,
	MaxKeys:        math.MaxInt,
	MaxStringBytes: math.MaxInt,
}

// EstimateDecodedSize returns an upper bound for the memory, in bytes, that the
// data of a body takes once Decode returned it. It does not include the body.
// It scans body, which takes a small fraction of the time of Decode.
func (l Limits) EstimateDecodedSize(body []byte) int {
	l = l.withDefaults()
	// Data without entries, and the copies of the resource.
	const fixed = 8 << 10
	return fixed + 2*copiedResource(l) + estimate(body, l.MaxEntries)
}

// copiedResource is the maximum estimate for a resource.
func copiedResource(l Limits) int { return 1<<10 + 4*l.MaxResourceBytes }

// Weight returns an upper bound for the memory, in bytes, that the data of a
// line takes once it is decoded.
func Weight(line []byte) int64 {
	const fixed = 2 << 10 // an empty record, resource and scope
	return int64(fixed + estimate(line, 1))
}

// estimate returns an upper bound for the memory of decoded JSON with at most
// maxEntries entries. The length of the text says little about it, since every
// 0 in [0,0,0] becomes a value. The characters between values do, although some
// of them are in strings.
func estimate(text []byte, maxEntries int) int {
	const (
		entry  = 464 // a record and the first allocation of its attributes
		group  = 72  // an array or object and its first element
		next   = 60  // another element, in a slice that grew to twice its length
		member = 48  // a member in addition to its value
	)
	objects := bytes.Count(text, []byte{'{'})
	// Strings take the length of the text, and those with escapes their own.
	return 2*len(text) + entry*min(objects, maxEntries) + group*(objects+bytes.Count(text, []byte{'['})) +
		next*bytes.Count(text, []byte{','}) + member*bytes.Count(text, []byte{':'})
}

// LimitError is returned for a batch that exceeds a limit and that may be
// accepted in smaller parts.
type LimitError struct {
	// Detail names the limit, for example "more than 10000 entries".
	Detail string
}

func (e *LimitError) Error() string { return "batch too large: " + e.Detail }

// longLists returns the number of members of the long arrays and objects in a
// text, by the offset after their '[' or '{'. With this number their memory is
// allocated at once. An array that grows is copied, and the copies take a
// multiple of its size until they are collected.
func longLists(text []byte, maxDepth int) map[int64]int {
	const (
		many = 1 << 10
		// Shorter texts are not scanned.
		least = 64 << 10
		// The shortest members are 0, and "":0,
		element, member = 2, 5
	)
	if len(text) < least {
		return nil
	}
	type list struct{ begin, commas, member int }
	long := map[int64]int{}
	var open []list
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i += endOfString(text[i:])
		case '[':
			open = append(open, list{begin: i + 1, member: element})
		case '{':
			open = append(open, list{begin: i + 1, member: member})
		case ',':
			if n := len(open); n > 0 {
				open[n-1].commas++
			}
		case ']', '}':
			n := len(open)
			if n == 0 {
				return long // not JSON
			}
			if l := open[n-1]; l.commas >= many {
				long[int64(l.begin)] = min(l.commas, (i-l.begin)/l.member) + 1
			}
			open = open[:n-1]
		}
		if len(open) >= maxDepth {
			return long // will be refused
		}
	}
	return long
}

// endOfString returns the offset of the quote that ends the string at the beginning
// of text, or len(text).
func endOfString(text []byte) int {
	for end := 1; ; end++ {
		quote := bytes.IndexByte(text[end:], '"')
		if quote < 0 {
			return len(text)
		}
		end += quote
		escapes := 0
		for text[end-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return end
		}
	}
}
