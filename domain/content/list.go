package content

import (
	"bytes"
	"fmt"
	"slices"
)

// List holds the chunks and the seals of an event's imports.
type List struct {
	Chunks  []ListChunk  // in the order of the root
	Imports []ListImport // by id
	Seal    []byte       // of the imports' seals; nil where no version that seals has imported
}

// ListChunk is a chunk as its row has it.
type ListChunk struct {
	Chunk

	Kept     []byte // the hash as the row has it; nil: it has none
	ImportID int64
}

// ListImport is an import as its row has it.
type ListImport struct {
	ID           int64
	Digest, Seal []byte // Seal is nil where a version before seals made the import
	Hashed       bool   // it has hashed its targets
}

// WithHash returns the chunk with its hash as it goes into the root: all zeros where it has none.
func (c ListChunk) WithHash() ListChunk {
	c.Hash = Hash{}
	copy(c.Hash[:], c.Kept)
	return c
}

// Sort puts the chunks into the order of the root.
func (l *List) Sort() {
	slices.SortFunc(l.Chunks, func(a, b ListChunk) int { return InRoot(a.Chunk, b.Chunk) })
}

// Hashed reports whether any chunk has a hash, or should have one.
func (l List) Hashed() bool {
	return slices.ContainsFunc(l.Chunks, func(c ListChunk) bool { return c.Kept != nil }) ||
		slices.ContainsFunc(l.Imports, func(p ListImport) bool { return p.Hashed })
}

// Sealed reports whether any seal was made of the list.
func (l List) Sealed() bool {
	return l.Seal != nil || slices.ContainsFunc(l.Imports, func(p ListImport) bool { return p.Seal != nil })
}

// Unsealed reports whether an import has hashed its targets and made no seal, as versions before seals did.
func (l List) Unsealed() bool {
	return slices.ContainsFunc(l.Imports, func(p ListImport) bool { return p.Hashed && p.Seal == nil })
}

// Total returns how many targets the chunks hold.
func (l List) Total() (n int) {
	for _, c := range l.Chunks {
		n += c.Count
	}
	return n
}

// Lost returns a chunk whose hash was taken away, nil if there is none.
func (l List) Lost() *ListChunk {
	hashed := map[int64]bool{}
	for _, p := range l.Imports {
		hashed[p.ID] = p.Hashed
	}
	for i, c := range l.Chunks {
		if c.Kept == nil && hashed[c.ImportID] {
			return &l.Chunks[i]
		}
	}
	return nil
}

// ForRoot returns the chunks as they go into the root.
func (l List) ForRoot() []Chunk {
	chunks := make([]Chunk, len(l.Chunks))
	for i, c := range l.Chunks {
		chunks[i] = c.Chunk
	}
	return chunks
}

// byImport returns the chunks of each import as they go into its seal.
func (l List) byImport() map[int64][]Chunk {
	chunks := map[int64][]Chunk{}
	for _, c := range l.Chunks {
		chunks[c.ImportID] = append(chunks[c.ImportID], c.Chunk)
	}
	return chunks
}

// WithSeals returns the imports that have a seal.
func (l List) WithSeals() []Sealed {
	var imports []Sealed
	for _, p := range l.Imports {
		if p.Seal != nil {
			imports = append(imports, Sealed{ImportID: p.ID, Seal: p.Seal})
		}
	}
	return imports
}

// Differs returns what of the list is not as its imports have sealed it, "" if all is.
func (l List) Differs(key Key) string {
	chunks := l.byImport()
	for _, p := range l.Imports {
		made := SealImport(key, p.ID, p.Digest, chunks[p.ID])
		if p.Seal != nil && !bytes.Equal(made[:], p.Seal) {
			return fmt.Sprintf("chunks were added, taken away or changed since import %d, "+
				"or its row or its rejected rows were changed", p.ID)
		}
	}
	if made := SealImports(key, l.WithSeals()); l.Sealed() && !bytes.Equal(made[:], l.Seal) {
		return "an import was added, taken away or made anew"
	}
	return ""
}
