// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dayfile

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The power goes while an append waits for its sync: whatever share of its
// bytes got to the disk, down to each single byte, acknowledged lines are
// there, the torn end is set aside, and appending goes on behind.
func TestPowerCutAtEveryByte(t *testing.T) {
	t.Parallel()
	acked, unacked := string(lines(1, 3)), string(lines(4, 5))
	for length := len(acked); length <= len(acked)+len(unacked); length++ {
		dir := t.TempDir()
		s, disk := openFaulty(t, Options{Directory: dir, Now: at(december22)})
		require.NoError(t, s.Append(Logs, Part{december22, []byte(acked)}))
		syncing, release := blockSync(disk)
		result := make(chan error, 1)
		go func() { result <- s.Append(Logs, Part{december22, []byte(unacked)}) }()
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
		s = open(t, Options{Directory: dir, Now: at(december22)})
		require.Equal(t, whole, read(t, dir, logs22))
		require.Equal(t, torn, read(t, dir, logs22+".torn-1"))
		require.NoError(t, s.Append(Logs, Part{december22, line(6)}))
		require.NoError(t, s.Close(t.Context()))
		require.Equal(t, whole+string(line(6)), read(t, dir, logs22))
	}
}

// The power goes while the first line of a file waits: the file's name is
// durable before anything in it is acknowledged.
func TestPowerCutAfterTheFirstLine(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made")
	s, disk := openFaulty(t, Options{Directory: dir})
	require.NoError(t, s.Append(Traces, Part{december22, line(1)}))
	disk.powerCut(t, 0, toSynced)
	kill(t, s)
	require.Equal(t, string(line(1)), read(t, dir, "traces/2025-12-22.jsonl"))
}

// The power goes at each step of setting a torn end aside: it is in one file
// or in both, never in none.
func TestPowerCutWhileSettingAside(t *testing.T) {
	t.Parallel()
	const whole, torn = "{}\n", `{"torn`
	for steps := 0; ; steps++ {
		dir := t.TempDir()
		write(t, dir, logs22, []byte(whole+torn))
		disk := newFaultDisk(t, dir)
		s, err := Open(disk.under(Options{Now: at(december22.AddDays(9)), Sync: SyncNone}))
		require.NoError(t, err)
		write(t, dir, logs22, []byte(whole+torn))
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
			require.Equal(t, whole, read(t, dir, logs22))
			return
		}
		require.ErrorIs(t, err, errCrashed)
		text := read(t, dir, logs22)
		if text != whole+torn {
			require.Equal(t, whole, text)
			require.Contains(t, read(t, dir, logs22+".torn-1")+read(t, dir, logs22+".torn-2"), torn)
		}
	}
}
