// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package privacyprocessor

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/saberloop/otelcol-saberloop/internal/entry"
)

// secretTexts draws a secret and what stands in for it.
func secretTexts() *rapid.Generator[[2]string] {
	with := func(mask string, g *rapid.Generator[string]) *rapid.Generator[[2]string] {
		return rapid.Map(g, func(s string) [2]string { return [2]string{s, mask} })
	}
	return rapid.OneOf(
		with(maskEmail, rapid.StringMatching(`[a-z0-9]{1,10}([._+-][a-z0-9]{1,5}){0,2}@[a-z]{2,10}(\.[a-z]{2,3})?\.(com|org|net|de|example)`)),
		with(maskJWT, rapid.StringMatching(`eyJ[A-Za-z0-9_-]{15,40}\.eyJ[A-Za-z0-9_-]{10,60}\.[A-Za-z0-9_-]{20,60}`)),
		with(maskAPIKey, rapid.StringMatching(`AKIA[A-Z0-9]{16}|gh[pousr]_[A-Za-z]{15}[A-Za-z0-9]{20}[0-9]|glpat-[A-Za-z]{10}[0-9]{10}|sk-ant-[A-Za-z0-9]{20}1[A-Za-z0-9]{20}`)),
		with(maskCard, cards()),
	)
}

func cards() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		digits := rapid.StringMatching(`4[0-9]{14}|5[1-5][0-9]{13}|3[47][0-9]{12}|6011[0-9]{11}`).Draw(t, "digits")
		for c := '0'; c <= '9'; c++ {
			if luhn(digits + string(c)) {
				digits += string(c)
				break
			}
		}
		separator := rapid.SampledFrom([]string{"", " ", "-", ".", "\u00a0"}).Draw(t, "separator")
		groups := []int{4, 8, 12}
		if len(digits) == 15 {
			groups = []int{4, 10}
		}
		for i := len(groups) - 1; i >= 0 && separator != ""; i-- {
			digits = digits[:groups[i]] + separator + digits[groups[i]:]
		}
		return digits
	})
}

// Between neighbours that belong to no secret, exactly the secret is masked.
func TestSecretsAreMaskedExactly(t *testing.T) {
	t.Parallel()
	m := testMasker(t, nil)
	rapid.Check(t, func(t *rapid.T) {
		neighbour := rapid.SampledFrom([]string{"", " ", "\n", "\t", "\"", "(", ")", "<", ">", "[", "]", "{", "}", ",", ";", "🙂", "…", "|", "\\"})
		word := rapid.SampledFrom([]string{"", "Quiz started", "für", "日本語", "1766397600000-k3j5h2l1m", "v1.2.3", "10:00", "[email]", "a b c"})
		var want, text strings.Builder
		for range rapid.IntRange(1, 3).Draw(t, "secrets") {
			secret := secretTexts().Draw(t, "secret")
			before := word.Draw(t, "word") + rapid.SampledFrom([]string{" ", "\n", "(", "<", "\"", "🙂"}).Draw(t, "before")
			after := neighbour.Draw(t, "after")
			if after == "" {
				after = " "
			}
			text.WriteString(before + secret[0] + after)
			want.WriteString(before + secret[1] + after)
		}
		got, changed := m.text(text.String(), false)
		require.True(t, changed)
		require.Equal(t, want.String(), got)
	})
}

// Whatever stands before and behind it, no secret is left whole.
func TestSecretsAreMaskedAnywhere(t *testing.T) {
	t.Parallel()
	m := testMasker(t, nil)
	rapid.Check(t, func(t *rapid.T) {
		secret := secretTexts().Draw(t, "secret")
		before, after := rapid.String().Draw(t, "before"), rapid.String().Draw(t, "after")
		switch {
		case secret[1] == maskCard:
			// Of a longer number, or of an id, a card number is no part.
			before = strings.TrimRight(before, "0123456789.") + rapid.SampledFrom([]string{"", " ", "é", "#", "=", "-"}).Draw(t, "join")
			if after != "" && alphanumeric[after[0]] {
				after = "," + after
			}
			if before != "" && alphanumeric[before[len(before)-1]] {
				before += ":"
			}
		case strings.HasPrefix(secret[0], "sk-"):
			if before != "" && alphanumeric[before[len(before)-1]] {
				before += "/"
			}
		}
		for _, whole := range []bool{false, true} {
			got, _ := m.text(before+secret[0]+after, whole)
			require.NotContains(t, got, secret[0])
		}
	})
}

