// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dayfile_test

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/daytest"
)

// The usual tools, and the package itself, read a file of several gzip members or
// zstd frames as one. This test is not beside those of package store: for a
// moment, the process that a fork makes holds the locks that a store releases.
func TestToolsReadCompressedFiles(t *testing.T) {
	t.Parallel()
	for form, tool := range map[dayfile.Form][]string{dayfile.Gzip: {"zcat"}, dayfile.Zstd: {"zstd", "-dc"}} {
		dir := t.TempDir()
		first := bytes.Repeat(daytest.Lines(100, 199), 1000)
		name := dayfile.FileName(daytest.December22, form)
		daytest.Write(t, dir, name, append(daytest.Pack(t, form, first), daytest.Pack(t, form, daytest.Lines(1, 3))...))
		want := string(first) + string(daytest.Lines(1, 3))
		require.Equal(t, want, daytest.ReadPacked(t, dir, name, form))

		out, err := exec.CommandContext(t.Context(), tool[0], append(tool[1:], filepath.Join(dir, name))...).Output()
		require.NoError(t, err, "%s is needed (Debian: gzip, zstd)", tool[0])
		require.Equal(t, want, string(out))
	}
}
