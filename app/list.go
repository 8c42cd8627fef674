package app

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"bestow/app/content"
	"bestow/domain"
	"bestow/internal/seal"

	"github.com/jackc/pgx/v5"
)

// importedList is what an event's imports have left: their chunks and their seals.
type importedList struct {
	chunks  []importedChunk // in the order of the root
	imports []importedPart  // by id
	seal    []byte          // of the imports' seals; nil where no version that seals has imported
}

// importedChunk is a chunk as its row has it.
type importedChunk struct {
	content.Chunk

	hash     []byte // nil: it has none
	importID int64
}

// importedPart is an import as its row has it.
type importedPart struct {
	id           int64
	digest, seal []byte // seal is nil where a version before seals made the import
	hashed       bool   // it has hashed its targets
}

// withHash returns the chunk with its hash as it goes into the root: all zeros where it has none.
func (c importedChunk) withHash() importedChunk {
	c.Hash = content.Hash{}
	copy(c.Hash[:], c.hash)
	return c
}

// sort puts the chunks into the order of the root.
func (l *importedList) sort() {
	slices.SortFunc(l.chunks, func(a, b importedChunk) int { return content.InRoot(a.Chunk, b.Chunk) })
}

// hashed reports whether any chunk has a hash, or should have one.
func (l importedList) hashed() bool {
	return slices.ContainsFunc(l.chunks, func(c importedChunk) bool { return c.hash != nil }) ||
		slices.ContainsFunc(l.imports, func(p importedPart) bool { return p.hashed })
}

// sealed reports whether any seal was made of the list.
func (l importedList) sealed() bool {
	return l.seal != nil || slices.ContainsFunc(l.imports, func(p importedPart) bool { return p.seal != nil })
}

// unsealed reports whether an import has hashed its targets and made no seal, as versions before seals did.
func (l importedList) unsealed() bool {
	return slices.ContainsFunc(l.imports, func(p importedPart) bool { return p.hashed && p.seal == nil })
}

// total returns how many targets the chunks hold.
func (l importedList) total() (n int) {
	for _, c := range l.chunks {
		n += c.Count
	}
	return n
}

// lost returns a chunk whose hash was taken away, nil if there is none.
func (l importedList) lost() *importedChunk {
	hashed := map[int64]bool{}
	for _, p := range l.imports {
		hashed[p.id] = p.hashed
	}
	for i, c := range l.chunks {
		if c.hash == nil && hashed[c.importID] {
			return &l.chunks[i]
		}
	}
	return nil
}

// forRoot returns the chunks as they go into the root.
func (l importedList) forRoot() []content.Chunk {
	chunks := make([]content.Chunk, len(l.chunks))
	for i, c := range l.chunks {
		chunks[i] = c.Chunk
	}
	return chunks
}

// byImport returns the chunks of each import as they go into its seal.
func (l importedList) byImport() map[int64][]content.Chunk {
	chunks := map[int64][]content.Chunk{}
	for _, c := range l.chunks {
		chunks[c.importID] = append(chunks[c.importID], c.Chunk)
	}
	return chunks
}

// withSeals returns the imports that have a seal.
func (l importedList) withSeals() []content.Sealed {
	var imports []content.Sealed
	for _, p := range l.imports {
		if p.seal != nil {
			imports = append(imports, content.Sealed{ImportID: p.id, Seal: p.seal})
		}
	}
	return imports
}

// differs returns what of the list is not as its imports have sealed it, "" if all is.
func (l importedList) differs(key *seal.Key) string {
	chunks := l.byImport()
	for _, p := range l.imports {
		made := content.SealImport(key, p.id, p.digest, chunks[p.id])
		if p.seal != nil && !bytes.Equal(made[:], p.seal) {
			return fmt.Sprintf("chunks were added, taken away or changed since import %d, or its row or its rejected rows were changed", p.id)
		}
	}
	if made := content.SealImports(key, l.withSeals()); l.sealed() && !bytes.Equal(made[:], l.seal) {
		return "an import was added, taken away or made anew"
	}
	return ""
}

// selectList reads what the event's imports have left.
func selectList(ctx context.Context, tx pgx.Tx, eventID int64) (l importedList, err error) {
	const chunks = `SELECT partition_key, first_id, last_id, target_count, content_hash, import_id
		FROM grant_chunks WHERE event_id = $1 ORDER BY partition_key, first_id`
	rows, err := tx.Query(ctx, chunks, eventID)
	if err != nil {
		return l, fmt.Errorf("read chunks: %w", err)
	}
	c := importedChunk{Chunk: content.Chunk{Chunk: domain.Chunk{EventID: eventID}}}
	_, err = pgx.ForEachRow(rows, []any{&c.PartitionKey, &c.First, &c.Last, &c.Count, &c.hash, &c.importID}, func() error {
		l.chunks = append(l.chunks, c.withHash())
		return nil
	})
	if err != nil {
		return l, fmt.Errorf("read chunks: %w", err)
	}
	const imports = `SELECT i.id, i.digest, i.seal, i.hashed, k.imports_seal
		FROM imports i LEFT JOIN event_keys k ON k.event_id = i.event_id WHERE i.event_id = $1 ORDER BY i.id`
	if rows, err = tx.Query(ctx, imports, eventID); err != nil {
		return l, fmt.Errorf("read imports: %w", err)
	}
	var p importedPart
	_, err = pgx.ForEachRow(rows, []any{&p.id, &p.digest, &p.seal, &p.hashed, &l.seal}, func() error {
		l.imports = append(l.imports, p)
		return nil
	})
	if err != nil {
		return l, fmt.Errorf("read imports: %w", err)
	}
	return l, nil
}
