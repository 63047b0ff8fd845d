// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/daytest"
)

func TestWholeLines(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 3*tailBlock)
	zeros := strings.Repeat("\x00", 2*tailBlock)
	for name, tt := range map[string]struct{ whole, torn string }{
		"empty":                    {"", ""},
		"one line":                 {"{}\n", ""},
		"only a part of a line":    {"", "{"},
		"a part at the end":        {"{}\n{}\n", `{"a":`},
		"a long line":              {long + "\n", ""},
		"a long part":              {"{}\n", long},
		"zeros at the end":         {"{}\n", zeros},
		"only zeros":               {"", zeros},
		"zeros in the last line":   {"{}\n", "{\x00}\n"},
		"zeros in a long line":     {"{}\n", "\x00" + long + "\n"},
		"zeros in several lines":   {"{}\n", "\x00\n\x00\n{\x00}\n{"},
		"zeros in the first line":  {"", "\x00{}\n"},
		"an empty line at the end": {"{}\n\n", ""},
		"block ends with the line": {strings.Repeat("x", tailBlock-1) + "\n", ""},
		"line begins with a block": {strings.Repeat("x", tailBlock-1) + "\n" + strings.Repeat("y", tailBlock-1) + "\n", "z"},
	} {
		content := tt.whole + tt.torn
		keep, err := wholeLines(strings.NewReader(content), int64(len(content)))
		require.NoError(t, err, name)
		require.Equal(t, len(tt.whole), int(keep), name)
	}
}

// FuzzWholeLines compares wholeLines with a simple implementation.
func FuzzWholeLines(f *testing.F) {
	f.Add([]byte("{}\n{"), uint8(0))
	f.Add([]byte("\x00\n\n"), uint8(1))
	f.Add([]byte("{}\n{\x00}\n{}\n"), uint8(3))
	f.Fuzz(func(t *testing.T, end []byte, blocks uint8) {
		// The line in front moves the end to any place in a block.
		content := append(bytes.Repeat([]byte("x"), int(blocks%4)*tailBlock/2+int(blocks)), end...)
		want := content[:bytes.LastIndexByte(content, '\n')+1]
		for len(want) > 0 {
			start := bytes.LastIndexByte(want[:len(want)-1], '\n') + 1
			if !bytes.Contains(want[start:], []byte{0}) {
				break
			}
			want = want[:start]
		}
		keep, err := wholeLines(bytes.NewReader(content), int64(len(content)))
		require.NoError(t, err)
		require.Equal(t, len(want), int(keep))
	})
}

// FuzzRepair appends to a file with any content.
func FuzzRepair(f *testing.F) {
	f.Add([]byte("{}\n{"))
	f.Add([]byte("{}\n\x00\x00"))
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := daytest.TempDir(t)
		daytest.Write(t, dir, "logs/2025-12-22.jsonl", content)
		s := open(t, Options{Directory: dir, Now: daytest.At(daytest.December22), Sync: SyncNone})
		require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(1)}))
		got := daytest.Read(t, dir, "logs/2025-12-22.jsonl")
		kept, ok := strings.CutSuffix(got, string(daytest.Line(1)))
		require.True(t, ok)
		require.True(t, kept == "" || strings.HasSuffix(kept, "\n"))
		require.Equal(t, string(content), kept+daytest.Read(t, dir, "logs/2025-12-22.jsonl.torn-1"))
	})
}
