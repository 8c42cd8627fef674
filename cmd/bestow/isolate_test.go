package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"bestow/app"
	"bestow/app/grants"
	"bestow/cmd/bestow/daemon"
	"bestow/domain"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// failing is a ledger whose first call waits, and then fails.
type failing struct {
	grants.Granter
	failed atomic.Bool
	asked  chan struct{}
	fail   chan error
}

func (f *failing) Grant(ctx context.Context, e domain.Event, deadline time.Time,
	batch []domain.Grant,
) ([]domain.Outcome, error) {
	if f.failed.Swap(true) {
		return f.Granter.Grant(ctx, e, deadline, batch)
	}
	close(f.asked)
	return nil, <-f.fail
}

// A member is asked for by itself, and the ledger fails: whoever comes next finds the member's mark together with the
// claim, or neither. With the mark alone it would refuse the member for a death that was none.
func TestMarkGoesWithTheClaim(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]error{
		"not applied":  fmt.Errorf("away: %w", grants.ErrNotApplied),
		"nobody knows": errors.New("reset"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			f := &failing{asked: make(chan struct{}), fail: make(chan error)}
			p, _ := w.start(t.Context(), daemon.Overrides{
				Granter: func(g grants.Granter) grants.Granter { f.Granter = g; return f },
				Limits:  func(l *app.Limits) { l.ClaimLease, l.GrantBudget = 5*time.Second, 2*time.Second },
			}, daemon.RoleAPI)
			e := w.event(p, "POINT", 20)
			w.run(p, e)
			m := w.message(e)
			w.exec(`UPDATE grant_chunks SET attempts = 10`)

			first := make(chan error, 1)
			go func() { first <- p.App.Grants.Handle(t.Context(), m) }()
			<-f.asked
			held := w.holdRow(m.Grants[0].MemberID)
			f.fail <- failure
			w.waiting("UPDATE %point_results%")
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			require.ErrorIs(t, p.App.Grants.Handle(ctx, m), outbox.ErrBusy, "the claim is there as long as the mark")
			require.NoError(t, held.Rollback(t.Context()))
			require.ErrorIs(t, <-first, failure)

			require.Eventually(t, func() bool { return p.App.Grants.Handle(t.Context(), m) == nil }, 20*time.Second,
				50*time.Millisecond)
			require.Equal(t, len(m.Grants),
				w.count(`SELECT count(*) FROM point_results WHERE status = 'SUCCESS' AND retry_count = 0`))
		})
	}
}

// holdRow locks the member's result row until the transaction ends.
func (w *world) holdRow(member string) pgx.Tx {
	w.Helper()
	tx, err := w.pool.Begin(w.Context())
	require.NoError(w, err)
	w.Cleanup(func() { _ = tx.Rollback(context.Background()) })
	_, err = tx.Exec(w.Context(),
		`SELECT FROM point_results WHERE member_id = $1 AND error_code = 'isolated' FOR UPDATE`, member)
	require.NoError(w, err)
	return tx
}

// waiting returns when a statement like this one waits for a lock.
func (w *world) waiting(statement string) {
	w.Helper()
	require.Eventually(w, func() bool {
		return w.count(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1`, statement) > 0
	}, 20*time.Second, 10*time.Millisecond)
}

// saying says the same of every grant.
type saying struct {
	grants.Granter
	verdict domain.Verdict
}

func (s saying) Grant(_ context.Context, _ domain.Event, _ time.Time, batch []domain.Grant) ([]domain.Outcome, error) {
	outcomes := make([]domain.Outcome, len(batch))
	for i := range outcomes {
		outcomes[i] = domain.Outcome{Verdict: s.verdict, Code: "vague", Message: "perhaps later"}
	}
	return outcomes, nil
}

// A claim that comes back is no sign of a member that kills, whatever the ledger said: only claims that do not come
// back in a row lead to one member at a time.
func TestClaimsThatComeBackAreNotCounted(t *testing.T) {
	t.Parallel()
	for name, verdict := range map[string]domain.Verdict{"refused": domain.RefusedForNow, "unknown": domain.Unknown} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p, _ := w.start(t.Context(),
				daemon.Overrides{Granter: func(g grants.Granter) grants.Granter { return saying{g, verdict} }},
				daemon.RoleAPI)
			e := w.event(p, "POINT", 20)
			w.run(p, e)
			w.exec(`UPDATE grant_chunks SET attempts = 3`)
			require.NoError(t, p.App.Grants.Handle(t.Context(), w.message(e)))
			require.Equal(t, 1,
				w.count(`SELECT count(*) FROM grant_chunks WHERE claimed_at IS NOT NULL AND attempts = 0`))
		})
	}
}
