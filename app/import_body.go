package app

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
)

// body is an upload's bytes, counted and hashed as they are read.
type body struct {
	r     io.Reader
	hash  hash.Hash
	bytes int64
}

func newBody(r io.Reader) *body { return &body{r: r, hash: sha256.New()} }

func (b *body) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.hash.Write(p[:n])
	b.bytes += int64(n)
	return n, err
}

// sum is the hash of what was read so far.
func (b *body) sum() []byte { return b.hash.Sum(nil) }

// fingerprint reads what is left and returns that of a request: of the hash of its body, and all else that was asked.
func (b *body) fingerprint(rest []byte) ([]byte, error) {
	if _, err := io.Copy(io.Discard, b); err != nil {
		return nil, fmt.Errorf("read upload: %w", err)
	}
	whole := sha256.Sum256(append(append([]byte{}, rest...), b.sum()...))
	return whole[:], nil
}
