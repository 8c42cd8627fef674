package content

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"slices"
	"time"
)

// Key is an event's key, from which each purpose has an HMAC key of its own.
type Key interface {
	HMAC(purpose []byte) []byte
}

// Purposes of an event's key beside the hashes of its chunks. Each has an HMAC key of its own, so that no hash of one
// purpose passes for one of another.
const (
	forRoot    = "bestow.root.v2"
	forImport  = "bestow.import.v1"
	forImports = "bestow.imports.v1"
)

func keyed(key Key, purpose string) hash.Hash {
	return hmac.New(sha256.New, key.HMAC([]byte(purpose)))
}

// Start says who started an event, and when.
type Start struct {
	At time.Time
	By string
}

// KeyedRoot returns the root of a definition of version 2 and later: the keyed hash of the definition, of the start,
// and of the chunks in the order of their partitions and first ids. A person without the key cannot make it.
func KeyedRoot(key Key, definition []byte, start Start, chunks []Chunk) (root Hash) {
	h := keyed(key, forRoot)
	defined := sha256.Sum256(definition)
	row := binary.BigEndian.AppendUint64(defined[:], uint64(start.At.UnixMicro()))
	row = binary.BigEndian.AppendUint16(row, uint16(len(start.By)))
	_, _ = h.Write(append(row, start.By...)) // a hash never fails
	writeChunks(h, chunks)
	h.Sum(root[:0])
	return root
}

// SealImport returns the keyed hash of an import: of its id, of the digest of its row and its rejected rows, and of its
// chunks, in whatever order they come. It says which chunks there are before any start does.
func SealImport(key Key, id int64, digest []byte, chunks []Chunk) (sealed Hash) {
	h := keyed(key, forImport)
	row := binary.BigEndian.AppendUint64(nil, uint64(id))
	row = binary.BigEndian.AppendUint16(row, uint16(len(digest)))
	_, _ = h.Write(append(row, digest...)) // a hash never fails
	writeChunks(h, slices.SortedFunc(slices.Values(chunks), InRoot))
	h.Sum(sealed[:0])
	return sealed
}

// Sealed is an import with its seal.
type Sealed struct {
	ImportID int64
	Seal     []byte
}

// SealImports returns the keyed hash of an event's sealed imports in the order of their ids: it says which imports
// there are.
func SealImports(key Key, imports []Sealed) (sealed Hash) {
	h := keyed(key, forImports)
	for _, im := range imports {
		row := binary.BigEndian.AppendUint64(nil, uint64(im.ImportID))
		row = binary.BigEndian.AppendUint16(row, uint16(len(im.Seal)))
		_, _ = h.Write(append(row, im.Seal...)) // a hash never fails
	}
	h.Sum(sealed[:0])
	return sealed
}
