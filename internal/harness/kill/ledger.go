package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bestow/internal/harness/testbed"

	"github.com/jackc/pgx/v5"
)

// evidence holds what the database says about a round, apart from bestow.
type evidence struct {
	completedAt time.Time
	jobs        int // relay jobs that were begun more than once
	chunks      int // chunks whose claim was lost with who had it: they waited until that was found
}

// lost says how long after its first claim a chunk is settled at least if that claim was lost: a process is missed for
// so long before its claims end.
const lost = 2 * time.Second

// prove compares the ledger with the list, and reads what had to be done again.
func (in *installation) prove(ctx context.Context, event int64, voucher bool, members int) (e evidence, err error) {
	conn, err := pgx.Connect(ctx, in.URL)
	if err != nil {
		return e, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	if err := compareLedger(ctx, conn, event, voucher, members); err != nil {
		return e, err
	}
	const query = `SELECT completed_at,
			(SELECT count(*) FROM river.river_job WHERE kind = 'relay' AND attempt > 1
			AND args @> jsonb_build_object('event_id', $1::bigint)),
			(SELECT count(*) FROM grant_chunks WHERE event_id = $1 AND settled_at > claimed_at + $2::interval)
		FROM campaign_event_summary WHERE event_id = $1`
	if err := conn.QueryRow(ctx, query, event, lost).Scan(&e.completedAt, &e.jobs, &e.chunks); err != nil {
		return e, fmt.Errorf("read evidence: %w", err)
	}
	return e, nil
}

func compareLedger(ctx context.Context, conn *pgx.Conn, event int64, voucher bool, members int) error {
	query, ref := testbed.LedgerQuery("member_id, point", "member_id, amount", event, voucher)
	rows, err := conn.Query(ctx, query, ref)
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	var (
		list   = newTally(members)
		member string
		amount int64
	)
	_, err = pgx.ForEachRow(rows, []any{&member, &amount}, func() error {
		list.add(member, amount)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	return list.check()
}

// stuck says what is open of an event that does not complete.
func (in *installation) stuck(ctx context.Context, event int64) string {
	conn, err := pgx.Connect(ctx, in.URL)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // we only looked
	return testbed.Open(ctx, conn, event)
}
