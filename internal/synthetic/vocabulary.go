// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package synthetic

// device is a browser on a kind of machine, with how fast it is: the factor
// on everything it measures.
type device struct {
	userAgent string
	slowness  float64
}

var devices = []device{
	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36", 1},
	{"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36", 0.9},
	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36 Edg/143.0.0.0", 1.1},
	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:146.0) Gecko/20100101 Firefox/146.0", 1},
	{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15", 0.7},
	{"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1", 1.3},
	{"Mozilla/5.0 (iPad; CPU OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1", 1.2},
	{"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Mobile Safari/537.36", 2.2},
	{"Mozilla/5.0 (Android 15; Mobile; rv:146.0) Gecko/146.0 Firefox/146.0", 2.5},
	{"Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-A155F) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36", 3},
}

// locale is a language that Saberloop is played in.
type locale struct {
	language          string
	topics            []string
	started, finished string
}

var locales = []locale{
	{"en", []string{"Math", "World History", "Rock 'n' Roll", "Marine Biology", "C++ & \"modern\" Go"}, "Quiz started", "Quiz finished"},
	{"pt-PT", []string{"Matemática", "História de Portugal", "Futebol", "Açores"}, "Questionário iniciado", "Questionário concluído"},
	{"es", []string{"Geografía", "Niños célebres", "Fútbol", "¿Qué animal es?"}, "Cuestionario iniciado", "Cuestionario terminado"},
	{"de", []string{"Größen & Maße", "Öffentliches Recht", "Fußball"}, "Quiz gestartet", "Quiz beendet"},
	{"fr", []string{"Œuvres d’art", "L’été à Paris", "Mathématiques"}, "Quiz commencé", "Quiz terminé"},
	{"it", []string{"Città d’Italia", "Perché il cielo è blu?"}, "Quiz iniziato", "Quiz finito"},
	{"ru", []string{"Математика", "История России"}, "Викторина началась", "Викторина завершена"},
	{"ja", []string{"数学", "日本の歴史", "アニメ"}, "クイズ開始", "クイズ終了"},
	{"zh", []string{"数学", "中国历史", "🐼 大熊猫"}, "测验开始", "测验结束"},
	{"ar", []string{"الرياضيات", "التاريخ"}, "بدأ الاختبار", "انتهى الاختبار"},
	{"hi", []string{"गणित", "भारत का इतिहास"}, "प्रश्नोत्तरी शुरू", "प्रश्नोत्तरी समाप्त"},
	{"he", []string{"מתמטיקה"}, "החידון התחיל", "החידון הסתיים"},
}

var (
	releases = []string{"2.14.0", "2.14.1", "2.15.0"}
	pages    = []string{"/quiz", "/results", "/settings", "/history", "/"}
	models   = []string{"claude", "deepseek/deepseek-chat:free", "gpt-4o-mini"}

	// operations are what the app measures, with their usual milliseconds.
	operations = []struct {
		name         string
		milliseconds float64
	}{
		{"api.generateQuestions", 2450},
		{"api.generateExplanation", 1300},
		{"db.saveSession", 9},
		{"quiz.render", 31},
		{"i18n.load", 75},
	}

	// failures are errors as the app's handler words them.
	failures = []string{
		"Failed to fetch",
		"NetworkError when attempting to fetch resource.",
		"Load failed",
		"Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON",
		"Request timed out after 30000 ms",
		"QuotaExceededError: the quota has been exceeded (session 4711)",
		"Cannot read properties of undefined (reading 'options')",
	}

	// vitals are what web-vitals reports, with the published thresholds of
	// good and poor.
	vitals = []struct {
		name       string
		good, poor float64
	}{
		{"web_vital_lcp", 2500, 4000},
		{"web_vital_inp", 200, 500},
		{"web_vital_cls", 0.1, 0.25},
	}
)
