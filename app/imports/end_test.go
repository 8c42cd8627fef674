package imports

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"bestow/app/command"
	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// A person ends an upload that is under way: its sender is told by whom, nothing of it is kept, and the event is free. An
// upload that breaks off by itself afterwards is not told so (C9).
func TestEndImport(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	id := s.Event()
	kim := command.Caller{Actor: "kim"}
	notFound := &domain.Error{Code: domain.NotFound}
	require.ErrorIs(t, s.targets.EndImport(t.Context(), kim, id), notFound)
	require.ErrorIs(t, s.targets.EndImport(t.Context(), kim, id+1), notFound)
	_, err := s.whileImporting(id, command.Caller{Actor: "test"}, func() {
		require.NoError(t, s.targets.EndImport(t.Context(), kim, id))
		require.ErrorIs(t, s.targets.EndImport(t.Context(), kim, id), notFound)
		s.mustImport(id, "member_id,amount\nM9,9\n")
	})
	require.ErrorIs(t, err, &domain.Error{Code: domain.UploadEnded})
	require.ErrorContains(t, err, "the upload was ended by kim")
	require.Len(t, s.consistent(id), 1)

	begun := "member_id,amount\nM1,1\n" + strings.Repeat("\n", firstPiece)
	broken := io.MultiReader(strings.NewReader(begun), iotest.ErrReader(io.ErrUnexpectedEOF))
	_, err = s.targets.Import(t.Context(), command.Caller{Actor: "test"}, id, Upload{Body: broken, ContentType: typeCSV})
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.False(t, errors.Is(err, &domain.Error{Code: domain.UploadEnded}), "that was the one before")
}

// An import that was ended, and that no signal reached before its commit, adds nothing; one that commits cannot be ended
// any more, and the person who tries is told so.
func TestEndAtTheEndOfAnImport(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	id := s.Event()
	list := "member_id,amount\nM1,1\n" + strings.Repeat("\n", firstPiece) // its end comes in the transaction
	ending := io.MultiReader(strings.NewReader(list), endOf(func() {
		require.NoError(t, pg.InTx(t.Context(), s.Pool, func(tx pgx.Tx) error { return upsertEnded(t.Context(), tx, id, "kim") }))
	}))
	_, err := s.targets.Import(t.Context(), command.Caller{Actor: "test"}, id, Upload{Body: ending, ContentType: typeCSV})
	require.ErrorIs(t, err, &domain.Error{Code: domain.UploadEnded})
	require.Empty(t, s.consistent(id))

	tx, err := s.Pool.Begin(t.Context())
	require.NoError(t, err)
	require.NoError(t, pg.Lock(t.Context(), tx, pg.End, id)) // as an import has it that commits
	ended := make(chan error, 1)
	go func() { ended <- s.targets.EndImport(t.Context(), command.Caller{Actor: "kim"}, id) }()
	s.waitsForALock(ended)
	require.Empty(t, ended)
	require.NoError(t, tx.Commit(t.Context()))
	require.ErrorIs(t, <-ended, &domain.Error{Code: domain.NotFound})
}

// endOf runs do when the body is read to its end.
func endOf(do func()) io.Reader { return endReader(do) }

type endReader func()

// Read runs the function, and is at the end.
func (r endReader) Read([]byte) (int, error) {
	r()
	return 0, io.EOF
}

// An import adds its targets behind the gate: what moves the event meanwhile is over first (F38).
func TestImportWaitsForAGate(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	id := s.Event()
	tx, err := s.Pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	require.NoError(t, pg.Lock(t.Context(), tx, pg.Gate, id))
	imported := make(chan error, 1)
	go func() {
		_, err := s.importCSV(id, "member_id,amount\nM1,1\n")
		imported <- err
	}()
	s.waitsForALock(imported)
	require.Empty(t, imported, "the gate is held")
	require.NoError(t, tx.Rollback(t.Context()))
	require.NoError(t, <-imported)
	require.Len(t, s.consistent(id), 1)
}

// waitsForALock waits until a session of the database waits for an advisory lock, or until what should wait is done.
func (s *importTest) waitsForALock(done chan error) {
	s.Helper()
	const waits = `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
	require.Eventually(s, func() bool { return len(done) > 0 || s.Int(waits) > 0 }, time.Minute, 5*time.Millisecond)
}

// An event that has begun refuses a list at once, and not after hours of sending it.
func TestImportWrongEventAtOnce(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	rest := iotest.ErrReader(errors.New("the rest was read"))
	list := io.MultiReader(strings.NewReader("member_id,amount\nM1,1\n"+strings.Repeat("\n", firstPiece)), rest)
	_, err := s.targets.Import(t.Context(), command.Caller{Actor: "test"}, s.Event("event_status = 'RUNNING'"),
		Upload{Body: list, ContentType: typeCSV})
	require.ErrorIs(t, err, &domain.Error{Code: domain.WrongStatus})
}

// A COMMIT whose answer was lost may still be at work: the import waits for its end, and tells by it whether the list is
// there (F3).
func TestImportLostCommitUnderWay(t *testing.T) {
	t.Parallel()
	for _, committed := range []bool{true, false} {
		s := setupImport(t)
		id, lost := s.Event(), errors.New("the answer is lost")
		tx, err := s.Pool.Begin(t.Context())
		require.NoError(t, err)
		require.NoError(t, pg.Lock(t.Context(), tx, pg.Import, id))
		var result Result
		const insert = `INSERT INTO imports (event_id, created_by, content_type, sha256, bytes, accepted, rejected, total_amount)
			VALUES ($1, 'kim', 'text/csv', '', 1, 1, 0, 1) RETURNING id`
		require.NoError(t, tx.QueryRow(t.Context(), insert, id).Scan(&result.ImportID))
		told := make(chan error, 1)
		go func() { told <- s.targets.lostCommit(t.Context(), id, result, lost) }()
		s.waitsForALock(told)
		require.Empty(t, told, "the server is at work on it")
		if committed {
			require.NoError(t, tx.Commit(t.Context()))
			require.NoError(t, <-told)
			continue
		}
		require.NoError(t, tx.Rollback(t.Context()))
		require.ErrorIs(t, <-told, lost)
	}
}
