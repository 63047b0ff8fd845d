// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var errKilled = errors.New("killed")

// TestAtLeastOnceInOrder replays a changing directory again and again. Some of
// the replays are killed at the worst moment, when a batch was accepted and the
// position is not saved. Only that batch may be sent twice.
func TestAtLeastOnceInOrder(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		dir := filepath.Join(top, strconv.Itoa(round))
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "logs"), 0o750))
		g := newRig(onceConfig(dir))
		g.cfg.MaxBatchLines = rapid.IntRange(1, 7).Draw(rt, "batch")
		sink := new(logSink)
		g.logs = sink

		var plain, packed string // the contents of the files
		duplicate := false       // whether packed contains the lines of plain
		removeDuplicate := func() {
			if duplicate {
				plain, duplicate = "", false
				require.NoError(t, os.Remove(filepath.Join(dir, day22)))
			}
		}
		written, delivered := 0, 0
		var want []int
		rt.Repeat(map[string]func(*rapid.T){
			"append": func(rt *rapid.T) {
				removeDuplicate()
				n := rapid.IntRange(1, 20).Draw(rt, "lines")
				plain += logLines(written+1, written+n)
				written += n
				put(t, dir, day22, plain)
			},
			"tear": func(rt *rapid.T) {
				removeDuplicate()
				next := logLine(written + 1)
				put(t, dir, day22, plain+next[:rapid.IntRange(0, len(next)-3).Draw(rt, "bytes")])
			},
			"compress": func(rt *rapid.T) {
				removeDuplicate()
				if plain == "" {
					return
				}
				put(t, dir, day22, plain)
				packed += plain
				put(t, dir, day22+".gz", gzipped(t, packed))
				if duplicate = true; rapid.Bool().Draw(rt, "remove the plain file") {
					removeDuplicate()
				}
			},
			"replay": func(*rapid.T) {
				require.NoError(rt, g.replay(t))
				want = append(want, upTo(delivered+1, written)...)
				delivered = written
				require.Equal(rt, want, sink.numbers())
			},
			"kill": func(rt *rapid.T) {
				at := rapid.IntRange(1, 5).Draw(rt, "batch")
				batches, size := 0, 0
				killed := make(chan struct{})
				sink.setRespond(func(numbers []int) error {
					if batches++; batches == at {
						g.memory.fail(errKilled)
						size = len(numbers)
						close(killed)
					}
					return nil
				})
				g.start(t)
				select {
				case <-killed:
					require.NoError(rt, g.shutdown(t))
					end := min(written, delivered+at*g.cfg.MaxBatchLines)
					want = append(want, upTo(delivered+1, end)...)
					delivered = end - size
				case <-g.ended:
					require.NoError(rt, g.shutdown(t))
					want = append(want, upTo(delivered+1, written)...)
					delivered = written
				}
				g.memory.fail(nil)
				sink.setRespond(nil)
				require.Equal(rt, want, sink.numbers())
			},
		})
	})
}
