//go:build !failpoint

package failpoint_test

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whoever runs the product cannot be killed by a variable: its binary has no Hit, no reader of rules and not their
// name.
func TestNothingOfItInANormalBuild(t *testing.T) {
	t.Parallel()
	lookAtSources(t)
	binary := filepath.Join(t.TempDir(), "bestow")
	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-w", "-o", binary, "bestow/cmd/bestow")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	symbols, err := exec.CommandContext(t.Context(), "go", "tool", "nm", binary).Output()
	require.NoError(t, err)
	require.True(t, bytes.Contains(symbols, []byte("bestow/app/grants.(*Grants).Handle")), "the symbols are there")
	require.False(t, bytes.Contains(symbols, []byte("bestow/internal/failpoint")))
	body, err := os.ReadFile(binary)
	require.NoError(t, err)
	require.False(t, bytes.Contains(body, []byte("BESTOW_TEST_FAILPOINTS")))
}

// lookAtSources lets go test see what the binary is built from, so that a cached result hides no change of it.
func lookAtSources(t *testing.T) {
	t.Helper()
	require.NoError(t, filepath.WalkDir("../..", func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") {
			_, err = os.Stat(path)
		}
		return err
	}))
}
