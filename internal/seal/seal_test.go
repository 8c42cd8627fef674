package seal_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"bestow/internal/seal"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newMaster(t *testing.T) *seal.Master {
	t.Helper()
	m, err := seal.NewMaster(seal.GenerateMaster())
	require.NoError(t, err)
	return m
}

func newKey(t *testing.T) *seal.Key {
	t.Helper()
	key, err := seal.NewKey()
	require.NoError(t, err)
	return key
}

func TestSealOpen(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOf(rapid.Byte()).Draw(t, "text")
		aad := rapid.SliceOf(rapid.Byte()).Draw(t, "aad")
		sealed := key.Seal(text, aad)
		require.Len(t, sealed, len(text)+29)
		require.NotEqual(t, sealed, key.Seal(text, aad), "a nonce came twice")
		opened, err := key.Open(sealed, aad)
		require.NoError(t, err)
		require.True(t, bytes.Equal(text, opened))

		at := rapid.IntRange(0, len(sealed)-1).Draw(t, "at")
		sealed[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		_, err = key.Open(sealed, aad)
		require.ErrorIs(t, err, seal.ErrOpen)
	})
}

// Two rows that swap their ciphertexts cannot be opened any more: each is bound to its row and field.
func TestOpenSwapped(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	mine, yours := seal.AAD("42", "mine", "pin"), seal.AAD("42", "yours", "pin")
	sealedMine, sealedYours := key.Seal([]byte("11111111"), mine), key.Seal([]byte("22222222"), yours)
	_, err := key.Open(sealedYours, mine)
	require.ErrorIs(t, err, seal.ErrOpen)
	_, err = key.Open(sealedMine, yours)
	require.ErrorIs(t, err, seal.ErrOpen)
	_, err = key.Open(sealedMine, seal.AAD("42", "mine", "code"))
	require.ErrorIs(t, err, seal.ErrOpen)
	_, err = newKey(t).Open(sealedMine, mine)
	require.ErrorIs(t, err, seal.ErrOpen)
}

func TestOpenGarbage(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	for _, sealed := range [][]byte{
		nil,
		{},
		{1},
		{2},
		make([]byte, 28), bytes.Repeat([]byte{1}, 29),
		make([]byte, 100),
	} {
		_, err := key.Open(sealed, nil)
		require.ErrorIs(t, err, seal.ErrOpen)
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	master, key := newMaster(t), newKey(t)
	aad := seal.AAD("pin_keys", "42")
	wrapped := master.Wrap(key, aad)

	again, err := master.Unwrap(wrapped, aad)
	require.NoError(t, err)
	opened, err := again.Open(key.Seal([]byte("secret"), nil), nil)
	require.NoError(t, err)
	require.Equal(t, "secret", string(opened))
	require.Equal(t, key.HMAC([]byte("code")), again.HMAC([]byte("code")))

	_, err = master.Unwrap(wrapped, seal.AAD("pin_keys", "43"))
	require.ErrorIs(t, err, seal.ErrOpen, "a wrapped key was taken for another event's")
	_, err = newMaster(t).Unwrap(wrapped, aad)
	require.ErrorIs(t, err, seal.ErrOpen, "another master key opened it")
}

// A new master key wraps the same data keys: what they sealed still opens, and a code is still found by its HMAC.
func TestRotation(t *testing.T) {
	t.Parallel()
	before, after := newMaster(t), newMaster(t)
	key := newKey(t)
	sealed, sum := key.Seal([]byte("secret"), nil), key.HMAC([]byte("secret"))

	old, err := before.Unwrap(before.Wrap(key, nil), nil)
	require.NoError(t, err)
	rotated, err := after.Unwrap(after.Wrap(old, nil), nil)
	require.NoError(t, err)
	opened, err := rotated.Open(sealed, nil)
	require.NoError(t, err)
	require.Equal(t, "secret", string(opened))
	require.Equal(t, sum, rotated.HMAC([]byte("secret")))
}

func TestHMAC(t *testing.T) {
	t.Parallel()
	a, b := newKey(t), newKey(t)
	require.Len(t, a.HMAC([]byte("x")), 32)
	require.Equal(t, a.HMAC([]byte("x")), a.HMAC([]byte("x")))
	require.NotEqual(t, a.HMAC([]byte("x")), a.HMAC([]byte("y")))
	require.NotEqual(t, a.HMAC([]byte("x")), b.HMAC([]byte("x")))
}

func TestAADIsUnambiguous(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.StringN(0, 3, -1), 0, 3)
		a, b := parts.Draw(t, "a"), parts.Draw(t, "b")
		same := len(a) == len(b)
		for i := 0; same && i < len(a); i++ {
			same = a[i] == b[i]
		}
		require.Equal(t, same, bytes.Equal(seal.AAD(a...), seal.AAD(b...)))
	})
}

