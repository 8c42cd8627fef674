package known

import (
	"context"
	"crypto/sha256"
	"testing"
	"time"

	"bestow/domain"

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

// A secret that is revoked here while it is looked up is not remembered: the look-up may have read its owner before.
func TestRevokedWhileItIsLookedUp(t *testing.T) {
	t.Parallel()
	f := NewFinder[int]()
	sum := sha256.Sum256([]byte("secret"))
	_, found, err := f.Find(t.Context(), sum, func(context.Context) (int, time.Duration, error) {
		f.Forget(func(_ Sum, owner int) bool { return owner == 7 })
		return 7, time.Hour, nil
	})
	require.NoError(t, err)
	require.True(t, found, "this request came before the revocation had its answer")
	_, found, err = f.Find(t.Context(), sum, func(context.Context) (int, time.Duration, error) {
		return 0, 0, pgx.ErrNoRows
	})
	require.NoError(t, err)
	require.False(t, found)
}

// A wrong secret has nothing forgotten that another request looks up meanwhile.
func TestWrongSecretsLeaveOthersRemembered(t *testing.T) {
	t.Parallel()
	f := NewFinder[int]()
	right, wrong := sha256.Sum256([]byte("right")), sha256.Sum256([]byte("wrong"))
	asked := 0
	for range 2 {
		_, found, err := f.Find(t.Context(), right, func(context.Context) (int, time.Duration, error) {
			asked++
			_, found, err := f.Find(t.Context(), wrong, func(context.Context) (int, time.Duration, error) {
				return 0, 0, pgx.ErrNoRows
			})
			require.NoError(t, err)
			require.False(t, found)
			return 7, time.Hour, nil
		})
		require.NoError(t, err)
		require.True(t, found)
	}
	require.Equal(t, 1, asked)
}

// While others have all places to look secrets up, the database is not away: what was remembered does not last longer
// for it.
func TestTooManyLookUps(t *testing.T) {
	t.Parallel()
	f := NewFinder[int]()
	now := time.Now()
	f.Now, f.Wait = func() time.Time { return now }, 10*time.Millisecond
	sum := sha256.Sum256([]byte("secret"))
	find := func() (found bool, err error) {
		_, found, err = f.Find(t.Context(), sum,
			func(context.Context) (int, time.Duration, error) { return 7, time.Hour, nil })
		return found, err
	}
	found, err := find()
	require.NoError(t, err)
	require.True(t, found)
	for range maxRenewing {
		f.renewing <- struct{}{}
	}
	now = now.Add(For)
	_, err = find()
	require.True(t, domain.IsCode(err, domain.Unavailable), "%v", err)
	<-f.renewing
	found, err = find()
	require.NoError(t, err)
	require.True(t, found)
}

// A flood of wrong secrets holds up new ones alone: one that was found before is looked up beside them.
func TestFloodOfWrongSecrets(t *testing.T) {
	t.Parallel()
	f := NewFinder[int]()
	now := time.Now()
	f.Now, f.Wait = func() time.Time { return now }, 10*time.Millisecond
	find := func(secret string) (found bool, err error) {
		_, found, err = f.Find(t.Context(), sha256.Sum256([]byte(secret)),
			func(context.Context) (int, time.Duration, error) { return 7, time.Hour, nil })
		return found, err
	}
	_, err := find("old")
	require.NoError(t, err)
	now = now.Add(For)
	for range maxLooking {
		f.looking <- struct{}{}
	}
	found, err := find("old")
	require.NoError(t, err)
	require.True(t, found)
	_, err = find("new")
	require.True(t, domain.IsCode(err, domain.Unavailable), "%v", err)
}