// What no rule is about stays: letters, small numbers, punctuation that means
// nothing to any of them.
func TestOtherTextStays(t *testing.T) {
	t.Parallel()
	m := testMasker(t, nil)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`([a-zäöü]{1,8}|[0-9]{1,3}|[ ,.!?()*/+#"'<>~-]){0,40}`).Draw(t, "text")
		got, changed := m.text(text, false)
		require.Equal(t, text, got)
		require.False(t, changed)
	})
}

// leaks are strict forms of what the rules find, to judge them by.
var leaks = []*regexp.Regexp{
	regexp.MustCompile(`[a-z0-9]{3,}@[a-z]{3,}\.(com|org|net)\b`),
	regexp.MustCompile(`eyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}`),
	regexp.MustCompile(`ghp_[A-Za-z]{18,}[0-9][A-Za-z0-9]{16,}`),
	regexp.MustCompile(`AKIA[A-Z0-9]{16}`),
	regexp.MustCompile(`\bhttps://[a-z]+\.com/\?[a-z]{1,3}=[A-Za-z0-9]`),
	regexp.MustCompile(`-----BEGIN PRIVATE KEY-----`),
	regexp.MustCompile(`\bpassword=[a-z0-9]{3}`),
}

func FuzzText(f *testing.F) {
	for _, text := range []string{
		"jane@example.com", "Bearer " + aJWT, "a " + aGitHubKey + " b", "4111 1111 1111 1111", "https://a:b@c.example/?d=e&f#g=h",
		"password=x", `{"token":"a \" b"}`, `{\"token\":\"x\"}`, "Cookie: a=b; c=d", "x@y.zz=1", "[email]@[jwt]", "token=[redacted]x", "#a&b;c=d?e",
	} {
		f.Add(text, false)
		f.Add(text, true)
	}
	m := testMasker(f, func(cfg *Config) { cfg.AllowedQueryParameters = []string{"q", "lang"} })
	f.Fuzz(func(t *testing.T, text string, whole bool) {
		masked, changed := m.text(text, whole)
		require.Equal(t, changed, masked != text)
		if !m.suspicious(text, whole) {
			_, found := m.round(text, whole)
			require.False(t, found, "suspicious missed something")
		}
		if utf8.ValidString(text) {
			require.True(t, utf8.ValidString(masked))
		}
		again, changed := m.text(masked, whole)
		require.Equal(t, masked, again)
		require.False(t, changed)
		for _, leak := range leaks {
			if found := leak.FindString(masked); found != "" && !strings.Contains(found, "lang=") && !strings.Contains(found, "?q=") {
				t.Errorf("%q is left of %q", found, text)
			}
		}
	})
}

// FuzzBatch goes the way of an entry: what is stored of a masked batch can be
// read again, and has nothing more to mask.
func FuzzBatch(f *testing.F) {
	for _, file := range []string{"secrets.jsonl", "harmless.jsonl"} {
		for i, c := range corpus(f, file) {
			if i%40 == 0 {
				f.Add([]byte(c.Body))
			}
		}
	}
	p := testPrivacy(f, nil)
	f.Fuzz(func(t *testing.T, body []byte) {
		decoder := entry.BatchDecoder{ServiceName: "saberloop"}
		batch, err := decoder.Decode(body, receivedAt)
		if err != nil {
			return
		}
		count := batch.Received.Total()
		process(t, p, batch)
		stored := lines(batch)
		require.Len(t, stored, count)
		process(t, p, batch)
		require.Equal(t, stored, lines(batch))
		var reader entry.LogReader
		for _, line := range stored[:batch.Received.Logs] {
			require.NoError(t, reader.Add([]byte(strings.TrimSuffix(line, "\n"))))
		}
	})
}
