// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package privacyprocessor

import (
	"encoding/base64"
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

// email looks at an @ of so many bytes.
func (f *finder) email(at, size int) {
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
	// Quotes and full stops in front are the text's.
	for start < at && f.s[start] < utf8.RuneSelf && !alphanumeric[f.s[start]] && f.s[start] != '_' {
		start++
	}
	if start == at {
		return
	}
	if end := domainEnd(f.s, at+size); end > 0 {
		f.mask(ruleEmail, start, end, maskEmail)
	}
}

// domainEnd returns where the domain that begins at i ends, 0 where there is
// none: labels with dots between, the last one in letters.
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

// letterAt says whether a letter stands at i, and how many bytes it has.
func letterAt(s string, i int) (bool, int) {
	if s[i] < utf8.RuneSelf {
		return letter[s[i]], 1
	}
	r, n := utf8.DecodeRuneInString(s[i:])
	return unicode.In(r, unicode.L, unicode.M), n
}

// isVersion says whether what follows an @ is a version, as in
// react@18.2.0-rc.next, or a density, as in icon@2x.webp.
func isVersion(s string) bool {
	n := digit.end(s, 0)
	if n == 0 || n == len(s) {
		return false
	}
	rest := s[n:]
	return rest[0] == '.' && len(rest) > 1 && digit[rest[1]] || strings.HasPrefix(rest, "x.")
}

// fileTypes end names of files in stack traces (load@app.js:1:2), and no
// addresses.
var fileTypes = map[string]bool{
	"cjs": true, "css": true, "gif": true, "htm": true, "html": true, "jpeg": true, "jpg": true, "js": true, "json": true,
	"jsx": true, "mjs": true, "png": true, "svg": true, "ts": true, "tsx": true, "wasm": true, "webp": true,
}

// jwt looks at the J of eyJ, which is {" in base64.
func (f *finder) jwt(i int) {
	start := i - 2
	if start < f.last || f.s[start:i] != "ey" {
		return
	}
	const (
		minHeader  = 12
		minPayload = 6
	)
	end := base64URL.end(f.s, i)
	if end-start < minHeader || end == len(f.s) || f.s[end] != '.' {
		return
	}
	payload := end + 1
	if end = base64URL.end(f.s, payload); end-payload < minPayload {
		return
	}
	// A signature, or the three more parts of an encrypted token.
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

// bearer looks at a B of Bearer or Basic.
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
	end := token68.end(f.s, start)
	for end > start && f.s[end-1] == '.' {
		end--
	}
	text := f.s[start:end]
	if basic && isBasic(text) || !basic && looksRandom(text, 6, 20) {
		f.mask(ruleBearerToken, start, end, maskToken)
	}
}

// looksRandom says whether text is no word: it has a digit, or capitals within,
// or is long.
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

// isBasic says whether text is a user name, a colon and a password in base64.
func isBasic(text string) bool {
	text = text[:base64Std.end(text, 0)]
	text = strings.TrimRight(text, "=")
	var decoded [512]byte
	if len(text) < 6 {
		return false
	}
	// Four bytes of text at a time, so that a part can be decoded by itself.
	text = text[:min(len(text), len(decoded)/3*4)]
	encoding := base64.RawStdEncoding
	if strings.ContainsAny(text, "-_") {
		encoding = base64.RawURLEncoding
	}
	var encoded [len(decoded) / 3 * 4]byte
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
	return colon && utf8.Valid(decoded[:n])
}

const pemBegin = "-----BEGIN "

// privateKey looks at a dash.
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
	// prefix is what they begin with.
	prefix string
	// least is how many characters follow it, at least.
	least int
	// alone is for a prefix that words end in: no letter or digit stands before
	// the key, and a run of 16 letters and digits is in it, with a digit.
	alone bool
}

// keyShapes are the keys that are known by their prefix, which end in a byte of
// triggerPrefixEnd. The lengths are somewhat below those that providers give,
// for keys that were cut short.
var keyShapes = []keyShape{
	{"ghp_", 20, false}, {"gho_", 20, false}, {"ghu_", 20, false}, {"ghs_", 20, false}, {"ghr_", 20, false},
	{"github_pat_", 20, false},
	{"glpat-", 16, false}, {"gldt-", 16, false}, {"glptt-", 16, false}, {"glrt-", 16, false},
	{"xoxb-", 10, false}, {"xoxp-", 10, false}, {"xoxa-", 10, false}, {"xoxr-", 10, false}, {"xoxs-", 10, false},
	{"xoxe-", 10, false}, {"xoxc-", 10, false}, {"xoxd-", 10, false}, {"xoxe.", 10, false}, {"xapp-", 10, false},
	{"sk_live_", 10, false}, {"rk_live_", 10, false}, {"sk_test_", 10, false}, {"rk_test_", 10, false}, {"whsec_", 16, false},
	{"sk-", 20, true}, // OpenAI, Anthropic, OpenRouter, DeepSeek
	{"gsk_", 20, true}, {"xai-", 20, true}, {"pplx-", 20, true}, {"hf_", 20, true}, {"r8_", 20, true}, {"tvly-", 20, true},
	{"SG.", 20, true}, {"key-", 32, true}, {"npm_", 20, true}, {"pypi-", 20, true},
	{"ya29.", 20, true}, {"GOCSPX-", 16, false},
	{"shpat_", 20, false}, {"shpca_", 20, false}, {"shppa_", 20, false}, {"shpss_", 20, false},
	{"dop_v1_", 32, false}, {"doo_v1_", 32, false}, {"dor_v1_", 32, false},
	{"sbp_", 20, true}, {"sb_secret_", 16, false}, {"lin_api_", 20, false}, {"ntn_", 20, true}, {"figd_", 20, false},
	{"dckr_pat_", 16, false}, {"sq0atp-", 16, false}, {"sq0csp-", 16, false}, {"hvs.", 20, true}, {"glsa_", 20, false},
	{"rubygems_", 20, false}, {"PMAK-", 20, false}, {"phx_", 20, true},
}

// keysFrom are the keys that begin with an A, and have no prefix of their own.
var keysFrom = []keyShape{{"AKIA", 12, false}, {"ASIA", 12, false}, {"ABIA", 12, false}, {"AIza", 30, false}}

// keysBefore are the keyShapes by the last byte but one of their prefixes.
var keysBefore = func() (table [256][]keyShape) {
	for _, shape := range keyShapes {
		c := shape.prefix[len(shape.prefix)-2]
		table[c] = append(table[c], shape)
	}
	return table
}()

// endsPrefix says whether s ends in the prefix of keyShapes.
func endsPrefix(s string) bool {
	for _, shape := range keysBefore[s[len(s)-2]] {
		if strings.HasSuffix(s, shape.prefix) {
			return true
		}
	}
	return false
}

var keyBody = classOf("azAZ09", "-_.")

// apiKey looks for keys of some shapes at the A that they begin with, or at the
// last byte of their prefix.
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
		end := body.end(f.s, start+n)
		for f.s[end-1] == '.' {
			end--
		}
		if end-start < n+shape.least || !digit.in(f.s[start+n:end]) && !strings.HasPrefix(shape.prefix, "A") {
			continue
		}
		if shape.prefix[0] == 'A' && shape.prefix != "AIza" && !isUpper(f.s[start+n:start+n+shape.least]) {
			continue
		}
		if shape.alone && (start > 0 && alphanumeric[f.s[start-1]] || !hasRun(f.s[start+n:end])) {
			continue
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

// hasRun says whether s has a run of 16 letters and digits, with a digit.
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
