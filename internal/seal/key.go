package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
)

// Size is the number of bytes of a key.
const Size = 32

// version begins everything that is sealed, so that another way of sealing can come one day.
const version = 1

// ErrOpen is returned for what cannot be opened: another key sealed it, for another purpose, or it was changed since.
// These causes cannot be told apart, so they share one error.
var ErrOpen = errors.New("not sealed by this key for this purpose")

// Key is a data key: it seals up to 2^32 secrets. It is safe for concurrent use.
type Key struct {
	// Behind a pointer, because fmt with a wrong verb follows one pointer of an unexported field.
	*material
}

type material struct {
	raw  []byte // what is wrapped; both keys below are derived from it, each for one use
	aead cipher.AEAD
	mac  []byte
}

// NewKey makes a random data key.
func NewKey() (*Key, error) {
	raw := make([]byte, Size)
	_, _ = rand.Read(raw) // never fails: it would end the process
	return newKey(raw)
}

func newKey(raw []byte) (*Key, error) {
	if len(raw) != Size {
		return nil, fmt.Errorf("make key: %d bytes instead of %d", len(raw), Size)
	}
	sealing, err := hkdf.Key(sha256.New, raw, nil, "bestow seal", Size)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	mac, err := hkdf.Key(sha256.New, raw, nil, "bestow hmac", Size)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	block, err := aes.NewCipher(sealing)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	return &Key{&material{raw: raw, aead: aead, mac: mac}}, nil
}

// Seal encrypts plaintext for the purpose aad, which is not stored. The result is 29 bytes longer, and another one each
// time.
func (k *Key) Seal(plaintext, aad []byte) []byte {
	sealed := make([]byte, 1, 1+len(plaintext)+k.aead.Overhead())
	sealed[0] = version
	return k.aead.Seal(sealed, nil, plaintext, aad) //nolint:gosec // G407: the cipher makes its own random nonce
}

// Open decrypts what Seal returned for the same aad. Error: ErrOpen.
func (k *Key) Open(sealed, aad []byte) ([]byte, error) {
	if len(sealed) == 0 || sealed[0] != version {
		return nil, ErrOpen
	}
	plaintext, err := k.aead.Open(nil, nil, sealed[1:], aad)
	if err != nil {
		return nil, ErrOpen
	}
	return plaintext, nil
}

// HMAC is the HMAC-SHA256 of data: equal data can be found and kept unique by it without being readable.
func (k *Key) HMAC(data []byte) []byte {
	h := k.NewHMAC()
	_, _ = h.Write(data) // a hash never fails
	return h.Sum(nil)
}

// NewHMAC returns an HMAC-SHA256 as [Key.HMAC] makes it, for data that comes in parts.
func (k *Key) NewHMAC() hash.Hash { return hmac.New(sha256.New, k.mac) }

// Format prints nothing of the key for any verb: fmt would otherwise reach its fields by %d or %x.
func (k *Key) Format(s fmt.State, _ rune) { redact(s) }

// MarshalText prints nothing of the key: slog's handlers and encoding/json ask here.
func (k *Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }

const redacted = "[redacted key]"

func redact(w io.Writer) { _, _ = io.WriteString(w, redacted) }

// AAD says what a secret is for, as bytes that no other list of parts gives: each part stands after its length.
func AAD(parts ...string) []byte {
	var aad []byte
	for _, p := range parts {
		aad = binary.AppendUvarint(aad, uint64(len(p)))
		aad = append(aad, p...)
	}
	return aad
}
