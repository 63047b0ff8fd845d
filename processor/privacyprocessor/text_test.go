// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package privacyprocessor

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/processor"
)

// Secrets of every kind, made up or taken from the documentation of whom they
// would be for. Parts of them are put together here, so that scanners of
// repositories do not take them for real ones.
const (
	aJWT       = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
	anAWSKey   = "AKIA" + "IOSFODNN7EXAMPLE"
	aGitHubKey = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
	aStripeKey = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
	anLLMKey   = "sk-or-v1-" + "0e6f44a47a05f1dad2ad7e88c4c1d6b77688157716fb1a5271146f7464951c96"
	aBotToken  = "110201543:" + "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
)

func TestText(t *testing.T) {
	t.Parallel()
	m := testMasker(t, nil)
	for _, tc := range []struct{ text, want string }{
		// E-mail addresses.
		{"jane@example.com", "[email]"},
		{"Mail from <jane.doe+quiz@mail.example.co.uk>, twice", "Mail from <[email]>, twice"},
		{"'jane@example.com'.", "'[email]'."},
		{"o'brien@example.com", "[email]"},
		{"jürgen@müller.de", "[email]"},
		{"jane%40example.com", "[email]"},
		{"a@b.co,c@d.eu;e@f.org", "[email],[email];[email]"},
		{"jane@example.com2", "[email]2"},
		{"jane@example.com_x", "[email]_x"},
		{"🙂jane@example.com🙂", "🙂[email]🙂"},
		{"mailto:jane@example.com?subject=x", "mailto:[email]?subject=x"},
		{"jane@163.com", "[email]"},
		{"a@b.c@d.example", "a@[email]"},
		{"jane@xn--mller-kva.de and jane@example.xn--p1ai", "[email] and [email]"},

		// Tokens.
		{"token is " + aJWT + ".", "token is [jwt]."},
		{"x" + aJWT, "x[jwt]"},
		{aJWT[:70], "[jwt]"},
		{"Bearer abc123", "Bearer [token]"},
		{"bearer " + strings.Repeat("x", 30), "bearer [token]"},
		{"Bearer " + aJWT, "Bearer [token]"},
		{"Basic YWxhZGRpbjpvcGVuc2VzYW1l", "Basic [token]"},
		{"Basic " + base64.StdEncoding.EncodeToString([]byte("jürgen:"+strings.Repeat("ü", 200))) + "!", "Basic [token]!"},
		{"Bearer " + strings.Repeat("abc1", 100) + ".", "Bearer [token]."},
		{"sk-" + strings.Repeat("abc1", 100) + ".", "[api_key]."},
		{"key " + anAWSKey + "!", "key [api_key]!"},
		{aGitHubKey + "\n" + aStripeKey, "[api_key]\n[api_key]"},
		{"x=" + anLLMKey, "x=[api_key]"},
		{"bot" + aBotToken + "/getMe", "bot[api_key]/getMe"},
		{"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nx", "[private_key]\nx"},
		{"-----BEGIN PRIVATE KEY-----\nMIIE", "[private_key]"},

		// Cards.
		{"4111111111111111", "[card]"},
		{"card 4111 1111 1111 1111.", "card [card]."},
		{"4111-1111-1111-1111,5500-0000-0000-0004", "[card],[card]"},
		{"3782 822463 10005 and 3056 930902 5904", "[card] and [card]"},
		{"4111\u00a01111\u00a01111\u00a01111", "[card]"},
		{"PAN4111111111111111x", "PAN[card]x"},
		{"1234 4111 1111 1111 1111 99", "1234 [card] 99"},
		{"378282246310005 4222222222222 6011000990139424", "[card] [card] [card]"},

		// URLs.
		{"https://saberloop.com/?token=abc&lang=de#x", "https://saberloop.com/?token=[redacted]&lang=de#x"},
		{"GET https://a.example/b?c=d: 404", "GET https://a.example/b?c=[redacted]: 404"},
		{"(https://a.example/?c=d).", "(https://a.example/?c=[redacted])."},
		{"at https://a.example/x.js?v=abc:10:5", "at https://a.example/x.js?v=[redacted]:10:5"},
		{"https://a.example/#access_token=abc&state=d", "https://a.example/#access_token=[redacted]&state=[redacted]"},
		{"https://a.example/#/reset?code=abc", "https://a.example/#/reset?code=[redacted]"},
		{"https://a.example/#/reset&code=abc", "https://a.example/#/reset&code=[redacted]"},
		{"https://a.example/#k3j5h2l1m", "https://a.example/#[redacted]"},
		{"https://a.example/?k3j5h2l1m", "https://a.example/?[redacted]"},
		{"https://a.example/x;jsessionid=1A2B?lang=de", "https://a.example/x;jsessionid=[redacted]?lang=de"},
		{"https://jane:pw@a.example/", "https://[redacted]@a.example/"},
		{"postgres://jane:p%40ss@db/x", "postgres://[redacted]@db/x"},
		{"https://a.example/?x=1&amp;y=2", "https://a.example/?x=[redacted]&amp;y=[redacted]"},
		{"https://a.example/jane@example.com/x", "https://a.example/[email]/x"},
		{`{"url":"https://a.example/?a=b","n":1}`, `{"url":"https://a.example/?a=[redacted]","n":1}`},
		{"https://a.example/?lang=jane@example.com", "https://a.example/?lang=[email]"},

		// Assignments.
		{"password=hunter2&user=jane", "password=[redacted]&user=jane"},
		{"DB_PASSWORD = hunter2", "DB_PASSWORD = [redacted]"},
		{"password: hunter", "password: [redacted]"},
		{`{"user":"jane","password":"a \" b","n":1}`, `{"user":"jane","password":"[redacted]","n":1}`},
		{`{\"apiKey\":\"abc\",\"n\":1}`, `{\"apiKey\":\"[redacted]\",\"n\":1}`},
		{"{token: 'abc', x: 1}", "{token: '[redacted]', x: 1}"},
		{`{"token":123456}`, `{"token":[redacted]}`},
		{"token: k3j5h2l1m, next", "token: [redacted], next"},
		{"x-api-key: 12345", "x-api-key: [redacted]"},
		{"Authorization: Basic dXNlcjpwYXNz done", "Authorization: [redacted] done"},
		{"Authorization: Bearer abc done", "Authorization: [redacted] done"},
		{"Cookie: sid=abc; theme=dark\nHost: x", "Cookie: [redacted]\nHost: x"},
		{"Set-Cookie: sid=abc", "Set-Cookie: [redacted]"},
		{"client_secret=>\"abc\"", "client_secret=>\"[redacted]\""},
		{`"secret":"cut sho`, `"secret":"[redacted]`},
	} {
		got, _ := m.text(tc.text, false)
		require.Equal(t, tc.want, got, tc.text)
		again, changed := m.text(got, false)
		require.Equal(t, got, again)
		require.False(t, changed, tc.text)
	}
}

