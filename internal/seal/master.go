package seal

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Master is the key that wraps data keys. It is safe for concurrent use.
type Master struct{ key *Key }

// GenerateMaster returns a new random master key as text, as NewMaster reads it.
func GenerateMaster() string {
	raw := make([]byte, Size)
	_, _ = rand.Read(raw) // never fails: it would end the process
	return base64.StdEncoding.EncodeToString(raw)
}

// NewMaster reads a master key: 32 bytes in base64, blanks around it ignored. No error repeats any of the text.
func NewMaster(text string) (*Master, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, errors.New("read master key: it is empty; make one with `openssl rand -base64 32`")
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("read master key: not base64; make one with `openssl rand -base64 32`")
	}
	if len(raw) != Size {
		return nil, fmt.Errorf("read master key: %d bytes instead of %d; make one with `openssl rand -base64 32`",
			len(raw), Size)
	}
	key, err := newKey(raw)
	if err != nil {
		return nil, fmt.Errorf("read master key: %w", err)
	}
	return &Master{key}, nil
}

// ID tells master keys apart, in eight hex digits. It shows nothing of the key.
func (m *Master) ID() string {
	return hex.EncodeToString(m.key.HMAC([]byte("bestow master key id"))[:4])
}

// Wrap seals a data key for the purpose aad, to be stored beside what it seals.
func (m *Master) Wrap(key *Key, aad []byte) []byte { return m.key.Seal(key.raw, aad) }

// Unwrap returns the data key that Wrap was given with the same aad. Error: ErrOpen, above all when another master key
// has wrapped it.
func (m *Master) Unwrap(wrapped, aad []byte) (*Key, error) {
	raw, err := m.key.Open(wrapped, aad)
	if err != nil {
		return nil, fmt.Errorf("unwrap data key: %w", err)
	}
	key, err := newKey(raw)
	if err != nil {
		return nil, fmt.Errorf("unwrap data key: %w", err)
	}
	return key, nil
}

// Format prints nothing of the key for any verb.
func (m *Master) Format(s fmt.State, verb rune) { m.key.Format(s, verb) }

// MarshalText prints nothing of the key: slog's handlers and encoding/json ask here.
func (m *Master) MarshalText() ([]byte, error) { return m.key.MarshalText() }
