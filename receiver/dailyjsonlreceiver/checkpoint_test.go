// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile/reader"
)

func positionAt(offset int64) reader.Position { return reader.Position{Offset: offset, Line: offset} }

// Adjacent spans are merged. Beyond maxSpans, the last span is extended.
func TestRefusedSpansAreBounded(t *testing.T) {
	t.Parallel()
	var c checkpoint
	c.refuse(span{From: positionAt(0), To: 1})
	c.refuse(span{From: positionAt(1), To: 2})
	require.Equal(t, []span{{From: positionAt(0), To: 2}}, c.Refused)
	for n := int64(1); n <= 2*maxSpans; n++ {
		c.refuse(span{From: positionAt(10 * n), To: 10*n + 1})
	}
	require.Len(t, c.Refused, maxSpans)
	assert.Equal(t, span{From: positionAt(10), To: 11}, c.Refused[1])
	assert.Equal(t, span{From: positionAt(10 * (maxSpans - 1)), To: 20*maxSpans + 1}, c.Refused[maxSpans-1])
}

// However many batches are refused, the next start sends all of their lines.
func TestManyRefusedBatchesAreSentAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	last := 4 * maxSpans
	put(t, dir, day22, logLines(1, last))
	g := newRig(onceConfig(dir))
	g.cfg.MaxBatchLines = 1
	sink := new(logSink)
	sink.respond = func(numbers []int) error {
		if numbers[0]%2 == 0 {
			return consumererror.NewPermanent(errors.New("never"))
		}
		return nil
	}
	g.logs = sink
	require.Error(t, g.replay(t))
	sink.setRespond(nil)
	require.NoError(t, g.replay(t))
	got := map[int]int{}
	for _, number := range sink.numbers() {
		got[number]++
	}
	assert.Len(t, got, last)
	once := 0
	for _, times := range got {
		assert.LessOrEqual(t, times, 2)
		if times == 1 {
			once++
		}
	}
	assert.GreaterOrEqual(t, once, 3*maxSpans, "lines that were sent once")
}

// Refused lines that can't be read at the next start stay refused.
func TestRefusedLinesOfAMissingFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, day22, logLines(1, 4))
	g := newRig(onceConfig(dir))
	g.cfg.MaxBatchLines = 2
	sink := new(logSink)
	sink.respond = func(numbers []int) error {
		if numbers[0] == 1 {
			return consumererror.NewPermanent(errors.New("never"))
		}
		return nil
	}
	g.logs = sink
	require.Error(t, g.replay(t))
	sink.setRespond(nil)

	content, err := os.ReadFile(filepath.Join(dir, day22))
	require.NoError(t, err)
	put(t, dir, day22, string(content[:10]))
	put(t, dir, day22+".gz", "damaged")
	require.Error(t, g.replay(t))
	require.NoError(t, os.Remove(filepath.Join(dir, day22+".gz")))
	put(t, dir, day22, string(content))
	require.NoError(t, g.replay(t))
	assert.Equal(t, []int{3, 4, 1, 2}, sink.numbers())
}
