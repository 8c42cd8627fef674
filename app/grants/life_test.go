package grants_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"bestow/app"
	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// handlerProcess is the id of a handler's process.
const handlerProcess = "0123456789abcdef0123456789abcdef"

// cutLedger is the ledger of the process's own database, of a process that loses all its sessions while it asks, and is
// taken for gone.
type cutLedger struct {
	*handLedger
	asked func(ctx context.Context) error // what happens at the next call
}

func (l *cutLedger) Grant(ctx context.Context, e domain.Event, deadline time.Time,
	grants []domain.Grant,
) ([]domain.Outcome, error) {
	if err := l.asked(ctx); err != nil {
		return nil, err
	}
	return l.handLedger.Grant(ctx, e, deadline, grants)
}

// A handler that was taken for gone while it was about to ask asks for nothing under its old claim, which ends before
// its lease. It claims the chunk anew, in its new life, and grants once.
func TestAClaimEndsWithTheLifeOfItsProcess(t *testing.T) {
	t.Parallel()
	s := setupGrants(t, 2)
	present := pg.NewPresence(handlerProcess)
	pool, err := pg.Open(t.Context(), s.Pool.Config().ConnString(), pg.Options{MaxConns: 4, Presence: present})
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	s.Exec(`INSERT INTO processes (id, roles, version, host, pid, life) VALUES ($1, '{handler}', '', '', 1, 1)`, handlerProcess)
	ledger := &cutLedger{handLedger: s.ledger, asked: func(ctx context.Context) error {
		require.EqualValues(t, 1, s.Int(`SELECT count(*) FROM grant_chunks WHERE claim_token BETWEEN $1 AND $2`,
			bounds(1)...), "the token tells whose claim it is")
		s.cut(pool)
		return s.session(ctx, pool)
	}}
	s.app, err = app.New(app.Deps{
		Pool: pool, River: s.River, Granter: ledger,
		ClaimMark: func(_ domain.Event, life int64) ([8]byte, bool) { return present.Mark(life), true },
	})
	require.NoError(t, err)

	err = s.app.Grants.Handle(t.Context(), s.message(0, 0))
	require.ErrorIs(t, err, pg.ErrLifeOver)
	require.Equal(t, "none", s.row("m1"))
	require.Equal(t, "closed", s.claimed(), "nothing was asked for under it")

	ledger.asked = func(ctx context.Context) error { return s.session(ctx, pool) }
	require.NoError(t, s.app.Grants.Handle(t.Context(), s.message(0, 0)))
	require.EqualValues(t, 2, present.Life())
	require.Equal(t, "success 2 fail 0 retried 0 settled 2", s.counted())
	require.Equal(t, "closed", s.claimed())
}

// A claim for a ledger elsewhere ends by its lease alone: what was asked for may be on its way there.
func TestAClaimOfALedgerElsewhere(t *testing.T) {
	t.Parallel()
	s := setupGrants(t, 1)
	present := pg.NewPresence(handlerProcess)
	pool, err := pg.Open(t.Context(), s.Pool.Config().ConnString(), pg.Options{MaxConns: 4, Presence: present})
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	s.Exec(`INSERT INTO processes (id, roles, version, host, pid, life) VALUES ($1, '{handler}', '', '', 1, 1)`, handlerProcess)
	s.app, err = app.New(app.Deps{
		Pool: pool, River: s.River, Granter: &cutLedger{s.ledger, func(context.Context) error {
			s.cut(pool)
			require.Zero(t, s.Int(`SELECT count(*) FROM grant_chunks WHERE claim_token BETWEEN $1 AND $2`, bounds(1)...))
			return nil
		}},
		ClaimMark: func(_ domain.Event, life int64) ([8]byte, bool) { return present.Mark(life), false },
	})
	require.NoError(t, err)
	require.NoError(t, s.app.Grants.Handle(t.Context(), s.message(0, 0)), "its answer counts in whichever life it comes")
	require.Equal(t, "success 1 fail 0 retried 0 settled 1", s.counted())
}

// bounds are the least and the greatest token of the process's life.
func bounds(life int64) []any {
	least, greatest := pg.MarkedBetween(handlerProcess, life)
	return []any{least, greatest}
}

// cut ends all sessions of the process, and says that it is gone.
func (s *grantTest) cut(pool *pgxpool.Pool) {
	s.Helper()
	for _, c := range pool.AcquireAllIdle(s.Context()) {
		s.Exec(`SELECT pg_terminate_backend($1, 60000)`, c.Conn().PgConn().PID())
		_ = c.Conn().Close(s.Context()) // nothing answers there
		c.Release()
	}
	require.NoError(s, pgx.BeginFunc(s.Context(), s.Pool, func(tx pgx.Tx) error {
		gone, err := pg.TryGone(s.Context(), tx, handlerProcess, 1)
		require.True(s, gone)
		_, failed := tx.Exec(s.Context(), `UPDATE processes SET gone = 1`)
		return errors.Join(err, failed)
	}))
}

// session asks for a session of the process, as the ledger of its database does to grant.
func (s *grantTest) session(ctx context.Context, pool *pgxpool.Pool) error {
	s.Helper()
	_, err := pool.Exec(ctx, `SELECT 1`)
	return err
}
