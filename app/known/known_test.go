package known

import (
	"context"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A secret that was looked up lasts no longer than its validity, and until it is revoked here.
func TestFind(t *testing.T) {
	t.Parallel()
	f := NewFinder[int]()
	now := time.Now()
	f.Now = func() time.Time { return now }
	sum := sha256.Sum256([]byte("secret"))
	asked, lasts, answer := 0, 2*time.Second, error(nil)
	find := func() bool {
		owner, found, err := f.Find(t.Context(), sum, func(context.Context) (int, time.Duration, error) {
			asked++
			return 7, lasts, answer
		})
		require.NoError(t, err)
		require.True(t, !found || owner == 7)
		return found
	}
	require.True(t, find())
	now = now.Add(2*time.Second - 1)
	require.True(t, find())
	require.Equal(t, 1, asked, "it was looked up a moment ago")
	now = now.Add(1)
	lasts = time.Hour
	require.True(t, find())
	require.Equal(t, 2, asked, "it had expired")
	f.Forget(func(_ Sum, owner int) bool { return owner == 8 })
	require.True(t, find())
	require.Equal(t, 2, asked)
	f.Forget(func(_ Sum, owner int) bool { return owner == 7 })
	answer = pgx.ErrNoRows
	require.False(t, find())
	require.Equal(t, 3, asked, "it was revoked here")
}

// A secret that is revoked elsewhere is refused after [For], and forgotten.
func TestRevokedElsewhere(t *testing.T) {
	t.Parallel()
	f := NewFinder[int]()
	now := time.Now()
	f.Now = func() time.Time { return now }
	sum := sha256.Sum256([]byte("secret"))
	answer := error(nil)
	find := func() bool {
		_, found, err := f.Find(t.Context(), sum, func(context.Context) (int, time.Duration, error) {
			return 7, time.Hour, answer
		})
		require.NoError(t, err)
		return found
	}
	require.True(t, find())
	answer = pgx.ErrNoRows
	now = now.Add(For - 1)
	require.True(t, find())
	now = now.Add(1)
	require.False(t, find())
	require.Empty(t, f.all)
}
