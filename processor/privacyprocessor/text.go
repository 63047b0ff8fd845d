// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package privacyprocessor

import (
	"strings"
	"unicode/utf8"
)

// The masks. No matcher accepts brackets, so that masked text is not masked
// again.
const (
	maskEmail      = "[email]"
	maskJWT        = "[jwt]"
	maskToken      = "[token]"
	maskAPIKey     = "[api_key]"
	maskPrivateKey = "[private_key]"
	maskCard       = "[card]"
	maskRedacted   = "[redacted]"
)

// trigger tells what a byte may belong to. Most bytes belong to nothing that is
// masked.
type trigger uint8

const (
	triggerNone trigger = iota
	triggerDigit
	triggerAt        // an e-mail address
	triggerPercent   // one with its @ encoded
	triggerColon     // "://", or an assignment
	triggerEquals    // a parameter's value, or an assignment
	triggerParameter // in a URL
	triggerJ         // the third letter of a JSON web token
	triggerA         // a key of Amazon's or Google's
	triggerB         // Bearer, Basic
	triggerPrefixEnd // the last byte of most API keys' prefixes
)

var triggers = func() (table [256]trigger) {
	for c := '0'; c <= '9'; c++ {
		table[c] = triggerDigit
	}
	for _, c := range "?#&;" {
		table[c] = triggerParameter
	}
	for _, c := range "_-." {
		table[c] = triggerPrefixEnd
	}
	table['@'] = triggerAt
	table['%'] = triggerPercent
	table[':'] = triggerColon
	table['='] = triggerEquals
	table['J'] = triggerJ
	table['A'] = triggerA
	table['B'], table['b'] = triggerB, triggerB
	return table
}()

// maxRounds limits how often a text is searched. The second round finds what the
// masks of the first one have separated from its neighbours.
const maxRounds = 8

// text masks a string and reports whether there was something to mask. With
// dry_run it returns the string unchanged. whole is true if the string is a URL
// as a whole.
func (m *masker) text(s string, whole bool) (string, bool) {
	if s == "" {
		return s, false
	}
	known := &m.texts[hash(s)>>26]
	if known.s == s && known.whole == whole {
		return s, false
	}
	masked, changed := s, false
	if m.suspicious(s, whole) {
		masked, changed = m.round(s, whole)
		for again, rounds := changed && !m.dryRun, 1; again && rounds < maxRounds; rounds++ {
			masked, again = m.round(masked, whole)
		}
	}
	for i, pattern := range m.patterns {
		found := len(pattern.regex.FindAllStringIndex(masked, -1))
		if found == 0 {
			continue
		}
		changed = true
		m.countPattern(i, found)
		masked = pattern.regex.ReplaceAllLiteralString(masked, pattern.replacement)
	}
	if !changed {
		known.s, known.whole = s, whole
	}
	if m.dryRun {
		return s, changed
	}
	return masked, changed
}

// knownTexts caches texts without secrets. The entries of a batch have many in
// common: session, page, browser. The texts share the memory of the batch, so
// the cache is cleared after each batch.
type knownTexts [1 << 6]struct {
	s     string
	whole bool
}

// knownKeys caches keys without secrets, with their kind. An app has few keys,
// and the same ones in every batch.
type knownKeys [1 << 8]struct {
	s    string
	kind kind
}

// maxKnownKey is the maximum length of a cached key.
const maxKnownKey = 64

// hash is a quick hash of a string that is not empty.
func hash(s string) uint32 {
	n := len(s)
	return (uint32(s[0]) | uint32(s[n/2])<<8 | uint32(s[n-1])<<16 ^ uint32(n)<<20) * 0x9e3779b1
}

// suspicious reports whether s may contain something to mask. It is faster than
// round, and may report true for a string without secrets.
func (st *settings) suspicious(s string, whole bool) bool {
	inURL := whole
	for i := 0; i < len(s); i++ {
		switch triggers[s[i]] {
		case triggerNone:
		case triggerDigit:
			end := digit.end(s, i)
			if n := end - i; n == 4 && mayGroup(s, end) || n >= minCard && n <= maxCard && isCard(s[i:end]) {
				return true
			}
			i = end - 1
		case triggerAt:
			if i > 0 && (localPart[s[i-1]] || s[i-1] >= utf8.RuneSelf) || inURL {
				return true
			}
		case triggerPercent:
			if strings.HasPrefix(s[i:], "%40") {
				return true
			}
		case triggerColon:
			if strings.HasPrefix(s[i:], "://") {
				inURL = true
				i += 2
				continue
			}
			if strings.HasPrefix(s[i:], ":AA") {
				return true
			}
			if _, ok := st.assigned(s, i); ok {
				return true
			}
		case triggerEquals:
			if inURL {
				return true
			}
			if _, ok := st.assigned(s, i); ok {
				return true
			}
		case triggerParameter:
			if inURL && i+1 < len(s) && !isRoute(s[i:]) {
				return true
			}
		case triggerJ:
			if i >= 2 && s[i-2:i] == "ey" {
				return true
			}
		case triggerA:
			if i+1 < len(s) && strings.IndexByte("KSBI", s[i+1]) >= 0 {
				return true
			}
		case triggerB:
			if i+2 < len(s) && (s[i+1]|0x20 == 'e' && s[i+2]|0x20 == 'a' || s[i+1]|0x20 == 'a' && s[i+2]|0x20 == 's') {
				return true
			}
		case triggerPrefixEnd:
			if i > 0 && endsPrefix(s[:i+1]) || strings.HasPrefix(s[i:], pemBegin) {
				return true
			}
		}
	}
	return false
}

