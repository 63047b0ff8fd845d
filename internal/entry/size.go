// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import "bytes"

// Weight estimates how many bytes of memory the data of a line takes once it is
// decoded. That has little to do with the line's length: every 0 of [0,0,0] is
// a value of its own. It is seen by the characters that stand between values,
// those in strings counted too.
func Weight(line []byte) int64 {
	const (
		record = 512 // with its usual attributes
		value  = 24  // in a list
		member = 32  // its key, beside the value
	)
	values := bytes.Count(line, []byte{','}) + bytes.Count(line, []byte{'['}) + bytes.Count(line, []byte{'{'})
	members := bytes.Count(line, []byte{':'})
	// The line itself, and the copy that strings are cut from.
	text := 2 * len(line)
	return int64(record + text + value*values + member*members)
}

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
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
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
