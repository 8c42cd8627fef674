package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const root = "../../.."

// Each fault can still be planted: what it takes away stands in its file once, and no two have one name.
func TestEveryFaultCanBePlanted(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, m := range mutants {
		require.False(t, names[m.name], m.name)
		names[m.name] = true
		source, err := os.ReadFile(filepath.Join(root, m.file))
		require.NoError(t, err)
		faulty, err := m.apply(string(source))
		assert.NoError(t, err, m.name) // all that cannot be planted are told at once
		assert.NotEqual(t, string(source), faulty, m.name)
	}
}

// A fault is found by a test that turns red, and by nothing else.
func TestWhatGoTestPrints(t *testing.T) {
	t.Parallel()
	for printed, want := range map[string]string{
		"--- FAIL: TestA (0.01s)\n    --- FAIL: TestA/second (0.00s)\nFAIL": "TestA/second",
		"--- FAIL: TestB (0.01s)\nFAIL":                                     "TestB",
		"panic: test timed out after 3m0s":                                  "a test that does not end",
	} {
		test, err := failed(printed)
		require.NoError(t, err)
		require.Equal(t, want, test)
	}
	_, err := failed("app/grants.go:12:3: undefined: x\nFAIL\tbestow/app [build failed]")
	require.ErrorContains(t, err, "undefined: x")
}

// One fault is planted and found, and the tree stays as it is.
func TestAFaultIsFound(t *testing.T) {
	t.Parallel()
	before, err := os.ReadFile(filepath.Join(root, mutants[0].file))
	require.NoError(t, err)
	test, err := mutants[0].killer(t.Context(), root, t.TempDir())
	require.NoError(t, err)
	require.NotEmpty(t, test)
	after, err := os.ReadFile(filepath.Join(root, mutants[0].file))
	require.NoError(t, err)
	require.Equal(t, before, after)
}
