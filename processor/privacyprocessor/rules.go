// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package privacyprocessor

import (
	"encoding/base64"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// rule is a built-in rule.
type rule uint8

const (
	ruleEmail rule = iota
	ruleJWT
	ruleBearerToken
	ruleAPIKey
	rulePrivateKey
	ruleCard
	ruleURL
	ruleAssignment
	ruleSecretKey
	ruleCount
)

// ruleNames are the rules' keys in RulesConfig and their names in the metric.
var ruleNames = [ruleCount]string{
	ruleEmail:       "email",
	ruleJWT:         "jwt",
	ruleBearerToken: "bearer_token",
	ruleAPIKey:      "api_key",
	rulePrivateKey:  "private_key",
	ruleCard:        "card",
	ruleURL:         "url",
	ruleAssignment:  "assignment",
	ruleSecretKey:   "secret_key",
}

var (
	localPart = classOf("azAZ09", "._%+-'!$*~")
	label     = classOf("azAZ09", "-")
)

// email handles an @ of size bytes.
func (f *finder) email(at, size int) {
	end := domainEnd(f.s, at+size)
	if end == 0 {
		return
	}
	start := at
	for start > f.last {
		if localPart[f.s[start-1]] {
			start--
			continue
		}
		r, n := utf8.DecodeLastRuneInString(f.s[f.last:start])
		if n < 2 || !unicode.In(r, unicode.L, unicode.M) {
			break
		}
		start -= n
	}
	// Leading quotes and full stops belong to the text.
	for start < at && f.s[start] < utf8.RuneSelf && !alphanumeric[f.s[start]] && f.s[start] != '_' {
		start++
	}
	if start < at {
		f.mask(ruleEmail, start, end, maskEmail)
	}
}

// domainEnd returns the end of the domain that starts at i, or 0. A domain has
// two labels or more, and the last one consists of letters.
func domainEnd(s string, i int) int {
	first, dots, end := i, 0, 0
	var last string
	for {
		labelStart, letters := i, -1
		for i < len(s) {
			isLetter, n := letterAt(s, i)
			if !isLetter && !label[s[i]] {
				break
			}
			if !isLetter && letters < 0 {
				letters = i
			}
			i += n
		}
		if letters < 0 {
			letters = i
		}
		if i == labelStart {
			break
		}
		if strings.HasPrefix(s[labelStart:i], "xn--") {
			letters = i
		}
		if dots > 0 && utf8.RuneCountInString(s[labelStart:letters]) >= 2 {
			end, last = letters, s[labelStart:letters]
		}
		if i == len(s) || s[i] != '.' {
			break
		}
		dots++
		i++
	}
	if end == 0 || isVersion(s[first:end]) || dots == 1 && fileTypes[last] {
		return 0
	}
	return end
}

// letterAt reports whether a letter is at i, and its length in bytes.
func letterAt(s string, i int) (bool, int) {
	if s[i] < utf8.RuneSelf {
		return letter[s[i]], 1
	}
	r, n := utf8.DecodeRuneInString(s[i:])
	return unicode.In(r, unicode.L, unicode.M), n
}

// isVersion reports whether the text after an @ is a version, as in
// react@18.2.0-rc.next, or a density, as in icon@2x.webp.
func isVersion(s string) bool {
	n := digit.end(s, 0)
	if n == 0 || n == len(s) {
		return false
	}
	rest := s[n:]
	return rest[0] == '.' && len(rest) > 1 && digit[rest[1]] || strings.HasPrefix(rest, "x.")
}

// fileTypes are the ends of file names in stack traces, as in load@app.js:1:2.
var fileTypes = map[string]bool{
	"cjs": true, "css": true, "gif": true, "htm": true, "html": true, "jpeg": true, "jpg": true, "js": true, "json": true,
	"jsx": true, "mjs": true, "png": true, "svg": true, "ts": true, "tsx": true, "wasm": true, "webp": true,
}

// jwt handles the J of eyJ, which is {" in base64.
func (f *finder) jwt(i int) {
	start := i - 2
	// What follows is the same for all in a run of base64.
	if start < f.last || i < f.noJWT || f.s[start:i] != "ey" {
		return
	}
	const (
		minHeader  = 12
		minPayload = 6
	)
	end := base64URL.end(f.s, i)
	f.noJWT = end
	if end-start < minHeader || end == len(f.s) || f.s[end] != '.' {
		return
	}
	payload := end + 1
	if end = base64URL.end(f.s, payload); end-payload < minPayload {
		return
	}
	// A signature, or the other three parts of an encrypted token.
	for range 3 {
		if end == len(f.s) || f.s[end] != '.' {
			break
		}
		next := base64URL.end(f.s, end+1)
		if next == end+1 {
			break
		}
		end = next
	}
	f.mask(ruleJWT, start, end, maskJWT)
}

// bearer handles the B of Bearer or Basic.
func (f *finder) bearer(i int) {
	const longest = len("bearer")
	if len(f.s)-i < longest {
		return
	}
	switch f.s[i+1] | 0x20 {
	case 'e':
		if strings.EqualFold(f.s[i:i+len("bearer")], "bearer") {
			f.credentials(i+len("bearer"), false)
		}
	case 'a':
		if strings.EqualFold(f.s[i:i+len("basic")], "basic") {
			f.credentials(i+len("basic"), true)
		}
	}
}

func (f *finder) credentials(i int, basic bool) {
	start := i
	for start < len(f.s) && (f.s[start] == ' ' || f.s[start] == '+') {
		start++
	}
	if strings.HasPrefix(f.s[start:], "%20") {
		start += len("%20")
	}
	if start == i {
		return
	}
	text := f.s[start:token68.end(f.window(start, len(basicWindow{})), start)]
	if basic && isBasic(text) || !basic && looksRandom(strings.TrimRight(text, "."), 6, 20) {
		end := token68.end(f.s, start)
		for f.s[end-1] == '.' {
			end--
		}
		f.mask(ruleBearerToken, start, end, maskToken)
	}
}

// window returns s up to size bytes after i. It bounds the time that a text takes
// in which the start of a secret is repeated.
func (f *finder) window(i, size int) string { return f.s[:min(len(f.s), i+size)] }

// looksRandom reports whether text is not a word: it has a digit, mixed case, or
// is long.
func looksRandom(text string, least, long int) bool {
	if len(text) < least {
		return false
	}
	if len(text) >= long || digit.in(text) {
		return true
	}
	lower, upper := false, false
	for i := 1; i < len(text); i++ {
		lower = lower || 'a' <= text[i] && text[i] <= 'z'
		upper = upper || 'A' <= text[i] && text[i] <= 'Z'
	}
	return lower && upper
}

// basicWindow is how much of Basic credentials is decoded. Its length is a
// multiple of four.
type basicWindow [96]byte

// isBasic reports whether text is user:password in base64.
func isBasic(text string) bool {
	text = strings.TrimRight(text[:base64Std.end(text, 0)], "=")
	if len(text) < 6 {
		return false
	}
	encoding := base64.RawStdEncoding
	if strings.ContainsAny(text, "-_") {
		encoding = base64.RawURLEncoding
	}
	// The window may have cut the text. A multiple of four bytes can be decoded by
	// itself.
	if len(text) > len(basicWindow{})-8 {
		text = text[:len(basicWindow{})-8]
	}
	var encoded, decoded basicWindow
	n, err := encoding.Decode(decoded[:], encoded[:copy(encoded[:], text)])
	if err != nil {
		return false
	}
	colon := false
	for _, c := range decoded[:n] {
		if c < ' ' || c == 0x7f {
			return false
		}
		colon = colon || c == ':'
	}
	return colon && utf8.Valid(trimRune(decoded[:n]))
}

// trimRune removes a rune at the end of b that is cut.
func trimRune(b []byte) []byte {
	for i := 1; i <= min(len(b), utf8.UTFMax-1); i++ {
		if c := b[len(b)-i]; utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(b[len(b)-i:]) {
				return b[:len(b)-i]
			}
			break
		}
	}
	return b
}

