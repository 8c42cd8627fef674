package uploads

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"bestow/app/command"
	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// To anyone but its owner an upload is not there, and nothing of what they try changes it.
func TestAnUploadIsItsOwners(t *testing.T) {
	t.Parallel()
	s := setup(t)
	u := s.begun(t, 3)
	append3 := func(owner string) error {
		_, err := s.Append(t.Context(), owner, u.ID, 0, []byte("abc"))
		return err
	}
	require.ErrorIs(t, append3("shop"), &domain.Error{Code: domain.NotFound})
	require.NoError(t, append3("crm"))
	for name, try := range map[string]func(owner string) error{
		"find":   func(owner string) error { _, err := s.Find(t.Context(), owner, u.ID); return err },
		"delete": func(owner string) error { return s.Delete(t.Context(), command.Caller{Actor: owner}, false, u.ID) },
		"read": func(owner string) error {
			_, _, _, _, err := s.Stored(owner, u.ID).Open(t.Context())
			return err
		},
		"remove": func(owner string) error {
			return pg.InTx(t.Context(), s.pool, func(tx pgx.Tx) error { return s.Stored(owner, u.ID).Remove(t.Context(), tx) })
		},
	} {
		require.ErrorIs(t, try("shop"), &domain.Error{Code: domain.NotFound}, name)
	}
	list, err := s.List(t.Context(), "shop")
	require.NoError(t, err)
	require.Empty(t, list)
	found, err := s.Find(t.Context(), "crm", u.ID)
	require.NoError(t, err)
	require.True(t, found.Whole())
	require.NoError(t, s.Delete(t.Context(), command.Caller{Actor: "crm"}, false, u.ID))
}

// No upload is longer than it may be, gets more than its size or a piece that does not follow the last one, or is read
// before all of it has come.
func TestSizeOfAnUpload(t *testing.T) {
	t.Parallel()
	s := setup(t)
	_, err := s.Create(t.Context(), command.Caller{Actor: "crm"}, Upload{Size: MaxSize + 1, ContentType: "text/csv"})
	require.ErrorIs(t, err, &domain.Error{Code: domain.UploadTooLarge})
	u := s.begun(t, 3)
	_, err = s.Append(t.Context(), "crm", u.ID, 0, []byte("ab"))
	require.NoError(t, err)
	for _, at := range []int64{0, 1, 3} {
		now, err := s.Append(t.Context(), "crm", u.ID, at, nil)
		require.ErrorIs(t, err, &domain.Error{Code: domain.UploadMoved}, at)
		require.EqualValues(t, 2, now.Received)
	}
	_, err = s.Append(t.Context(), "crm", u.ID, 2, []byte("cd"))
	require.ErrorIs(t, err, &domain.Error{Code: domain.UploadTooLarge})
	_, _, _, _, err = s.Stored("crm", u.ID).Open(t.Context())
	require.ErrorIs(t, err, &domain.Error{Code: domain.UploadPartial})
	_, err = s.Append(t.Context(), "crm", u.ID, 2, []byte("c"))
	require.NoError(t, err)
	r, _, _, _, err := s.Stored("crm", u.ID).Open(t.Context())
	require.NoError(t, err)
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "abc", string(got))
}

// While another session holds the table, everything that asks for an upload ends in time, and says whom it waited for.
func TestNothingWaitsWithoutEnd(t *testing.T) {
	t.Parallel()
	s := setup(t)
	u := s.begun(t, 3)
	whole := s.begun(t, 3)
	_, err := s.Append(t.Context(), "crm", whole.ID, 0, []byte("abc"))
	require.NoError(t, err)
	list, _, _, _, err := s.Stored("crm", whole.ID).Open(t.Context())
	require.NoError(t, err)
	gate, err := s.pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = gate.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = gate.Exec(t.Context(), `LOCK TABLE uploads, upload_pieces IN ACCESS EXCLUSIVE MODE`)
	require.NoError(t, err)
	s.wait = 50 * time.Millisecond
	for name, ask := range map[string]func() error{
		"create": func() error {
			_, err := s.Create(t.Context(), command.Caller{Actor: "crm"}, Upload{Size: 3, ContentType: "text/csv"})
			return err
		},
		"read":   func() error { _, err := list.Read(make([]byte, 3)); return err },
		"tidy":   func() error { return s.Tidy(t.Context()) },
		"list":   func() error { _, err := s.List(t.Context(), "crm"); return err },
		"find":   func() error { _, err := s.Find(t.Context(), "crm", u.ID); return err },
		"append": func() error { _, err := s.Append(t.Context(), "crm", u.ID, 0, []byte("abc")); return err },
		"open":   func() error { _, _, _, _, err := s.Stored("crm", u.ID).Open(t.Context()); return err },
		"delete": func() error { return s.Delete(t.Context(), command.Caller{Actor: "crm"}, false, u.ID) },
	} {
		_, blocked := errors.AsType[*pg.BlockedError](ask())
		require.True(t, blocked, name)
	}
}

// An upload lives for Lifetime from its last byte, or from when it was read. After that it is not there, and Tidy removes
// it and no other.
func TestExpiry(t *testing.T) {
	t.Parallel()
	s := setup(t)
	expires := func(u Upload, in time.Duration) {
		_, err := s.pool.Exec(t.Context(), `UPDATE uploads SET expires_at = now() + $2::interval WHERE id = $1`, u.ID, in)
		require.NoError(t, err)
	}
	old, lives := s.begun(t, 3), s.begun(t, 3)
	prolonged := func() {
		u, err := s.Find(t.Context(), "crm", lives.ID)
		require.NoError(t, err)
		require.WithinDuration(t, u.CreatedAt.Add(Lifetime), u.ExpiresAt, time.Hour)
		expires(lives, time.Minute)
	}
	prolonged()
	_, err := s.Append(t.Context(), "crm", lives.ID, 0, []byte("abc"))
	require.NoError(t, err)
	prolonged()
	_, _, _, _, err = s.Stored("crm", lives.ID).Open(t.Context())
	require.NoError(t, err)
	prolonged()

	expires(old, -time.Second)
	gone := &domain.Error{Code: domain.NotFound}
	_, err = s.Find(t.Context(), "crm", old.ID)
	require.ErrorIs(t, err, gone)
	_, err = s.Append(t.Context(), "crm", old.ID, 0, []byte("a"))
	require.ErrorIs(t, err, gone)
	_, _, _, _, err = s.Stored("crm", old.ID).Open(t.Context())
	require.ErrorIs(t, err, gone)
	list, err := s.List(t.Context(), "crm")
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.NoError(t, s.Tidy(t.Context()))
	ids, err := pg.Value(t.Context(), s.pool, func(tx pgx.Tx) (ids []int64, err error) {
		rows, err := tx.Query(t.Context(), `SELECT id FROM uploads`)
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, pgx.RowTo[int64])
	})
	require.NoError(t, err)
	require.Equal(t, []int64{lives.ID}, ids)
}