func TestNewMaster(t *testing.T) {
	t.Parallel()
	text := seal.GenerateMaster()
	require.Len(t, text, 44)
	require.NotEqual(t, text, seal.GenerateMaster())
	for name, c := range map[string]struct{ text, want string }{
		"empty":      {" \n", "empty"},
		"not base64": {"correct horse battery staple", "not base64"},
		"short":      {base64.StdEncoding.EncodeToString(make([]byte, 31)), "31 bytes instead of 32"},
		"long":       {base64.StdEncoding.EncodeToString(make([]byte, 33)), "33 bytes instead of 32"},
		"hex":        {hex.EncodeToString(make([]byte, 32)), "48 bytes instead of 32"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := seal.NewMaster(c.text)
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "openssl rand -base64 32")
			if text := strings.TrimSpace(c.text); text != "" {
				require.NotContains(t, err.Error(), text, "the key stands in the error")
			}
			require.Nil(t, m)
		})
	}
	_, err := seal.NewMaster("\n " + text + " \r\n")
	require.NoError(t, err, "a file ends with a line feed")
}

// A key that is wrapped anew opens under the new master key only, as often as that is done; another's key does not.
func TestRewrap(t *testing.T) {
	t.Parallel()
	masters := make([]*seal.Master, 3)
	for n := range masters {
		var err error
		masters[n], err = seal.NewMaster(seal.GenerateMaster())
		require.NoError(t, err)
	}
	from, to, other := masters[0], masters[1], masters[2]
	key, err := seal.NewKey()
	require.NoError(t, err)
	aad := seal.AAD("test")
	wrapped := from.Wrap(key, aad)
	for range 2 {
		wrapped, err = seal.Rewrap(wrapped, aad, from, to)
		require.NoError(t, err)
		opened, err := to.Unwrap(wrapped, aad)
		require.NoError(t, err)
		require.Equal(t, key.HMAC(nil), opened.HMAC(nil))
		_, err = from.Unwrap(wrapped, aad)
		require.ErrorIs(t, err, seal.ErrOpen)
	}
	for _, from := range []*seal.Master{other, nil} {
		_, err = seal.Rewrap(masters[0].Wrap(key, aad), aad, from, to)
		require.ErrorIs(t, err, seal.ErrOpen)
	}
	_, err = seal.Rewrap(wrapped, seal.AAD("another purpose"), from, to)
	require.ErrorIs(t, err, seal.ErrOpen)
}

// No way of printing shows a key, by itself or within something else.
func TestRedaction(t *testing.T) {
	t.Parallel()
	raw := bytes.Repeat([]byte("Z"), seal.Size)
	master, err := seal.NewMaster(base64.StdEncoding.EncodeToString(raw))
	require.NoError(t, err)
	key, err := seal.KeyFrom(raw)
	require.NoError(t, err)
	type holder struct {
		Master *seal.Master
		Key    *seal.Key
		master *seal.Master // fmt calls no method of an unexported field
		key    *seal.Key
	}
	held := holder{master, key, master, key}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b"} {
		require.Equal(t, "[redacted key]", fmt.Sprintf(verb, master))
		require.Equal(t, "[redacted key]", fmt.Sprintf(verb, key))
		fmt.Fprintf(&out, verb, held)
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("x", "master", master, "key", key, "held", held)
	}
	require.NoError(t, json.NewEncoder(&out).Encode([]any{master, key, held}))
	for _, trace := range []string{"ZZZZ", "WlpaWlpa", "5a5a5a", "5A5A5A", "90 90 90", "132 132", "1011010 1011010"} {
		require.NotContains(t, out.String(), trace)
	}
}