const pemBegin = "-----BEGIN "

// privateKey handles a dash.
func (f *finder) privateKey(i int) {
	const (
		header = "PRIVATE KEY"
		end    = "-----END "
		line   = "-----"
	)
	if !strings.HasPrefix(f.s[i:], pemBegin) {
		return
	}
	name := f.s[i+len(pemBegin):]
	name = name[:min(len(name), len("ENCRYPTED ")+len(header)+len(" BLOCK"))]
	if !strings.Contains(name, header) {
		return
	}
	stop := len(f.s) // cut short
	if n := strings.Index(f.s[i:], end); n >= 0 {
		stop = i + n + len(end)
		if n := strings.Index(f.s[stop:], line); n >= 0 {
			stop += n + len(line)
		}
	}
	f.mask(rulePrivateKey, i, stop, maskPrivateKey)
}

// keyShape is what keys of one kind look like.
type keyShape struct {
	// prefix is how they begin.
	prefix string
	// least is the minimum number of characters after the prefix.
	least int
	// alone is true for prefixes that ordinary words contain. No letter or digit
	// may come before such a key, and it must contain 16 letters and digits in a
	// row, one of them a digit.
	alone bool
}

// keyShapes are the kinds of keys with a prefix that ends in a byte of
// triggerPrefixEnd. The minimum lengths are below those of the providers, so
// that truncated keys are found.
var keyShapes = slices.Concat(
	shapesOf(10, false, "xoxa- xoxb- xoxc- xoxd- xoxe- xoxe. xoxp- xoxr- xoxs- xapp- sk_live_ sk_test_ rk_live_ rk_test_"),
	shapesOf(16, false, "glpat- gldt- glptt- glrt- whsec_ GOCSPX- sb_secret_ dckr_pat_ sq0atp- sq0csp-"),
	shapesOf(20, false, "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ shpat_ shpca_ shppa_ shpss_ lin_api_ figd_ glsa_ rubygems_ PMAK-"),
	// sk- is for OpenAI, Anthropic, OpenRouter and DeepSeek.
	shapesOf(20, true, "sk- gsk_ xai- pplx- hf_ r8_ tvly- SG. npm_ pypi- ya29. sbp_ ntn_ hvs. phx_"),
	shapesOf(32, false, "dop_v1_ doo_v1_ dor_v1_"),
	shapesOf(32, true, "key-"),
)

