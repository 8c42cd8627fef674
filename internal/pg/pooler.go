package pg

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// looks is the number of times that refuseShared looks for a session that changes: other clients may hide it once.
const looks = 3

// refusesTransactions reports whether pgbouncer refused a BEGIN, as it does in pool_mode=statement. It has one SQLSTATE
// for all that it refuses, such as a client that waited too long for a session.
func refusesTransactions(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == "08P01" && strings.Contains(e.Message, "statement pooling mode")
}

// refuseShared returns ErrPooled if conn's session of the server is lent to others between its transactions. A pooler
// of that kind has to give conn another session while a second client holds the first one in a transaction.
func refuseShared(ctx context.Context, conn *pgconn.PgConn, plain *pgconn.Config) error {
	other, err := beside(ctx, conn, plain)
	if err != nil {
		return fmt.Errorf("connect beside: %w", err)
	}
	defer func() { _ = other.Close(context.WithoutCancel(ctx)) }()
	first, err := backend(ctx, conn, askBackend)
	for i := 0; i < looks && err == nil; i++ {
		var shared bool
		if shared, err = shares(ctx, conn, other, first); shared {
			return ErrPooled
		}
	}
	if refusesTransactions(err) {
		return ErrPooled
	}
	if err != nil {
		return fmt.Errorf("compare with the session beside: %w", err)
	}
	return nil
}

// beside connects a second client to where conn is connected.
func beside(ctx context.Context, conn *pgconn.PgConn, plain *pgconn.Config) (*pgconn.PgConn, error) {
	at := conn.Conn().RemoteAddr()
	c := plain.Copy()
	c.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, at.Network(), at.String())
	}
	return pgconn.ConnectConfig(ctx, c)
}

const askBackend = `SELECT pg_backend_pid()`

// shares reports whether other is given the session that conn had first, or conn another one. The pooler may lend the
// one that came back last, or the one that came back first: other takes two in turn and keeps the second, so that one
// of the three questions has another answer in both cases.
func shares(ctx context.Context, conn, other *pgconn.PgConn, first int64) (bool, error) {
	for _, sql := range []string{askBackend, `BEGIN; ` + askBackend} {
		if pid, err := backend(ctx, other, sql); err != nil || pid == first {
			return err == nil, err
		}
	}
	if pid, err := backend(ctx, conn, askBackend); err != nil || pid != first {
		return err == nil, err
	}
	_, err := other.Exec(ctx, `ROLLBACK`).ReadAll()
	return false, err
}

// backend runs sql, whose last result is the number of a process of the server.
func backend(ctx context.Context, conn *pgconn.PgConn, sql string) (int64, error) {
	results, err := conn.Exec(ctx, sql).ReadAll()
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(results[len(results)-1].Rows[0][0]), 10, 64)
}
