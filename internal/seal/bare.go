package seal

import "fmt"

// bareVersion begins a data key that no master key has wrapped. Sealed and wrapped bytes begin with [version].
const bareVersion = 0

// Bare returns the unprotected key, behind a byte that says so, to be kept where there is no master key.
func (k *Key) Bare() []byte { return append([]byte{bareVersion}, k.raw...) }

// IsBare reports whether kept was returned by [Key.Bare], and not wrapped by a master key.
func IsBare(kept []byte) bool { return len(kept) == 1+Size && kept[0] == bareVersion }

// FromBare returns the key that [Key.Bare] was asked of. Error: ErrOpen.
func FromBare(kept []byte) (*Key, error) {
	if !IsBare(kept) {
		return nil, fmt.Errorf("read data key: %w", ErrOpen)
	}
	return newKey(append([]byte(nil), kept[1:]...))
}
