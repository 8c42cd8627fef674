package verify

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// othersLedger is the ledger of another company: what stands under the keys of events, as "2/m00".
type othersLedger struct {
	stands map[string]domain.Outcome
	away   error
	asked  int
	takes  time.Duration // for each event
}

func (l *othersLedger) Lookup(ctx context.Context, e domain.Event, grants []domain.Grant) ([]*domain.Outcome, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(l.takes):
	}
	l.asked += len(grants)
	found := make([]*domain.Outcome, len(grants))
	for i, g := range grants {
		if o, stands := l.stands[fmt.Sprint(e.ID, "/", g.MemberID)]; stands {
			found[i] = &o
		}
	}
	return found, l.away
}

// plantForeign is plant with a ledger of another company that made the grants of vouchers.
func plantForeign(t *testing.T) (*pgxpool.Pool, *othersLedger, *Verifier) {
	t.Helper()
	pool := plant(t)
	_, err := pool.Exec(t.Context(), forging(`UPDATE event_types SET granter = 'acme' WHERE code = 'VOUCHER';
		TRUNCATE money.vouchers, money.voucher_events; DELETE FROM starts WHERE event_id IN (2, 7)`))
	require.NoError(t, err)
	require.NoError(t, pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		return errors.Join(startPlanted(t.Context(), tx, plantedStore, 2), startPlanted(t.Context(), tx, plantedStore, 7))
	}))
	l := &othersLedger{stands: map[string]domain.Outcome{}}
	rows, err := pool.Query(t.Context(), `SELECT event_id || '/' || member_id, money_tx_id FROM voucher_results WHERE status = 'SUCCESS'`)
	require.NoError(t, err)
	var key, txID string
	_, err = pgx.ForEachRow(rows, []any{&key, &txID}, func() error {
		l.stands[key] = domain.Outcome{Verdict: domain.Granted, TxID: txID}
		return nil
	})
	require.NoError(t, err)
	require.NotEmpty(t, l.stands)
	reports := plantedVerifier(pool)
	reports.c.Ledgers = l
	return pool, l, reports
}

// D13: what another ledger granted is looked up there, key by key, and compared with the results.
func TestVerifyLooksUpInOtherLedgers(t *testing.T) {
	t.Parallel()
	_, l, reports := plantForeign(t)
	report, red := verifyBy(t, reports, Query{})
	require.Empty(t, red)
	require.True(t, report.OK, report.Conclusion())
	require.Equal(t, 32, l.asked)
	require.Contains(t, report.Invariants[2].Compared, "; 32 members looked up in the ledgers of others")

	l.asked = 0
	theirs, red := verifyBy(t, reports, Query{Event: "7"})
	require.Empty(t, red)
	require.Equal(t, 12, l.asked)
	require.NotZero(t, theirs.Amounts.Success)
	require.Nil(t, theirs.Amounts.Ledger, "nothing of it is in our ledger, which is no difference")
	l.asked = 0
	own, red := verifyBy(t, reports, Query{Event: "1"})
	require.Empty(t, red)
	require.NotNil(t, own.Amounts.Ledger)
	require.GreaterOrEqual(t, *own.Amounts.Ledger, own.Amounts.Success)
	require.NotZero(t, own.Amounts.Success)
	require.Zero(t, l.asked)
}

// Each way in which another ledger can differ from the results is a difference; what runs may be ahead of them.
func TestVerifyDiffersFromOtherLedgers(t *testing.T) {
	t.Parallel()
	pool, l, reports := plantForeign(t)
	var given, success string
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT min(member_id) FILTER (WHERE status = 'PERMANENTLY_FAILED'), min(member_id) FILTER (WHERE status = 'SUCCESS')
		FROM voucher_results WHERE event_id = 2`).Scan(&given, &success))
	granted := domain.Outcome{Verdict: domain.Granted, TxID: "X"}
	for name, c := range map[string]struct {
		key  string
		says *domain.Outcome // nil: it does not know the key
		want string          // "": no difference
	}{
		"a grant is missing":    {"2/" + success, nil, "SUCCESS, and the ledger does not know its key"},
		"another transaction":   {"2/" + success, &granted, "and the ledger holds X"},
		"another amount":        {"2/" + success, &domain.Outcome{Verdict: domain.Contradicted, Message: "the amount 7"}, "and the ledger holds another grant: the amount 7"},
		"granted and given up":  {"2/" + given, &granted, `the ledger granted it, and the result is "PERMANENTLY_FAILED"`},
		"granted and not heard": {"7/m11", &granted, ""},
	} {
		before, stood := l.stands[c.key]
		delete(l.stands, c.key)
		if c.says != nil {
			l.stands[c.key] = *c.says
		}
		report, red := verifyBy(t, reports, Query{})
		if c.want == "" {
			require.Empty(t, red, name)
		} else {
			require.Equal(t, []string{"I3"}, red, name)
			require.Contains(t, fmt.Sprint(report.Invariants[2].Examples), c.want, name)
			require.EqualValues(t, 1, report.Invariants[2].Differences, name)
		}
		delete(l.stands, c.key)
		if stood {
			l.stands[c.key] = before
		}
	}
}

// A ledger that cannot be asked is a gap: nothing differs, and nothing is proved.
func TestVerifyWhileAnotherLedgerIsAway(t *testing.T) {
	t.Parallel()
	_, l, reports := plantForeign(t)
	l.away = errors.New("it does not answer")
	report, red := verifyBy(t, reports, Query{})
	require.Empty(t, red)
	require.False(t, report.OK)
	require.Equal(t, []Gap{{
		Why:    `the ledger "acme" could not be asked what it granted to events of type VOUCHER: it does not answer`,
		Events: 2, EventIDs: []int64{2, 7},
	}}, report.Invariants[2].NotCompared)
}

// A report does not end with its sessions, which are idle while a slow ledger is asked: that of the verifier that asks,
// and that of the one which waits for it.
func TestVerifyWaitsForASlowLedger(t *testing.T) {
	t.Parallel()
	pool, l, reports := plantForeign(t)
	l.takes = 500 * time.Millisecond
	impatient := pool.Config()
	set := impatient.AfterConnect
	impatient.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		var err error
		if set != nil {
			err = set(ctx, conn)
		}
		_, failed := conn.Exec(ctx, `SET idle_in_transaction_session_timeout = '50ms'`)
		return errors.Join(err, failed)
	}
	var err error
	reports.c.Pool, err = pgxpool.NewWithConfig(t.Context(), impatient)
	require.NoError(t, err)
	t.Cleanup(reports.c.Pool.Close)
	report, red := verifyBy(t, reports, Query{})
	require.Empty(t, red)
	require.True(t, report.OK, report.Conclusion())
	require.Equal(t, 32, l.asked)
}

// A report asks other ledgers for a time. What it does not come to is a gap that says so, and no error.
func TestVerifyAsksOtherLedgersForATime(t *testing.T) {
	t.Parallel()
	_, l, reports := plantForeign(t)
	l.takes, reports.c.AskFor = time.Minute, 300*time.Millisecond
	report, red := verifyBy(t, reports, Query{})
	require.Empty(t, red)
	require.False(t, report.OK)
	require.Zero(t, l.asked)
	require.Equal(t, []Gap{{
		Why: `the ledger "acme" could not be asked what it granted to events of type VOUCHER: the time in which a report ` +
			`asks other ledgers (300ms) is over; a report of one event asks for that event alone`,
		Events: 2, EventIDs: []int64{2, 7},
	}}, report.Invariants[2].NotCompared)
}
