package uploads

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"

	"bestow/app/command"
	"bestow/domain"
	"bestow/internal/pg"
	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

func setup(t *testing.T) *Uploads {
	t.Helper()
	s, err := New(pgtest.New(t), DefaultSpace)
	require.NoError(t, err)
	return s
}

func (s *Uploads) begun(t *testing.T, size int64) Upload {
	t.Helper()
	u, err := s.Create(t.Context(), command.Caller{Actor: "crm"}, Upload{Size: size, ContentType: "text/csv; charset=utf-8"})
	require.NoError(t, err)
	return u
}

// Many senders of the same bytes: each byte is stored once, whoever sends it.
func TestSendersRace(t *testing.T) {
	t.Parallel()
	s := setup(t)
	file := bytes.Repeat([]byte("0123456789"), 100)
	u := s.begun(t, int64(len(file)))
	var senders sync.WaitGroup
	for sender := range 5 {
		senders.Go(func() {
			for at := int64(0); at < u.Size; {
				end := min(u.Size, at+int64(7*sender+3))
				now, err := s.Append(t.Context(), "crm", u.ID, at, file[at:end])
				if err != nil && !domain.IsCode(err, domain.UploadMoved) {
					t.Errorf("append at %d: %v", at, err)
					return
				}
				at = now.Received
			}
		})
	}
	senders.Wait()
	r, _, _, _, err := s.Stored("crm", u.ID).Open(t.Context())
	require.NoError(t, err)
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, file, got)
}

// Requests at the same time begin no more uploads than a principal may have; those of others do not count.
func TestMaxOpen(t *testing.T) {
	t.Parallel()
	s := setup(t)
	var wg sync.WaitGroup
	for range 3 * MaxOpen {
		wg.Go(func() {
			_, err := s.Create(t.Context(), command.Caller{Actor: "crm"}, Upload{Size: 1, ContentType: "text/csv"})
			if err != nil && !domain.IsCode(err, domain.TooManyUploads) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	mine, err := s.List(t.Context(), "crm")
	require.NoError(t, err)
	require.Len(t, mine, MaxOpen)
	_, err = s.Create(t.Context(), command.Caller{Actor: "shop"}, Upload{Size: 1, ContentType: "text/csv"})
	require.NoError(t, err)
}

// An upload that lacks a piece is told as that, and not as one that is gone.
func TestPieceIsMissing(t *testing.T) {
	t.Parallel()
	s := setup(t)
	u := s.begun(t, 6)
	for at, piece := range []string{"abc", "def"} {
		_, err := s.Append(t.Context(), "crm", u.ID, int64(3*at), []byte(piece))
		require.NoError(t, err)
	}
	_, err := s.pool.Exec(t.Context(), `DELETE FROM upload_pieces WHERE at = 3`)
	require.NoError(t, err)
	r, _, _, interrupt, err := s.Stored("crm", u.ID).Open(t.Context())
	require.NoError(t, err)
	defer interrupt()
	_, err = io.ReadAll(r)
	require.ErrorIs(t, err, &domain.Error{Code: domain.BadFile})
	require.ErrorContains(t, err, "upload 1 has lost its bytes from 3 on")
}

// Of two transactions that import an upload one commits; after a rollback the upload is still there.
func TestRemoveOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	u := s.begun(t, 3)
	_, err := s.Append(t.Context(), "crm", u.ID, 0, []byte("abc"))
	require.NoError(t, err)
	stored := s.Stored("crm", u.ID)
	errRolledBack := errors.New("rolled back")
	err = pg.InTx(t.Context(), s.pool, func(tx pgx.Tx) error {
		require.NoError(t, stored.Remove(t.Context(), tx))
		return errRolledBack
	})
	require.ErrorIs(t, err, errRolledBack)
	r, _, _, interrupt, err := stored.Open(t.Context())
	require.NoError(t, err)
	remove := func(tx pgx.Tx) error { return stored.Remove(t.Context(), tx) }
	require.NoError(t, pg.InTx(t.Context(), s.pool, remove))
	require.ErrorIs(t, pg.InTx(t.Context(), s.pool, remove), &domain.Error{Code: domain.NotFound})
	_, err = io.ReadAll(r)
	require.ErrorIs(t, err, &domain.Error{Code: domain.NotFound}, "it is gone under the reader")
	interrupt()
	_, err = r.Read(make([]byte, 1))
	require.ErrorIs(t, err, context.Canceled)
}

// All uploads together have their space: one that finds no room is refused when it begins, also beside others, and has
// room again when one is deleted. Who takes how much is told.
func TestSpace(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.space = 10
	begin := func(owner string, size int64) (Upload, error) {
		return s.Create(t.Context(), command.Caller{Actor: owner}, Upload{Size: size, ContentType: "text/csv"})
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if _, err := begin(fmt.Sprint("p", i), 3); err != nil && !domain.IsCode(err, domain.UploadsFull) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	shares, err := s.Shares(t.Context())
	require.NoError(t, err)
	require.Len(t, shares, 3)
	_, err = begin("crm", 2)
	require.ErrorIs(t, err, &domain.Error{Code: domain.UploadsFull})
	require.ErrorContains(t, err, "2 bytes, and of the 10 that all uploads together may have, 9 are taken")
	u, err := begin("crm", 1)
	require.NoError(t, err)
	_, err = s.Append(t.Context(), "crm", u.ID, 0, []byte("x"))
	require.NoError(t, err)
	shares, err = s.Shares(t.Context())
	require.NoError(t, err)
	require.Equal(t, Share{Owner: "crm", Uploads: 1, Size: 1, Received: 1}, shares[3])
	_, err = s.pool.Exec(t.Context(), `UPDATE uploads SET expires_at = now() - interval '1 second'`)
	require.NoError(t, err)
	_, err = begin("crm", 1)
	require.ErrorIs(t, err, &domain.Error{Code: domain.UploadsFull}, "what has expired is still there")
	require.NoError(t, s.Tidy(t.Context()))
	_, err = begin("crm", 10)
	require.NoError(t, err)
	_, err = New(s.pool, 0)
	require.Error(t, err)
}
