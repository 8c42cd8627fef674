package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"testing"

	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
)

// What tells of the database's state is 503 with Retry-After, however it is wrapped; what tells of a statement is our own
// fault (C17).
func TestErrorsOfTheDatabase(t *testing.T) {
	t.Parallel()
	a := New(echo.New(), slog.New(slog.DiscardHandler))
	for status, errs := range map[int][]error{
		http.StatusServiceUnavailable: {
			&pgconn.PgError{Code: "53100"}, &pgconn.PgError{Code: "25006"}, &pgconn.PgError{Code: "57P03"}, &pgconn.PgError{Code: "XX002"},
			fmt.Errorf("connect: %w", pg.ErrReadOnly), io.ErrUnexpectedEOF, context.DeadlineExceeded,
		},
		http.StatusInternalServerError: {errors.New("x"), &pgconn.PgError{Code: "42P01"}, &pgconn.PgError{Code: "23505"}},
	} {
		for _, err := range errs {
			p := a.Problem(t.Context(), fmt.Errorf("read event: %w", err))
			require.Equal(t, status, p.Status, "%v", err)
			require.Equal(t, status == http.StatusServiceUnavailable, p.header.Get("Retry-After") != "", "%v", err)
		}
	}
}

// Every code that a use case may refuse a request with is on the one map.
func TestKinds(t *testing.T) {
	t.Parallel()
	for _, code := range []domain.Code{
		domain.WrongStatus, domain.NotFound, domain.Invalid, domain.CampaignTaken, domain.NoTargets, domain.ImportRunning,
		domain.LaneBusy, domain.KeyReused, domain.KeyInFlight, domain.MissingKeys, domain.BadFile, domain.UnsupportedFile,
		domain.AllRejected, domain.RowsRejected, domain.TooManyRows, domain.TooManyRejected, domain.AmountOverflow, domain.Unavailable,
	} {
		require.Contains(t, kinds, code)
	}
	for code, k := range kinds {
		require.NotEmpty(t, k.title, code)
		require.GreaterOrEqual(t, k.status, 400, code)
	}
}
