package pg_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"bestow/internal/pg"
	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

// The SQLSTATEs of PostgreSQL's appendix A, by whether the server is to blame or the statement: of the second kind the
// classes of which none tells of the server have one each (C17).
const (
	ofTheServer = `08000 08001 08003 08004 08006 08007 08P01 25006 25P03 25P04 26000 28000 28P01 3D000 40000 40001 40003 40P01 42P05
		53000 53100 53200 53300 53400 55000 55006 55P02 55P03 55P04 57000 57014 57P01 57P02 57P03 57P04 57P05 58000 58030 58P01 58P02
		58P03 72000 F0000 F0001 XX000 XX001 XX002`
	ofTheStatement = `03000 09000 0A000 0B000 0F001 0L000 0P000 0Z002 20000 21000 22003 22021 22P02 22P05 23502 23503 23505 23514 24000
		25000 25001 25P01 25P02 27000 2B000 2D000 2F002 34000 38001 39P01 3B001 3F000 40002 42501 42601 42703 42P01 44000 54000 54001
		HV000 P0001 P0002`
)

func TestUnavailable(t *testing.T) {
	t.Parallel()
	for _, code := range strings.Fields(ofTheServer) {
		require.True(t, pg.Unavailable(fmt.Errorf("copy rows: %w", &pgconn.PgError{Code: code})), code)
	}
	for _, code := range strings.Fields(ofTheStatement) {
		require.False(t, pg.Unavailable(fmt.Errorf("copy rows: %w", &pgconn.PgError{Code: code})), code)
	}
	for _, err := range []error{
		&net.OpError{Op: "read", Err: errors.New("reset")}, &net.OpError{Op: "write", Err: net.ErrClosed},
		os.ErrDeadlineExceeded,
		context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, &pgconn.ConnectError{}, pg.ErrReadOnly,
	} {
		require.True(t, pg.Unavailable(errors.Join(errors.New("read"), err)), "%v", err)
	}
	for _, err := range []error{nil, errors.New("x"), pgx.ErrNoRows, pgx.ErrTxCommitRollback, io.ErrShortWrite} {
		require.False(t, pg.Unavailable(err), "%v", err)
	}
}

// What a session says whose server has gone is no fault of ours either, whatever it is used for.
func TestUnavailableAfterTheSessionHasEnded(t *testing.T) {
	t.Parallel()
	address := pgtest.Empty(t)
	uses := map[string]func(conn *pgx.Conn, tx pgx.Tx) error{
		"query": func(_ *pgx.Conn, tx pgx.Tx) error {
			return tx.QueryRow(context.Background(), `SELECT $1::int`, 1).Scan(new(int))
		},
		"exec": func(_ *pgx.Conn, tx pgx.Tx) error {
			_, err := tx.Exec(context.Background(), `SELECT 1`)
			return err
		},
		"commit": func(_ *pgx.Conn, tx pgx.Tx) error { return tx.Commit(context.Background()) },
		"batch": func(_ *pgx.Conn, tx pgx.Tx) error {
			batch := &pgx.Batch{}
			batch.Queue(`SELECT 1`)
			return tx.SendBatch(context.Background(), batch).Close()
		},
		"copy": func(_ *pgx.Conn, tx pgx.Tx) error {
			_, err := tx.CopyFrom(context.Background(), pgx.Identifier{"t"}, []string{"n"},
				pgx.CopyFromRows([][]any{{1}}))
			return err
		},
		"raw copy": func(conn *pgx.Conn, _ pgx.Tx) error {
			_, err := conn.PgConn().CopyFrom(context.Background(), strings.NewReader("1\n"), `COPY t FROM STDIN`)
			return err
		},
		"begin": func(conn *pgx.Conn, _ pgx.Tx) error { _, err := conn.Begin(context.Background()); return err },
	}
	run(t, address, `CREATE TABLE t (n int)`)
	for name, use := range uses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, twice := range []bool{false, true} { // the first to hear of it, and the next
				conn, err := pg.Connect(t.Context(), address)
				require.NoError(t, err)
				tx, err := conn.Begin(t.Context())
				require.NoError(t, err)
				var pid int
				require.NoError(t, tx.QueryRow(t.Context(), `SELECT pg_backend_pid()`).Scan(&pid))
				run(t, address, fmt.Sprintf(`SELECT pg_terminate_backend(%d, 10000)`, pid))
				if twice {
					_, err = tx.Exec(t.Context(), `SELECT 1`)
					require.True(t, pg.Unavailable(err), "%T %v", err, err)
				}
				err = use(conn, tx)
				require.True(t, pg.Unavailable(err), "%v: %T %v", twice, err, err)
				_ = conn.Close(t.Context())
			}
		})
	}
}

// A statement that was prepared before a migration is prepared anew, and its transaction runs again.
func TestStalePlan(t *testing.T) {
	t.Parallel()
	address := pgtest.Empty(t)
	run(t, address, `CREATE TABLE t (n int)`)
	pool := open(t, address, pg.Options{MaxConns: 1})
	read := func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `SELECT * FROM t WHERE n > $1`, 0)
		if err != nil {
			return err
		}
		rows.Close()
		return rows.Err()
	}
	require.NoError(t, pg.InTx(t.Context(), pool, read))
	run(t, address, `ALTER TABLE t ADD more int`)
	require.NoError(t, pg.InTx(t.Context(), pool, read))
}
