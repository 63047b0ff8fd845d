// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"pgregory.net/rapid"
)

// lineOf returns a log line whose context has the member a.
func lineOf(value string) []byte {
	return []byte(`{"context":{"a":` + value + `},"received_at":"2025-12-22T10:00:05Z"}`)
}

func readLogLine(t testing.TB, line []byte) plog.Logs {
	t.Helper()
	var r LogReader
	require.NoError(t, r.Add(line))
	return r.Take()
}

func TestLongLists(t *testing.T) {
	t.Parallel()
	const many = 40_000 // enough for the text to be scanned
	zeros := strings.Repeat("0,", many-1) + "0"
	members := strings.Repeat(`"":0,`, many-1) + `"":0`
	for text, want := range map[string]map[int64]int{
		"[" + zeros + "]":                         {1: many},
		" [[], [" + zeros + "],[0]]":              {7: many},
		"{" + members + "}":                       {1: many},
		`{"[{,":"\"[,\\",` + members + "}":        {1: many + 1},
		`{"a":{` + members + `},"b":[` + zeros:    {6: many},
		"]" + zeros:                               {},
		"[" + strings.Repeat("[],", many) + "[]]": {1: many + 1},
		// The number for invalid JSON is limited by the length of the text.
		"[" + strings.Repeat(",", many<<1) + "]": {1: many + 1},
		"{" + strings.Repeat(",", many<<1) + "}": {1: many<<1/5 + 1},
		`"` + strings.Repeat("a", many<<1):       {},
		`"` + strings.Repeat("a", many<<1) + `\`: {},
		"[" + zeros[:1000] + "]":                 nil,
	} {
		assert.Equal(t, want, longLists([]byte(text), maxLineDepth), "%.30q", text)
	}
	assert.Empty(t, longLists([]byte("["+strings.Repeat("[],", many)+"]"), 2), "nested too deeply")
}

func TestEndOfString(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(`"` + rapid.StringMatching(`([a"]|\\){0,12}`).Draw(t, "text"))
		want := 1
		for want < len(text) && text[want] != '"' {
			if text[want] == '\\' {
				want++
			}
			want++
		}
		require.Equal(t, min(want, len(text)), endOfString(text))
	})
}

// Decoding a long array allocates it once instead of growing it.
//
//nolint:paralleltest // It measures the memory of the process.
func TestLongArraysAreNotCopied(t *testing.T) {
	for _, value := range []string{"[" + strings.Repeat("0,", 1<<17) + "0]", "[" + strings.Repeat("{},", 1<<17) + "[]]"} {
		line := lineOf(value)
		readLogLine(t, line) // fills the pools
		allocated := func() uint64 {
			var stats runtime.MemStats
			runtime.ReadMemStats(&stats)
			return stats.TotalAlloc
		}
		before := allocated()
		readLogLine(t, line)
		assert.Less(t, allocated()-before, uint64(2*Weight(line)), "%.20s", value)
	}
}

// bodiesOfSize returns bodies whose data takes the most memory for their length.
func bodiesOfSize(size int) map[string][]byte {
	fill := func(before, element, after string) []byte {
		n := (size - len(before) - len(after)) / (len(element) + 1)
		return []byte(before + strings.Repeat(element+",", n-1) + element + after)
	}
	bodies := map[string][]byte{
		"string":         fill(`{"logs":[{"message":"`, "aaaaaaa", `"}]}`),
		"escaped string": fill(`{"logs":[{"message":"`, `\n\n\n\n`, `"}]}`),
		"repeated keys":  fill(`{"logs":[{"context":{`, `"":0`, `}}]}`),
		"unknown member": fill(`{"logs":[{`, `"":0`, `}]}`),
		"known member":   fill(`{"logs":[{`, `"url":0`, `}]}`),
		"resource":       fill(`{"logs":[{}],"resource":[`, `[]`, `]}`),
		"ignored":        fill(`{"logs":[{}],"ignored":[`, `[]`, `]}`),
		"small resource": []byte(`{"logs":[{}],"traces":[{}],"metrics":[{}],"resource":[` + strings.Repeat("[],", 200) + `[]]}`),
		"resource of strings": []byte(`{"logs":[{}],"traces":[{}],"metrics":[{}],"resource":["` +
			strings.Repeat("a", 4<<10) + `","` + strings.Repeat("b", 4000) + `"]}`),
	}
	for _, signal := range []string{"logs", "traces", "metrics"} {
		for _, entry := range []string{"0", "{}", `{"":""}`, `{"a":0}`, `{"a":1e999}`, `{"url":0,"url":1}`, `{"name":"","duration":"1ms","context":{"":[]}}`} {
			bodies[signal+" "+entry] = fill(`{"`+signal+`":[`, entry, `]}`)
		}
		for _, n := range []int{9, 33} { // where slices have grown
			var members []string
			for i := range n {
				members = append(members, fmt.Sprintf(`"%c":9223372036854775809`, '!'+i))
			}
			entry := "{" + strings.ReplaceAll(strings.Join(members, ","), `"""`, `"z"`) + "}"
			bodies[fmt.Sprint(signal, " entries of unknown members ", n)] = fill(`{"`+signal+`":[`, entry, `]}`)
		}
	}
	values := []string{
		"0", "1e5", "null", "true", `""`, `"\n"`, "9223372036854775809", "[]", "{}", "[0]", "[[]]", `{"":0}`, `{"":{}}`,
		strings.Repeat("[", 500) + strings.Repeat("]", 500), strings.Repeat(`{"":`, 500) + "0" + strings.Repeat("}", 500),
	}
	for _, n := range []int{3, 9, 17} { // where slices have grown
		for _, element := range []string{"0", `""`, `"":""`, "9223372036854775809"} {
			list := strings.Repeat(element+",", n-1) + element
			if strings.HasPrefix(element, `"":`) {
				values = append(values, "{"+list+"}")
			} else {
				values = append(values, "["+list+"]")
			}
		}
	}
	for _, value := range values {
		bodies["values "+value] = fill(`{"logs":[{"context":{"a":[`, value, `]}}]}`)
	}
	return bodies
}

