// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/daytest"
)

// A power cut while an append waits for its sync: for every possible number of bytes
// that reached the disk, acknowledged lines survive, the torn end is set aside, and the
// next append works.
func TestPowerCutAtEveryByte(t *testing.T) {
	t.Parallel()
	acked, unacked := string(daytest.Lines(1, 3)), string(daytest.Lines(4, 5))
	for length := len(acked); length <= len(acked)+len(unacked); length++ {
		dir := daytest.TempDir(t)
		s, disk := openFaulty(t, Options{Directory: dir, Now: daytest.At(daytest.December22)})
		require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, []byte(acked)}))
		syncing, release := blockSync(disk)
		result := make(chan error, 1)
		go func() { result <- s.Append(dayfile.Logs, Part{daytest.December22, []byte(unacked)}) }()
		<-syncing
		disk.powerCut(t, 0, func(_ string, synced, written int64) int64 {
			require.Equal(t, len(acked), int(synced))
			require.Equal(t, len(acked)+len(unacked), int(written))
			return int64(length)
		})
		close(release)
		require.NoError(t, <-result) // Nobody is left to hear it.
		kill(t, s)

		left := (acked + unacked)[:length]
		whole := left[:strings.LastIndexByte(left, '\n')+1]
		torn := left[len(whole):]
		s = open(t, Options{Directory: dir, Now: daytest.At(daytest.December22)})
		require.Equal(t, whole, daytest.Read(t, dir, logs22))
		require.Equal(t, torn, daytest.Read(t, dir, logs22+".torn-1"))
		require.NoError(t, s.Append(dayfile.Logs, Part{daytest.December22, daytest.Line(6)}))
		require.NoError(t, s.Close(t.Context()))
		require.Equal(t, whole+string(daytest.Line(6)), daytest.Read(t, dir, logs22))
	}
}

// The name of a file is durable before its first line is acknowledged.
func TestPowerCutAfterTheFirstLine(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(daytest.TempDir(t), "made")
	s, disk := openFaulty(t, Options{Directory: dir})
	require.NoError(t, s.Append(dayfile.Traces, Part{daytest.December22, daytest.Line(1)}))
	disk.powerCut(t, 0, toSynced)
	kill(t, s)
	require.Equal(t, string(daytest.Line(1)), daytest.Read(t, dir, "traces/2025-12-22.jsonl"))
}

// A power cut at each step of setting a torn end aside leaves the end in one file or in
// both, but not in none.
func TestPowerCutWhileSettingAside(t *testing.T) {
	t.Parallel()
	const whole, torn = "{}\n", `{"torn`
	for steps := range maxSteps {
		dir := daytest.TempDir(t)
		daytest.Write(t, dir, logs22, []byte(whole+torn))
		disk := newFaultDisk(t, dir)
		s, err := Open(disk.under(Options{Now: daytest.At(daytest.December22.AddDays(9)), Sync: SyncNone}))
		require.NoError(t, err)
		daytest.Write(t, dir, logs22, []byte(whole+torn))
		left := steps
		disk.setFault(func(string, string) error {
			left--
			if left < 0 {
				return errCrashed
			}
			return nil
		})
		err = s.repairTail(logs22)
		disk.setFault(nil)
		disk.powerCut(t, 0, toSynced)
		kill(t, s)
		if err == nil {
			require.Equal(t, whole, daytest.Read(t, dir, logs22))
			return
		}
		require.ErrorIs(t, err, errCrashed)
		text := daytest.Read(t, dir, logs22)
		if text != whole+torn {
			require.Equal(t, whole, text)
			require.Contains(t, daytest.Read(t, dir, logs22+".torn-1")+daytest.Read(t, dir, logs22+".torn-2"), torn)
		}
	}
	require.Fail(t, "setting aside does not end")
}