// round searches s once, from left to right.
func (m *masker) round(s string, whole bool) (string, bool) {
	f := finder{masker: m, s: s, parameter: noParameter}
	if whole && m.rules.URL {
		f.urlEnd = len(s)
		if isQuery(s) {
			f.startParameter(0)
		}
	}
	for f.i < len(s) {
		t := triggers[s[f.i]]
		if t == triggerNone {
			f.i++
			continue
		}
		f.look(t)
	}
	if f.out == nil {
		return s, false
	}
	f.out = append(f.out, s[f.last:]...)
	m.buf = f.out[:0]
	return string(f.out), true
}

// finder searches one text.
type finder struct {
	*masker
	s    string
	i    int    // current position
	last int    // out has the masked s[:last]
	out  []byte // nil if nothing has been masked

	urlEnd    int // end of the current URL
	noJWT     int // no JSON web token starts before it
	parameter int // start of the parameter's name before the next "="
}

const noParameter = -1

// look handles the trigger at i, and moves i after it or after what it masked.
func (f *finder) look(t trigger) {
	i := f.i
	f.i++
	switch t {
	case triggerDigit:
		f.digits(i)
	case triggerAt:
		if f.rules.Email {
			f.email(i, len("@"))
		}
	case triggerPercent:
		if f.rules.Email && strings.HasPrefix(f.s[i:], "%40") {
			f.email(i, len("%40"))
		}
	case triggerColon:
		f.colon(i)
	case triggerEquals:
		f.equals(i)
	case triggerParameter:
		if i < f.urlEnd {
			f.parameterStart(i)
		}
	case triggerJ:
		if f.rules.JWT {
			f.jwt(i)
		}
	case triggerA:
		if f.rules.APIKey {
			f.apiKey(i, keysFrom)
		}
	case triggerB:
		if f.rules.BearerToken {
			f.bearer(i)
		}
	case triggerPrefixEnd:
		if f.rules.APIKey && i > 0 {
			f.apiKey(i, keysBefore[f.s[i-1]])
		}
		if f.rules.PrivateKey && f.s[i] == '-' {
			f.privateKey(i)
		}
	}
}

// mask replaces s[start:end], except for what is already masked.
func (f *finder) mask(r rule, start, end int, with string) {
	start = max(start, f.last)
	if start >= end {
		return
	}
	f.count(r)
	if f.out == nil {
		f.out = f.buf[:0]
		if f.out == nil {
			f.out = make([]byte, 0, len(f.s)+len(with))
		}
	}
	f.out = append(f.out, f.s[f.last:start]...)
	f.out = append(f.out, with...)
	f.last, f.i = end, end
}

// class is a set of ASCII bytes; those beyond are in none.
type class [256]bool

func classOf(ranges string, others string) (c class) {
	for i := 0; i < len(ranges); i += 2 {
		for b := int(ranges[i]); b <= int(ranges[i+1]); b++ {
			c[b] = true
		}
	}
	for i := range len(others) {
		c[others[i]] = true
	}
	return c
}

var (
	digit        = classOf("09", "")
	letter       = classOf("azAZ", "")
	alphanumeric = classOf("azAZ09", "")
	base64URL    = classOf("azAZ09", "-_")
	token68      = classOf("azAZ09", "-._~+/=")
	base64Std    = classOf("azAZ09", "+/=-_")
)

// end returns the end of the run of bytes of c that starts at i.
func (c *class) end(s string, i int) int {
	for i < len(s) && c[s[i]] {
		i++
	}
	return i
}

// in reports whether s has a byte of c.
func (c *class) in(s string) bool {
	for i := range len(s) {
		if c[s[i]] {
			return true
		}
	}
	return false
}