func TestWholeURLs(t *testing.T) {
	t.Parallel()
	m := testMasker(t, nil)
	for _, tc := range []struct{ text, want string }{
		{"/quiz?token=a b c&lang=de", "/quiz?token=[redacted]&lang=de"},
		{"token=abc&lang=de", "token=[redacted]&lang=de"},
		{"app://quiz?token=(abc).", "app://quiz?token=[redacted]"},
		{"#id_token=abc", "#id_token=[redacted]"},
		{"?", "?"},
		{"", ""},
		{"https://a.example/?next=https://b.example/?c=d&lang=de", "https://a.example/?next=[redacted]&lang=de"},
	} {
		got, _ := m.text(tc.text, true)
		require.Equal(t, tc.want, got, tc.text)
	}
}

func TestHarmlessText(t *testing.T) {
	t.Parallel()
	m := testMasker(t, nil)
	for _, text := range []string{
		"", "Quiz started", "1766397600000-k3j5h2l1m", "2025-12-22T10:00:00.123Z", "+012026-01-01T00:00:00.000Z",
		"react@18.2.0", "@types/node@20.1.0", "npm i lodash@4.17.21-beta.next", "icon@2x.png", "@saberloop", "a @ b", "@", "user@localhost",
		"fn@https://saberloop.com/app/assets/index.js:1:2", "load@app.js:12:3",
		"https://saberloop.com/app/#/quiz", "https://saberloop.com/app/#faq", "https://saberloop.com/app/#section-2", "https://saberloop.com/#",
		"https://saberloop.com/?utm_source=whatsapp#/quiz", "https://saberloop.com/about?", "https://saberloop.com/a&b",
		"Mozilla/5.0 (X11; Linux x86_64; rv:109.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
		"da39a3ee5e6b4b0d3255bfef95601890afd80709", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"550e8400-e29b-41d4-a716-446655440000", "4111111111111112", "1234567890123456", "9780306406157", "12 345,67 €", "$1,299.00",
		"0.4111111111111111", "a4111111111111111f0", "41111111111111111111",
		"+49 170 1234567", "192.168.1.1:8080", "::1", "10:20:30", "1.2.3-rc.4", "sha256:abc", "web_vital_lcp", "api.generateQuestions",
		"Unexpected token: '<'", "Invalid token: expected a number", "Unexpected token < in JSON", "password: must be 8 characters", "Password: required",
		"The secret: never give up", "bearer of news", "Bearer authentication", "Basic mathematics", "basic training", "secret=", "token:", "token: null",
		`{"password":null}`, `{"tokens":512,"maxTokens":1024}`, "sk-SK", "sk-circle-fade-dot-animation", "task-force-one-two-three-four-five",
		"eyJ", "eyJhbGci", "eyJmoo.bar", "AKIA", "ghp_", "xoxo", "key-value-pairs-and-more-of-these-words", "SG.", "[email] [jwt] [redacted]",
		"50 % off", "100%", "%4", "a=b", "x: y", "cookie: accepted", "Cookies are on", "status code=404", "\xff@\xff.\xff", "@@@@", "a@.com", "a@b", "://", "http://",
	} {
		got, changed := m.text(text, false)
		require.Equal(t, text, got)
		require.False(t, changed, text)
	}
}

// testMasker returns a masker of the default configuration, changed by change.
func testMasker(tb testing.TB, change func(*Config)) *masker {
	tb.Helper()
	return testPrivacy(tb, change).maskers.New().(*masker)
}

func testPrivacy(tb testing.TB, change func(*Config)) *privacy {
	tb.Helper()
	cfg := createDefaultConfig().(*Config)
	if change != nil {
		change(cfg)
	}
	require.NoError(tb, cfg.Validate())
	p, err := newPrivacy(processor.Settings{ID: component.NewID(componentType), TelemetrySettings: componenttest.NewNopTelemetrySettings()}, cfg)
	require.NoError(tb, err)
	return p
}
