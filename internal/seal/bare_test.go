package seal_test

import (
	"testing"

	"bestow/internal/seal"

	"github.com/stretchr/testify/require"
)

// A key that is kept as it is comes back as it was, and is told from one that a master key has wrapped.
func TestBare(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	bare := key.Bare()
	require.True(t, seal.IsBare(bare))
	again, err := seal.FromBare(bare)
	require.NoError(t, err)
	bare[5] ^= 1 // what was read is not what is kept
	require.Equal(t, key.HMAC([]byte("x")), again.HMAC([]byte("x")))

	wrapped := newMaster(t).Wrap(key, nil)
	for _, kept := range [][]byte{nil, {}, {0}, make([]byte, 32), make([]byte, 34), wrapped} {
		require.False(t, seal.IsBare(kept))
		_, err := seal.FromBare(kept)
		require.ErrorIs(t, err, seal.ErrOpen)
	}
	_, err = newMaster(t).Unwrap(key.Bare(), nil)
	require.ErrorIs(t, err, seal.ErrOpen, "a bare key was taken for a wrapped one")
}

// An HMAC of parts is that of the whole.
func TestNewHMAC(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	h := key.NewHMAC()
	_, _ = h.Write([]byte("ab"))
	_, _ = h.Write([]byte("c"))
	require.Equal(t, key.HMAC([]byte("abc")), h.Sum(nil))
}
