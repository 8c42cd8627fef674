package web

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"testing"

	"bestow/domain"
	"bestow/http/api"
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

// What an answer says is text, whatever bytes an error holds.
func TestProblemIsText(t *testing.T) {
	t.Parallel()
	a := New(echo.New(), slog.New(slog.DiscardHandler))
	p := a.Problem(t.Context(), domain.InvalidError("a\xffb", "c\xff", domain.Field{Name: "d\xff", Message: "e\xff"}))
	require.Equal(t, []string{"a\uFFFDb", "c\uFFFD", "body.d\uFFFD", "e\uFFFD"},
		[]string{p.Detail, p.Hint, p.Errors[0].Location, p.Errors[0].Message})
}

// Every code that a request may be refused with is on the one map.
func TestKinds(t *testing.T) {
	t.Parallel()
	codes := slices.Concat(codesOf(t, "../../domain/error.go", "WrongStatus"), codesOf(t, "../api/problem.go", "BadRequest"))
	require.Subset(t, codes, []domain.Code{domain.WrongStatus, domain.Unavailable, api.BadRequest, api.Internal})
	for _, code := range codes {
		if code != domain.Missed { // what an event waits for: no request is refused with it
			require.Contains(t, kinds, code)
		}
	}
	for code, k := range kinds {
		require.NotEmpty(t, k.title, code)
		require.GreaterOrEqual(t, k.status, 400, code)
	}
}

// codesOf returns the values of the block of constants in a source file that begins with the constant first.
func codesOf(t *testing.T, file, first string) (codes []domain.Code) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	require.NoError(t, err)
	for _, d := range f.Decls {
		block, ok := d.(*ast.GenDecl)
		if !ok || block.Tok != token.CONST || block.Specs[0].(*ast.ValueSpec).Names[0].Name != first {
			continue
		}
		for _, spec := range block.Specs {
			code, err := strconv.Unquote(spec.(*ast.ValueSpec).Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			codes = append(codes, code)
		}
	}
	return codes
}