// heap returns the memory in use and the memory ever allocated.
func heap() (inUse, total int64) {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc), int64(stats.TotalAlloc)
}

// EstimateDecodedSize must not be lower than the memory that the data of a body
// takes. Decoding may allocate three times as much, most of which is collected.
//
//nolint:paralleltest // It measures the memory of the process.
func TestEstimateDecodedSize(t *testing.T) {
	// Without collections while a body is decoded, the difference is exact.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	bodies := bodiesOfSize(16 << 10)
	// The memory of long lists is allocated at once.
	for _, name := range []string{"values 0", "values {}", `values {"":0}`, "resource"} {
		bodies["long "+name] = bodiesOfSize(128 << 10)[name]
	}
	for name, body := range bodies {
		_, _ = testDecoder.Decode(body, receivedAt) // fills the pools
		inUse, total := heap()
		batch, err := testDecoder.Decode(body, receivedAt)
		inUseAfter, totalAfter := heap()
		runtime.KeepAlive(batch)
		estimated := int64(testDecoder.EstimateDecodedSize(body))
		assert.LessOrEqual(t, inUseAfter-inUse, estimated, "in use, %.60s: %v", name, err)
		assert.LessOrEqual(t, totalAfter-total, 3*estimated, "allocated, %.60s: %v", name, err)
	}
}

// The estimate for ordinary batches is not much higher than the memory they take.
//
//nolint:paralleltest // It measures the memory of the process.
func TestEstimateOfOrdinaryBatches(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	entry := string(typicalBatch[len(`{"logs":[`) : len(typicalBatch)-len(`]}`)])
	for _, n := range []int{10, 100, 1000} {
		body := []byte(`{"logs":[` + strings.Repeat(entry+",", n-1) + entry + `]}`)
		_, _ = testDecoder.Decode(body, receivedAt)
		inUse, _ := heap()
		batch, err := testDecoder.Decode(body, receivedAt)
		inUseAfter, _ := heap()
		require.NoError(t, err)
		runtime.KeepAlive(batch)
		assert.LessOrEqual(t, int64(testDecoder.EstimateDecodedSize(body)), 96<<10+4*(inUseAfter-inUse), "%d entries", n)
	}
}

// An empty entry takes little more memory than its record: no attributes are
// allocated for it.
//
//nolint:paralleltest // It measures the memory of the process.
func TestEmptyEntriesAreSmall(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for signal, most := range map[string]int64{"logs": 256, "traces": 512, "metrics": 512} {
		const entries = 8192
		body := []byte(`{"` + signal + `":[` + strings.Repeat("{},", entries-1) + `{}]}`)
		_, _ = testDecoder.Decode(body, receivedAt)
		inUse, _ := heap()
		batch, err := testDecoder.Decode(body, receivedAt)
		inUseAfter, _ := heap()
		require.NoError(t, err)
		runtime.KeepAlive(batch)
		assert.LessOrEqual(t, (inUseAfter-inUse)/entries, most, signal)
	}
}

