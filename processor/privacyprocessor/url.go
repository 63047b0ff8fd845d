// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package privacyprocessor

import (
	"strings"
	"unicode/utf8"
)

// urlStop ends a URL within a text.
var urlStop = classOf("\x00\x20", "\"'<>`\\{}|^\x7f")

// url handles the colon of "://".
func (f *finder) url(i int) {
	f.i = i + len("://")
	if i == 0 || !alphanumeric[f.s[i-1]] {
		return
	}
	if i >= f.urlEnd {
		f.urlEnd = urlEnd(f.s, f.i)
		f.parameter = noParameter
	}
	authority := f.i
	end := authority
	at := -1
	for ; end < f.urlEnd && !strings.ContainsRune("/?#&", rune(f.s[end])); end++ {
		if f.s[end] == '@' {
			at = end
		}
	}
	if at > authority && f.s[authority:at] != maskRedacted {
		f.mask(ruleURL, authority, at, maskRedacted)
	}
}

// urlEnd returns the end of the URL whose authority starts at i. Punctuation
// after the URL does not belong to it, nor do the line and column in a stack
// trace.
func urlEnd(s string, i int) int {
	end := i
	for end < len(s) && !urlStop[s[end]] {
		end++
	}
	for numbers := 0; end > i; {
		if strings.ContainsRune(".,:!?)", rune(s[end-1])) {
			end--
			continue
		}
		start := end
		for start > i && digit[s[start-1]] {
			start--
		}
		if numbers == 2 || start == end || end-start > 7 || start == i || s[start-1] != ':' {
			break
		}
		numbers++
		end = start - 1
	}
	return end
}

// isQuery reports whether a string that should be a URL is only a query or
// fragment.
func isQuery(s string) bool {
	i := strings.IndexAny(s, "=?#/:")
	return i > 0 && s[i] == '='
}

// parameterStart handles a byte that separates parameters.
func (f *finder) parameterStart(i int) {
	c := f.s[i]
	if c == '&' && f.parameter == noParameter {
		return // it has no meaning in a path
	}
	f.parameter = noParameter
	if isRoute(f.s[i:f.urlEnd]) {
		f.parameter = amongParameters
		return
	}
	f.startParameter(i + 1)
}

// isRoute reports whether s starts with a fragment that is a route of the app.
// Parameters may follow as in a path.
func isRoute(s string) bool { return strings.HasPrefix(s, "#/") || strings.HasPrefix(s, "#!/") }

// amongParameters means that parameters may follow without a "?".
const amongParameters = -2

// startParameter handles the start of a parameter.
func (f *finder) startParameter(i int) {
	end := i
	for end < f.urlEnd && f.s[end] != '=' && triggers[f.s[end]] != triggerParameter {
		end++
	}
	if end < f.urlEnd && f.s[end] == '=' {
		f.parameter = i
		return
	}
	f.parameter = amongParameters
	if text := f.s[i:end]; text != maskRedacted && !isAnchor(text) {
		f.mask(ruleURL, i, end, maskRedacted)
	}
}

// parameterValue handles a "=", and reports whether it belongs to a parameter.
func (f *finder) parameterValue(i int) bool {
	if i >= f.urlEnd || f.parameter < 0 {
		return false
	}
	name := f.s[f.parameter:i]
	ofPath := f.parameter > 0 && f.s[f.parameter-1] == ';'
	f.parameter = amongParameters
	if f.allowed[name] {
		return true
	}
	end := i + 1
	for end < f.urlEnd && f.s[end] != '&' && f.s[end] != '#' && (f.s[end] != '?' || !ofPath) {
		end++
	}
	if end > i+1 && f.s[i+1:end] != maskRedacted {
		f.mask(ruleURL, i+1, end, maskRedacted)
	}
	return true
}

// isAnchor reports whether text consists of words and small numbers, as the
// anchors of a page do.
func isAnchor(text string) bool {
	const longest = 64
	if len(text) > longest {
		return false
	}
	for i := 0; i < len(text); {
		end := i
		for end < len(text) && (letter[text[end]] || text[end] >= utf8.RuneSelf) {
			end++
		}
		number := digit.end(text, end)
		if number == i || number-end > 3 {
			return false
		}
		if i = number; i == len(text) {
			return true
		}
		if !strings.ContainsRune("-_.:", rune(text[i])) {
			return false
		}
		i++
	}
	return true
}
