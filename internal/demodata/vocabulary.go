// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package demodata

// agent is a browser on a kind of device. Its durations are the usual ones
// times slow.
type agent struct {
	device, userAgent string
	slow              float64
}

var agents = []agent{
	{"desktop", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36", 1},
	{"desktop", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36 Edg/143.0.0.0", 1.1},
	{"desktop", "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0", 1},
	{"desktop", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15", 0.9},
	{"mobile", "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Mobile Safari/537.36", 2.1},
	{"mobile", "Mozilla/5.0 (Android 15; Mobile; rv:146.0) Gecko/146.0 Firefox/146.0", 2.4},
	{"mobile", "Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-A155F) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36", 3},
	{"mobile", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1", 1.5},
	{"tablet", "Mozilla/5.0 (iPad; CPU OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1", 1.4},
}

// locale is a language in which people play.
type locale struct {
	language string
	topics   []string
}

// locales has English several times, as the most common language.
var locales = []locale{
	english, english, english, english, english, english,
	{"pt-PT", []string{"Matemática", "História de Portugal", "Açores"}},
	{"es", []string{"Geografía", "¿Qué animal es?"}},
	{"de", []string{"Größen & Maße", "Fußball"}},
	{"fr", []string{"Œuvres d’art", "L’été à Paris"}},
	{"it", []string{"Perché il cielo è blu?"}},
	{"ru", []string{"Математика", "История России"}},
	{"ja", []string{"数学", "日本の歴史", "アニメ"}},
	{"zh", []string{"数学", "🐼 大熊猫"}},
	{"ar", []string{"الرياضيات"}},
	{"hi", []string{"भारत का इतिहास"}},
	{"he", []string{"מתמטיקה"}},
}

var english = locale{"en", []string{"Math", "History", "Rock 'n' Roll", "C++ & \"modern\" Go"}}

var models = []string{"claude", "gpt", "llama"}

// releases lists the releases with the day of the month on which each comes out.
var releases = []struct {
	day  int
	name string
}{{0, "1.8.0"}, {7, "1.9.0"}, {ReleaseDay, "2.0.0"}, {23, "2.0.1"}}