// TestWeight compares the estimate for lines with the memory in use.
//
//nolint:paralleltest // It measures the memory of the process.
func TestWeight(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	bodies := bodiesOfSize(64 << 10)
	for _, value := range []string{"0", `""`, "[]", "{}", `{"":0}`, `"\n"`} {
		name := "values " + value
		line := lineOf(strings.TrimSuffix(strings.TrimPrefix(string(bodies[name]), `{"logs":[{"context":{"a":`), `}}]}`))
		readLogLine(t, line)
		inUse, _ := heap()
		data := readLogLine(t, line)
		inUseAfter, _ := heap()
		runtime.KeepAlive(data)
		assert.LessOrEqual(t, inUseAfter-inUse, Weight(line), "%.60s", name)
		assert.LessOrEqual(t, Weight(line), 5*(inUseAfter-inUse), "%.60s", name)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	decoder := &BatchDecoder{Limits: Limits{MaxEntries: 3, MaxKeys: 2, MaxStringBytes: 10, MaxResourceBytes: 19}}
	for body, want := range map[string][]string{
		`{"logs":[{},1],"metrics":[{}]}`:                             {"logs[1]: not an object"},
		`{"logs":[{"a":1,"b":2},{"a":1,"b":2,"c":3}]}`:               {"logs[1]: object with more than 2 keys at byte 35"},
		`{"logs":[{"level":1,"level":2,"level":3}]}`:                 nil,
		`{"logs":[{"context":{"a":1,"b":2}}]}`:                       nil,
		`{"logs":[{"context":{"a":1,"b":2,"c":3}}]}`:                 {"logs[0]: object with more than 2 keys at byte 32"},
		`{"logs":[{"context":{"a":{"a":1,"b":2,"a":3}}},{}]}`:        {"logs[0]: object with more than 2 keys at byte 37"},
		`{"logs":[{"message":"0123456789"}]}`:                        nil,
		`{"logs":[{"message":"0123456789a"}]}`:                       {"logs[0]: string of more than 10 bytes at byte 33"},
		`{"logs":[{"0123456789a":1},{"context":{"0123456789a":1}}]}`: {"logs[0]: string of more than 10 bytes at byte 23", "logs[1]: string of more than 10 bytes at byte 52"},
		`{"logs":[{}],"resource":{"a":"0123456789"}}`:                nil,
	} {
		batch, err := decoder.Decode([]byte(body), receivedAt)
		require.NoError(t, err, body)
		assert.Equal(t, want, batch.Errors, body)
		assert.Equal(t, len(want), batch.Rejected.Total(), body)
	}
	_, err := testDecoder.Decode([]byte(`{"resource":[`+strings.Repeat("[],", 2000)+`[]],"logs":[{}]}`), receivedAt)
	require.EqualError(t, err, "invalid batch: resource: too many values")
	for body, want := range map[string]string{
		`{"logs":[{},{}],"traces":[{},{}]}`:             "batch too large: more than 3 entries",
		`{"logs":[1,1,1,1]}`:                            "batch too large: more than 3 entries",
		`{"logs":[{},{}],"logs":[{},{}]}`:               "batch too large: more than 3 entries",
		`{"logs":[{}],"resource":{"a":"0123456789 "}}`:  "invalid batch: resource: string of more than 10 bytes at byte 42",
		`{"logs":[{}],"resource":[1234567890,1234567]}`: "invalid batch: resource: 20 bytes, 19 are allowed",
		`{"logs":[{}],"resource":{"a":1,"b":2,"c":3}}`:  "invalid batch: resource: object with more than 2 keys at byte 36",
		`{"0123456789a":1}`:                             "invalid batch: string of more than 10 bytes at byte 14",
	} {
		_, err := decoder.Decode([]byte(body), receivedAt)
		assert.EqualError(t, err, want, body)
	}
}

// The resource is written on every line, so its length is limited for batches
// of many entries.
func TestResourceOnManyLines(t *testing.T) {
	t.Parallel()
	resource := `{"a":[` + strings.Repeat("0,", 400) + `0]}`
	batch := func(entries int) []byte {
		return []byte(`{"resource":` + resource + `,"logs":[{}` + strings.Repeat(`,{}`, entries-1) + `]}`)
	}
	_, err := testDecoder.Decode(batch(2), receivedAt)
	require.NoError(t, err)
	_, err = testDecoder.Decode(batch(1000), receivedAt)
	var limit *LimitError
	require.ErrorAs(t, err, &limit)
	require.Contains(t, limit.Detail, "on each of 1000 lines")
}

// The bytes written for a batch are limited by the length of its body.
func TestWrittenBytesAreLimited(t *testing.T) {
	t.Parallel()
	numbers := rapid.SampledFrom([]string{
		"0", "1e20", "1e5", "1e6", "1e7", "1E9", "-1e20", "1e-6", "1e-7", "9e18", "9223372036854775808", "1e300", "5e-324", "1.0", "123e18", "1e+06",
	})
	values := rapid.OneOf(numbers, genJSON(2), rapid.Custom(func(t *rapid.T) string {
		return "[" + strings.Join(rapid.SliceOfN(numbers, 0, 100).Draw(t, "numbers"), ",") + "]"
	}))
	entries := rapid.OneOf(rapid.Just("{}"), genEntry("value", "duration"), rapid.Map(values, func(v string) string {
		return `{"value":` + v + `,"duration":` + v + `,"context":` + v + `}`
	}))
	rapid.Check(t, func(t *rapid.T) {
		signal := rapid.SampledFrom([]string{"logs", "traces", "metrics"}).Draw(t, "signal")
		list := rapid.SliceOfN(entries, 1, 20).Draw(t, "entries")
		times := rapid.SampledFrom([]int{1, 1, 1, 10}).Draw(t, "times")
		all := strings.TrimSuffix(strings.Repeat(strings.Join(list, ",")+",", times), ",")
		resource := strings.Repeat(values.Draw(t, "resource")+",", rapid.SampledFrom([]int{0, 0, 1, 100}).Draw(t, "size"))
		body := `{"resource":[` + resource + `null],"` + signal + `":[` + all + `]}`
		batch, err := testDecoder.Decode([]byte(body), receivedAt)
		if err != nil {
			return // refused
		}
		requireFewBytesWritten(t, []byte(body), batch)
	})
}

func requireFewBytesWritten(t require.TestingT, body []byte, batch *Batch) {
	written := 0
	for _, lines := range batchLines(batch) {
		for _, line := range lines {
			require.LessOrEqual(t, len(line), MaxLineBytes)
			written += len(line)
		}
	}
	const factor, perEntry, constant = 7, 64, 256 << 10
	require.LessOrEqual(t, written, factor*len(body)+perEntry*batch.Received.Total()+constant)
}

func TestLongLines(t *testing.T) {
	t.Parallel()
	decoder := &BatchDecoder{ServiceName: "shop", Limits: Limits{MaxStringBytes: 3 << 20}}
	entry := func(length int) string { return `{"message":"` + strings.Repeat("a", length) + `"}` }
	// The line of a message of this length has MaxLineBytes.
	const tail = `,"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeLogs":[{"scope":{}}]}]`
	longest := MaxLineBytes - len(entry(0)) - len(`,"received_at":"2025-12-22T10:00:05Z"`+tail+"\n")
	body := `{"logs":[1,` + entry(longest+1) + "," + entry(longest) + `,{},` + entry(longest+2) + `]}`
	batch, err := decoder.Decode([]byte(body), receivedAt)
	require.NoError(t, err)
	require.Equal(t, Counts{Logs: 2}, batch.Received)
	require.Equal(t, Counts{Logs: 3}, batch.Rejected)
	require.Equal(t, []string{
		"logs[0]: not an object",
		"logs[1]: its line of 2097153 bytes is longer than 2097152 bytes",
		"logs[4]: its line of 2097154 bytes is longer than 2097152 bytes",
	}, batch.Errors)
	lines := collect(LogLines(batch.Logs, now))
	require.Len(t, lines, 2)
	require.Len(t, lines[0], MaxLineBytes)
	require.Less(t, len(lines[1]), 200)

	batch, err = decoder.Decode([]byte(`{"traces":[`+entry(longest+9)+`]}`), receivedAt)
	require.NoError(t, err)
	require.Equal(t, Counts{}, batch.Received)
	require.Equal(t, 0, batch.Traces.SpanCount())
}

func TestNumbersAreShort(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]string{
		"1e20": "1e20", "-1e20": "-1e20", "123e18": "123e18", "1e7": "1e7", "1e6": "1000000.0", "1000.0": "1000.0", "0.001": "0.001",
		"1e21": "1e21", "1e-7": "1e-7", "1e300": "1e300", "1.5E+21": "1.5e21", "100000000000000000000": "1e20", "5e-324": "5e-324",
		"9223372036854775808": "9223372036854775808", "10000000": "10000000", "-0.0": "-0.0", "0.1": "0.1", "1e-300": "1e-300",
	} {
		batch, err := testDecoder.Decode([]byte(`{"logs":[{"message":`+sent+`}]}`), receivedAt)
		require.NoError(t, err)
		line := string(collect(LogLines(batch.Logs, now))[0])
		assert.Equal(t, `{"message":`+want+`,"received_at":"2025-12-22T10:00:05Z"}`+"\n", line, sent)
	}
}

// The memory of a refused line is not retained.
//
//nolint:paralleltest // It measures the memory of the process.
func TestRefusedLineIsDropped(t *testing.T) {
	inUse := func() int64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.GC() // pools are emptied by the second collection
		runtime.ReadMemStats(&stats)
		return int64(stats.HeapAlloc)
	}
	line := lineOf("[" + strings.Repeat("0,", 1<<18) + "0]")
	bad := append(slices.Clone(line[:len(line)-1]), ',')
	before := inUse()
	var r LogReader
	require.Error(t, r.Add(bad))
	assert.Less(t, inUse()-before, int64(1<<20))
	runtime.KeepAlive(&r)
}
