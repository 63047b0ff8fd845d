// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package privacyprocessor

import (
	"slices"
	"strings"
)

// keyNames is a set of names of keys, by their last byte. A key matches a name
// that it equals or ends in. Case, separators and digits at the end do not
// count: X-API-Key, apiKey and api_key_2 match api_key.
type keyNames [128][]string

func keyNamesOf(names []string) (k keyNames) {
	for _, name := range names {
		if name = normalize(name); name != "" {
			last := name[len(name)-1]
			k[last] = append(k[last], name)
		}
	}
	return k
}

// normalize removes from a name what does not count.
func normalize(name string) string {
	var b []byte
	for i := range len(name) {
		if alphanumeric[name[i]] {
			b = append(b, lower(name[i]))
		}
	}
	return strings.TrimRight(string(b), "0123456789")
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// match returns the name that key matches.
func (k *keyNames) match(key string) (string, bool) {
	end := len(key)
	for end > 0 && digit[key[end-1]] {
		end--
	}
	for end > 0 && separators[key[end-1]] {
		end--
	}
	if end == 0 || !letter[key[end-1]] {
		return "", false
	}
	for _, name := range k[lower(key[end-1])] {
		if endsIn(key[:end], name) {
			return name, true
		}
	}
	return "", false
}

// separators separate the words of a key.
var separators = classOf("", "_-. ")

// endsIn reports whether key ends in name, which is normalized.
func endsIn(key, name string) bool {
	i := len(key) - 1
	for n := len(name) - 1; n >= 0; n-- {
		for i >= 0 && separators[key[i]] {
			i--
		}
		if i < 0 || lower(key[i]) != name[n] {
			return false
		}
		i--
	}
	return true
}

// colon handles a colon.
func (f *finder) colon(i int) {
	if f.rules.URL && strings.HasPrefix(f.s[i:], "://") {
		f.url(i)
		return
	}
	if f.rules.Assignment {
		f.assignment(i)
	}
	if f.rules.APIKey && f.last <= i && strings.HasPrefix(f.s[i:], ":AA") {
		f.botToken(i)
	}
}

// equals handles an equals sign.
func (f *finder) equals(i int) {
	if !f.parameterValue(i) && f.rules.Assignment {
		f.assignment(i)
	}
}

// botToken handles the colon in the token of a Telegram bot.
func (f *finder) botToken(i int) {
	start := i
	for start > f.last && digit[f.s[start-1]] {
		start--
	}
	if end := base64URL.end(f.s, i+1); i-start >= 8 && i-start <= 10 && end-i > 30 {
		f.mask(ruleAPIKey, start, end, maskAPIKey)
	}
}

// assignment handles a colon or equals sign that may follow a secret key.
func (f *finder) assignment(i int) {
	name, ok := f.assigned(f.s, i)
	if !ok {
		return
	}
	start := i + 1
	spaces := 0
	for start < len(f.s) && (f.s[start] == ' ' || f.s[start] == '\t' || f.s[start] == '=' || f.s[start] == '>') {
		start++ // "=" and ">" for == and =>
		spaces++
	}
	quote := quoteAt(f.s, start)
	start += len(quote)
	if start == len(f.s) || strings.HasPrefix(f.s[start:], maskRedacted) {
		return
	}
	var end int
	switch {
	case quote != "":
		end = quoteEnd(f.s, start, quote)
		if end-start < 3 && !alphanumeric.in(f.s[start:end]) {
			return // Unexpected token: '<'
		}
	case f.s[i] == ':' && (f.s[start] == '{' || f.s[start] == '['):
		return // JSON: each value has a name of its own
	default:
		end = f.bareEnd(name, start, f.s[i] == ':' && spaces > 0)
	}
	if end > start && !literals[f.s[start:end]] {
		f.mask(ruleAssignment, start, end, maskRedacted)
	}
}

// literals are values that are no secret.
var literals = map[string]bool{"null": true, "true": true, "false": true, "undefined": true, "None": true, "nil": true}

// assigned returns the secret key before the colon or equals sign at i. Only a
// blank and a quote, escaped or not, may be between them.
func (st *settings) assigned(s string, i int) (string, bool) {
	end := i
	if end > 0 && s[end-1] == ' ' {
		end--
	}
	if end > 0 && (s[end-1] == '"' || s[end-1] == '\'') {
		end--
		for end > 0 && s[end-1] == '\\' {
			end--
		}
	}
	if end == 0 || !alphanumeric[s[end-1]] {
		return "", false
	}
	// The key may be anywhere in a long text.
	const longest = 64
	return st.secretKeys.match(s[max(0, end-longest):end])
}

// quoteAt returns the quote at i with the backslashes before it.
func quoteAt(s string, i int) string {
	end := i
	for end < len(s) && s[end] == '\\' {
		end++
	}
	if end < len(s) && (s[end] == '"' || s[end] == '\'' || s[end] == '`') {
		return s[i : end+1]
	}
	return ""
}

// quoteEnd returns the end of the quoted text that starts at i: the end of s if
// the closing quote is missing.
func quoteEnd(s string, i int, quote string) int {
	slashes := len(quote) - 1
	for end := i; end < len(s); end++ {
		if s[end] != quote[slashes] {
			continue
		}
		first := end
		for first > i && s[first-1] == '\\' {
			first--
		}
		if end-first <= slashes {
			return max(i, end-slashes)
		}
	}
	return len(s)
}

var bareStop = classOf("", " \t\r\n\"'`<>&;\\|")

// bareEnd returns the end of the value of name that starts at i, without quotes.
// It returns i if there is no value. prose is true after a colon and a blank,
// where a sentence may continue.
func (f *finder) bareEnd(name string, i int, prose bool) int {
	end := wordEnd(f.s, i)
	word := f.s[i:end]
	switch {
	case !alphanumeric.in(word):
		return i
	case strings.HasSuffix(name, "cookie"), strings.HasSuffix(name, "cookies"):
		if strings.Contains(word, "=") {
			return lineEnd(f.s, i)
		}
	case name == "authorization":
		switch strings.ToLower(word) {
		case "bearer", "basic", "token", "apikey", "negotiate", "ntlm":
			if end < len(f.s) && f.s[end] == ' ' {
				return wordEnd(f.s, end+1)
			}
		case "digest", "hawk", "oauth", "aws4-hmac-sha256", "signature":
			return lineEnd(f.s, i)
		}
	case prose && (strings.HasPrefix(name, "pass") || name == "pwd"):
		if slices.Contains(afterPassword, strings.ToLower(word)) {
			return i
		}
		return end
	}
	if prose && !looksRandom(word, 4, 16) {
		return i
	}
	return end
}

// afterPassword are words that follow "password:" in messages.
var afterPassword = []string{
	"a", "an", "at", "cannot", "empty", "error", "expected", "expired", "failed", "field", "has", "incorrect", "invalid",
	"is", "missing", "must", "needs", "no", "none", "not", "ok", "please", "required", "should", "the", "this", "too",
	"unknown", "was", "weak", "wrong", "you", "your",
}

// wordEnd returns the end of the word that starts at i. A bracket or comma ends
// it, unless a letter or digit follows.
func wordEnd(s string, i int) int {
	for ; i < len(s) && !bareStop[s[i]]; i++ {
		switch s[i] {
		case ',', ')', ']', '}':
			if i+1 == len(s) || s[i+1] < 0x80 && !alphanumeric[s[i+1]] {
				return i
			}
		}
	}
	return i
}

// lineEnd returns the end of the line, or of the quoted text.
func lineEnd(s string, i int) int {
	if n := strings.IndexAny(s[i:], "\r\n\"\\"); n >= 0 {
		return i + n
	}
	return len(s)
}