func shapesOf(least int, alone bool, prefixes string) (shapes []keyShape) {
	for prefix := range strings.FieldsSeq(prefixes) {
		shapes = append(shapes, keyShape{prefix, least, alone})
	}
	return shapes
}

// keysFrom are the kinds of keys that begin with an A.
var keysFrom = []keyShape{{"AKIA", 12, false}, {"ASIA", 12, false}, {"ABIA", 12, false}, {"AIza", 30, false}}

// keysBefore has the keyShapes by the second last byte of their prefixes.
var keysBefore = func() (table [256][]keyShape) {
	for _, shape := range keyShapes {
		c := shape.prefix[len(shape.prefix)-2]
		table[c] = append(table[c], shape)
	}
	return table
}()

// endsPrefix reports whether s ends in a prefix of keyShapes.
func endsPrefix(s string) bool {
	for _, shape := range keysBefore[s[len(s)-2]] {
		if strings.HasSuffix(s, shape.prefix) {
			return true
		}
	}
	return false
}

var keyBody = classOf("azAZ09", "-_.")

// apiKey looks for keys of the given shapes. At i is the A that they begin with,
// or the last byte of their prefix.
func (f *finder) apiKey(i int, shapes []keyShape) {
	for _, shape := range shapes {
		n := len(shape.prefix)
		start := i
		if f.s[i] != 'A' {
			start = i + 1 - n
		}
		if start < f.last || len(f.s)-start < n+shape.least || f.s[start:start+n] != shape.prefix {
			continue
		}
		body := &keyBody
		if f.s[i] == 'A' {
			body = &base64URL
		}
		end := body.end(f.window(start+n, 48), start+n)
		for f.s[end-1] == '.' {
			end--
		}
		if end-start < n+shape.least || !digit.in(f.s[start+n:end]) && shape.prefix[0] != 'A' {
			continue
		}
		if shape.prefix[0] == 'A' && shape.prefix != "AIza" && !isUpper(f.s[start+n:start+n+shape.least]) {
			continue
		}
		if shape.alone && (start > 0 && alphanumeric[f.s[start-1]] || !hasRun(f.s[start+n:end])) {
			continue
		}
		end = body.end(f.s, start+n)
		for f.s[end-1] == '.' {
			end--
		}
		f.mask(ruleAPIKey, start, end, maskAPIKey)
		return
	}
}

func isUpper(s string) bool {
	for i := range len(s) {
		if !digit[s[i]] && (s[i] < 'A' || 'Z' < s[i]) {
			return false
		}
	}
	return true
}

// hasRun reports whether s has 16 letters and digits in a row, one a digit.
func hasRun(s string) bool {
	for i := 0; i < len(s); i++ {
		end := alphanumeric.end(s, i)
		if end-i >= 16 && digit.in(s[i:end]) {
			return true
		}
		i = end
	}
	return false
}
