// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package privacyprocessor

import (
	"math"
	"strconv"
	"strings"
)

const (
	minCard = 13
	maxCard = 19
)

// digits handles a run of digits.
func (f *finder) digits(i int) {
	end := digit.end(f.s, i)
	f.i = end
	if !f.rules.Card {
		return
	}
	switch n := end - i; {
	case n == 4:
		if end := groupedCard(f.s, i); end > 0 {
			f.mask(ruleCard, i, end, maskCard)
		}
	case minCard <= n && n <= maxCard:
		if isCard(f.s[i:end]) && !inFraction(f.s, i) && !inID(f.s, i, end) {
			f.mask(ruleCard, i, end, maskCard)
		}
	}
}

// inFraction reports whether the digits at i follow a decimal point.
func inFraction(s string, i int) bool { return i >= 2 && s[i-1] == '.' && digit[s[i-2]] }

// inID reports whether s[start:end] is part of a word with more digits, such as a
// hash or a random ID.
func inID(s string, start, end int) bool {
	// Longer words are no IDs.
	const longest = 128
	before := start
	for before > max(0, start-longest) && alphanumeric[s[before-1]] {
		before--
	}
	after := alphanumeric.end(s[:min(len(s), end+longest)], end)
	return digit.in(s[before:start]) || digit.in(s[end:after])
}

// grouped has the lengths of the groups of digits on cards.
var grouped = [...][]int{{4, 4, 4, 4, 3}, {4, 4, 4, 4}, {4, 6, 5}, {4, 6, 4}}

// groupedCard returns the end of the card number that starts at i with a group
// of four digits, or 0. All groups have the same separator.
func groupedCard(s string, i int) int {
	separator := separatorAt(s, i+4)
	if separator == "" {
		return 0
	}
	var number [maxCard]byte
	for _, groups := range grouped {
		at, n := i, 0
		for g, size := range groups {
			if g > 0 {
				if !strings.HasPrefix(s[at:], separator) {
					n = 0
					break
				}
				at += len(separator)
			}
			if digit.end(s, at)-at != size {
				n = 0
				break
			}
			n += copy(number[n:], s[at:at+size])
			at += size
		}
		if n > 0 && isCard(string(number[:n])) {
			return at
		}
	}
	return 0
}

// mayGroup reports whether a second group of a card number may follow at i.
func mayGroup(s string, i int) bool {
	separator := separatorAt(s, i)
	if separator == "" {
		return false
	}
	start := i + len(separator)
	n := digit.end(s, start) - start
	return n == 4 || n == 6
}

// separatorAt returns the separator at i if a digit follows it.
func separatorAt(s string, i int) string {
	n := 1
	switch {
	case strings.HasPrefix(s[i:], "\u00a0"):
		n = len("\u00a0")
	case strings.HasPrefix(s[i:], "%20"):
		n = len("%20")
	case i < len(s) && strings.IndexByte(" -.+_/", s[i]) < 0:
		return ""
	}
	if i+n >= len(s) || !digit[s[i+n]] {
		return ""
	}
	return s[i : i+n]
}

// isCard reports whether digits are a card number: they have a length and start
// that card networks use, and the right check digit.
func isCard(digits string) bool {
	return isIssued(digits) && luhn(digits)
}

// isIssued reports whether digits have a start and length that card networks
// use. https://en.wikipedia.org/wiki/Payment_card_number
func isIssued(digits string) bool {
	n := len(digits)
	if n < minCard || maxCard < n {
		return false
	}
	four := int(digits[0]-'0')*1000 + int(digits[1]-'0')*100 + int(digits[2]-'0')*10 + int(digits[3]-'0')
	three, two := four/10, four/100
	switch four / 1000 {
	case 2: // Mastercard, Mir
		return n == 16 && (2221 <= four && four <= 2720 || 2200 <= four && four <= 2204)
	case 3:
		switch {
		case two == 34, two == 37: // American Express
			return n == 15
		case 300 <= three && three <= 305, four == 3095, two == 36, two == 38, two == 39: // Diners Club
			return n == 14 || n == 16
		default: // JCB
			return 3528 <= four && four <= 3589 && n >= 16
		}
	case 4: // Visa
		return n == 13 || n == 16 || n == 19
	case 5: // Mastercard, Maestro
		return two >= 51 && two <= 55 && n == 16 || (two == 50 || two >= 56) && n >= 16
	case 6: // Discover, UnionPay, Maestro, RuPay
		return n >= 16 && (two == 60 || two >= 62 && two <= 65 || two == 67)
	case 8: // UnionPay, RuPay
		return n >= 16 && (two == 81 || two == 82)
	case 9: // Troy
		return n == 16 && four == 9792
	}
	return false
}

func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// isCardNumber reports whether an integer is a card number.
func isCardNumber(n int64) bool {
	if n < 0 {
		n = -n
	}
	if n < 1e12 {
		return false
	}
	var b [maxCard + 1]byte
	return isCard(string(strconv.AppendInt(b[:0], n, 10)))
}

// isCardDouble reports whether a double is a card number.
func isCardDouble(f float64) bool {
	f = math.Abs(f)
	return f >= 1e12 && f < 1<<63 && f == math.Trunc(f) && isCardNumber(int64(f))
}
