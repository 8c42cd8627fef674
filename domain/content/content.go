package content

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"bestow/domain"
)

// Hash is the keyed hash of a chunk's targets, or the root of an event.
type Hash [sha256.Size]byte

// Hasher hashes the targets of one chunk after another. It is not safe for concurrent use.
type Hasher struct {
	mac hash.Hash
	row []byte
}

// NewHasher returns a hasher over mac, an HMAC-SHA-256 under the key of the event.
func NewHasher(mac hash.Hash) *Hasher { return &Hasher{mac: mac} }

// noReason stands for the length of a reason that is NULL: no reason is as long.
const noReason = 0xffff

// Add adds the chunk's next target, in the order of the ids; a nil reason is NULL. The bytes are not kept.
func (h *Hasher) Add(id, amount int64, member, reason []byte) {
	b := binary.BigEndian.AppendUint64(h.row[:0], uint64(id))
	b = binary.BigEndian.AppendUint64(b, uint64(amount))
	b = append(append(b, uint8(len(member))), member...)
	length := uint16(noReason)
	if reason != nil {
		length = uint16(len(reason))
	}
	h.row = append(binary.BigEndian.AppendUint16(b, length), reason...)
	_, _ = h.mac.Write(h.row) // a hash never fails
}

// Sum returns the hash of what was added, and begins the next chunk.
func (h *Hasher) Sum() (sum Hash) {
	h.mac.Sum(sum[:0])
	h.mac.Reset()
	return sum
}

// Chunk is a chunk as it goes into the root and into the seal of its import: its hash, all zeros where it has none.
type Chunk struct {
	domain.Chunk

	Count int
	Hash  Hash
}

// InRoot compares two chunks by their places in the root: by partition and first id.
func InRoot(a, b Chunk) int {
	return cmp.Or(cmp.Compare(a.PartitionKey, b.PartitionKey), cmp.Compare(a.First, b.First))
}

// Bounds returns the chunks without their hashes.
func Bounds(chunks []Chunk) []domain.Chunk {
	bounds := make([]domain.Chunk, len(chunks))
	for i, c := range chunks {
		bounds[i] = c.Chunk
	}
	return bounds
}

const rootPrefix = "bestow.content.v1"

// Root returns the root of a definition of version 1: a hash of the definition, and of the chunks in the order of their
// partitions and first ids. It has no key; the hashes of the chunks have one. [KeyedRoot] has taken its place, but for
// lists without hashes, whose events have no key.
func Root(definition []byte, chunks []Chunk) (root Hash) {
	h := sha256.New()
	defined := sha256.Sum256(definition)
	_, _ = h.Write(append([]byte(rootPrefix), defined[:]...)) // a hash never fails
	writeChunks(h, chunks)
	h.Sum(root[:0])
	return root
}

// writeChunks writes the chunks into h. Each takes the same number of bytes.
func writeChunks(h hash.Hash, chunks []Chunk) {
	var row []byte
	for _, c := range chunks {
		row = binary.BigEndian.AppendUint32(row[:0], uint32(c.PartitionKey))
		row = binary.BigEndian.AppendUint64(row, uint64(c.First))
		row = binary.BigEndian.AppendUint64(row, uint64(c.Last))
		row = binary.BigEndian.AppendUint32(row, uint32(c.Count))
		row = binary.BigEndian.AppendUint16(row, 0) // the wave: there are none yet
		_, _ = h.Write(append(row, c.Hash[:]...))   // a hash never fails
	}
}
