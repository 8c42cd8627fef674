package pg_test

import (
	"context"
	"encoding/hex"
	"testing"
	"time"

	"bestow/internal/pg"
	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// process is the id of a process that keeps a row in the list of processes, or none.
const process = "0123456789abcdef0123456789abcdef"

// present is a database in which the sessions of a pool are those of a process; beside is of none.
type present struct {
	testing.TB
	*pg.Presence
	pool, beside *pgxpool.Pool
}

func newPresent(t *testing.T) present {
	t.Helper()
	p := present{TB: t, Presence: pg.NewPresence(process), beside: pgtest.New(t)}
	p.pool = open(t, p.beside.Config().ConnString(), pg.Options{MaxConns: 6, Presence: p.Presence})
	_, err := p.beside.Exec(t.Context(), `INSERT INTO processes (id, roles, version, host, pid, life) VALUES ($1, '{}', '', '', 1, 1)`, process)
	require.NoError(t, err)
	return p
}

// gone reports whether a life of the process is gone, and says that it is where say is true.
func (p present) gone(life int64, say bool) (gone bool) {
	p.Helper()
	require.NoError(p, pgx.BeginFunc(p.Context(), p.beside, func(tx pgx.Tx) (err error) {
		if gone, err = pg.TryGone(p.Context(), tx, process, life); err != nil || !gone || !say {
			return err
		}
		return p.say(tx, life)
	}))
	return gone
}

func (p present) say(tx pgx.Tx, life int64) error {
	_, err := tx.Exec(p.Context(), `UPDATE processes SET gone = $2 WHERE id = $1`, process, life)
	return err
}

// loseSessions ends all sessions of the process, as its network or a crash of the server does, and waits until they
// are gone.
func (p present) loseSessions(conns []*pgxpool.Conn) {
	p.Helper()
	for _, c := range conns {
		_, err := p.beside.Exec(p.Context(), `SELECT pg_terminate_backend($1, 60000)`, c.Conn().PgConn().PID())
		require.NoError(p, err)
		_ = c.Conn().Close(p.Context()) // nothing answers there
		c.Release()
	}
}

// A process is gone when its last session is: not with the first, and not while one only sleeps.
func TestAProcessIsGoneWithItsLastSession(t *testing.T) {
	t.Parallel()
	p := newPresent(t)
	conns := acquire(t, p.pool, 3)
	require.False(t, p.gone(1, false))
	p.loseSessions(conns[:2])
	require.False(t, p.gone(1, false))
	p.loseSessions(conns[2:])
	require.True(t, p.gone(1, false))
}

// A process that only lost its sessions goes on in the same life, with all that it had begun.
func TestALifeOutlivesItsSessions(t *testing.T) {
	t.Parallel()
	p := newPresent(t)
	conns := acquire(t, p.pool, 2)
	p.loseSessions(conns)
	_, err := p.pool.Exec(pg.InLife(t.Context(), 1), `SELECT 1`)
	require.NoError(t, err)
	require.EqualValues(t, 1, p.Life())
	require.False(t, p.gone(1, true))
}

// A process that was taken for gone begins a new life: what it had begun gets no session any more, and what it begins
// from now on does. A session that comes while somebody says that it is gone waits for that word.
func TestWhatALifeHadBegunEndsWithIt(t *testing.T) {
	t.Parallel()
	p := newPresent(t)
	conns := acquire(t, p.pool, 2)
	old := pg.InLife(t.Context(), 1)
	p.loseSessions(conns)
	came := make(chan error, 1)
	require.NoError(t, pgx.BeginFunc(t.Context(), p.beside, func(tx pgx.Tx) error {
		gone, err := pg.TryGone(t.Context(), tx, process, 1)
		if err != nil {
			return err
		}
		require.True(t, gone)
		go func() {
			_, err := p.pool.Exec(old, `SELECT 1`)
			came <- err
		}()
		p.waits()
		return p.say(tx, 1)
	}))
	require.ErrorIs(t, <-came, pg.ErrLifeOver)
	_, err := p.pool.Exec(t.Context(), `SELECT 1`)
	require.NoError(t, err)
	require.EqualValues(t, 2, p.Life())
	var noted int64
	require.NoError(t, p.beside.QueryRow(t.Context(), `SELECT life FROM processes`).Scan(&noted))
	require.EqualValues(t, 2, noted, "before its next beat nobody may take it for gone again")
	_, err = p.pool.Exec(pg.InLife(t.Context(), 2), `SELECT 1`)
	require.NoError(t, err)
	require.NoError(t, pgx.BeginFunc(t.Context(), p.pool, func(tx pgx.Tx) error {
		require.EqualValues(t, 2, pg.LifeOf(tx))
		return nil
	}))
	require.True(t, p.gone(1, false))
	require.False(t, p.gone(2, false))
}

// waits waits until a session waits for an advisory lock in the database.
func (p present) waits() {
	p.Helper()
	require.Eventually(p, func() bool {
		var waiting bool
		err := p.beside.QueryRow(p.Context(), `SELECT EXISTS (SELECT FROM pg_locks
			WHERE locktype = 'advisory' AND NOT granted
			  AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`).Scan(&waiting)
		return err == nil && waiting
	}, time.Minute, 10*time.Millisecond)
}

// A database without our tables is one in which a process may begin, and learn what it lacks.
func TestPresenceBeforeTheFirstMigration(t *testing.T) {
	t.Parallel()
	pool := open(t, pgtest.Empty(t), pg.Options{Presence: pg.NewPresence(process)})
	require.NoError(t, pool.Ping(t.Context()))
}

// The mark of a life stands before all else in a uuid, and no other life has it.
func TestMarkedBetween(t *testing.T) {
	t.Parallel()
	least, greatest := pg.MarkedBetween(process, 7)
	mark := pg.NewPresence(process).Mark(7)
	require.Equal(t, hex.EncodeToString(mark[:])+"0000000000000000", hex.EncodeToString(least.Bytes[:]))
	require.Equal(t, hex.EncodeToString(mark[:])+"ffffffffffffffff", hex.EncodeToString(greatest.Bytes[:]))
	require.NotEqual(t, mark, pg.NewPresence(process).Mark(8))
	require.Equal(t, context.Background(), pg.InLife(context.Background(), 0), "a life of 0 changes nothing")
}
