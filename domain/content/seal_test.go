package content_test

import (
	"slices"
	"testing"
	"time"

	"bestow/domain/content"
	"bestow/internal/seal"

	"github.com/stretchr/testify/require"
)

func goldenStart() content.Start {
	return content.Start{At: time.Date(2027, 3, 1, 9, 0, 0, 123456000, time.UTC), By: "운영자"}
}

// Each part of a start and of its chunks changes the keyed root, and so does the key.
func TestEachPartOfAStartDecides(t *testing.T) {
	t.Parallel()
	before := content.KeyedRoot(key(t), []byte("{}"), goldenStart(), goldenChunks(t))
	later, other := goldenStart(), goldenStart()
	later.At, other.By = later.At.Add(time.Microsecond), "x"
	otherKey, err := seal.NewKey()
	require.NoError(t, err)
	for name, after := range map[string]content.Hash{
		"definition": content.KeyedRoot(key(t), []byte("{ }"), goldenStart(), goldenChunks(t)),
		"moment":     content.KeyedRoot(key(t), []byte("{}"), later, goldenChunks(t)),
		"by":         content.KeyedRoot(key(t), []byte("{}"), other, goldenChunks(t)),
		"one less":   content.KeyedRoot(key(t), []byte("{}"), goldenStart(), goldenChunks(t)[:1]),
		"key":        content.KeyedRoot(otherKey, []byte("{}"), goldenStart(), goldenChunks(t)),
		"no key":     content.Root([]byte("{}"), goldenChunks(t)),
	} {
		require.NotEqual(t, before, after, name)
	}
	zone := goldenStart()
	zone.At = zone.At.In(time.FixedZone("KST", 9*3600))
	require.Equal(t, before, content.KeyedRoot(key(t), []byte("{}"), zone, goldenChunks(t)), "the moment is the same")
}

// A seal is of the chunks, in whatever order they come, and of the import.
func TestEachPartOfAnImportDecides(t *testing.T) {
	t.Parallel()
	before := content.SealImport(key(t), 5, []byte("digest"), goldenChunks(t))
	turned, changed := goldenChunks(t), goldenChunks(t)
	slices.Reverse(turned)
	require.Equal(t, before, content.SealImport(key(t), 5, []byte("digest"), turned))
	require.NotEqual(t, turned, goldenChunks(t), "what was given is not sorted")
	changed[0].Count++
	for name, after := range map[string]content.Hash{
		"id":      content.SealImport(key(t), 6, []byte("digest"), goldenChunks(t)),
		"digest":  content.SealImport(key(t), 5, nil, goldenChunks(t)),
		"count":   content.SealImport(key(t), 5, []byte("digest"), changed),
		"no rows": content.SealImport(key(t), 5, []byte("digest"), nil),
	} {
		require.NotEqual(t, before, after, name)
	}
}

// The seal of the imports is of each of them, and of their order. None is not the seal of an import.
func TestEachImportDecides(t *testing.T) {
	t.Parallel()
	one, two := content.Sealed{ImportID: 1, Seal: []byte("a")}, content.Sealed{ImportID: 2, Seal: []byte("b")}
	seals := map[content.Hash]bool{}
	for _, imports := range [][]content.Sealed{
		nil,
		{one},
		{two},
		{one, two},
		{two, one},
		{{ImportID: 1, Seal: []byte("b")}, {ImportID: 2, Seal: []byte("a")}},
	} {
		seals[content.SealImports(key(t), imports)] = true
	}
	require.Len(t, seals, 6)
}

// BenchmarkSealImport seals an import of a million targets in a thousand chunks.
//
//	go test ./domain/content -run '^$' -bench Seal
func BenchmarkSealImport(b *testing.B) {
	chunks := make([]content.Chunk, 1000)
	k := key(b)
	for b.Loop() {
		content.SealImport(k, 1, nil, chunks)
	}
}
