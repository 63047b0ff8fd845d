// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func openFile(t testing.TB, d Dir, name string) File {
	t.Helper()
	f, err := d.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	require.NoError(t, err)
	return f
}

func TestSyncUsesAsynchronousIO(t *testing.T) {
	t.Parallel()
	d, err := Open(t.TempDir(), 0o700)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for n := range 4 {
		f := openFile(t, d, fmt.Sprint("file", n))
		wg.Go(func() {
			for range 20 {
				_, err := f.Write([]byte("{}\n"))
				if err != nil || f.SyncParked() != nil {
					t.Errorf("write or sync: %v", err)
				}
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	a := &d.(*osDisk).aio
	require.False(t, a.broken, "the kernel has asynchronous I/O")
	require.LessOrEqual(t, len(a.free), 4, "a slot for each sync that ran at the same time")
	require.NotEmpty(t, a.free)
	require.NoError(t, d.Close())
}

func TestSyncWithoutAsynchronousIO(t *testing.T) {
	t.Parallel()
	d, err := Open(t.TempDir(), 0o700)
	require.NoError(t, err)
	d.(*osDisk).aio.broken = true
	f := openFile(t, d, "file")
	_, err = f.Write([]byte("{}\n"))
	require.NoError(t, err)
	require.NoError(t, f.Sync())
	require.NoError(t, f.SyncParked())
	require.NoError(t, f.Close())
	require.ErrorContains(t, f.SyncParked(), "closed file")
	require.NoError(t, d.Close())
}

// What the kernel cannot sync asynchronously is synced as usual, with the same error.
func TestSyncErrors(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	a := &aio{}
	f, err := newOSFile(w, a)
	require.NoError(t, err)
	require.ErrorIs(t, f.Sync(), unix.EINVAL)
	require.ErrorIs(t, f.SyncParked(), unix.EINVAL)
	require.NoError(t, f.Close())
	require.ErrorContains(t, f.Sync(), "closed file")
	require.ErrorContains(t, f.SyncParked(), "closed file")
	require.NoError(t, a.close())
}

func BenchmarkSync(b *testing.B) {
	for name, sync := range map[string]func(File) error{"Sync": File.Sync, "SyncParked": File.SyncParked} {
		b.Run(name, func(b *testing.B) {
			d, err := Open(b.TempDir(), 0o700)
			require.NoError(b, err)
			f := openFile(b, d, "file")
			line := make([]byte, 4000)
			for b.Loop() {
				_, err := f.Write(line)
				require.NoError(b, err)
				require.NoError(b, sync(f))
			}
			require.NoError(b, f.Close())
			require.NoError(b, d.Close())
		})
	}
}
