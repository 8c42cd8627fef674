package points

import (
	"context"
	"errors"
	"fmt"

	"bestow/money/frame"

	"github.com/jackc/pgx/v5"
)

// debt is a claim on all points of the member.
type debt struct {
	cancel, save    int64
	open, collected int64
	typeCode, ref   string
}

// collect takes owed, or all that purse holds, from the lots, and writes one save-cancel for each debt that it pays,
// the oldest first.
func (l *Lots) collect(ctx context.Context, tx pgx.Tx, purse *purse, owed int64) error {
	if owed == 0 || purse.sum == 0 {
		return nil
	}
	debts, err := selectDebts(ctx, tx, purse.member)
	if err != nil {
		return err
	}
	var drafts []*draft
	for _, c := range debts {
		paid := min(c.open, purse.sum)
		if paid == 0 {
			break
		}
		d := &draft{
			member: purse.member, status: statusSaveCancel, point: -paid, typeCode: c.typeCode, ref: c.ref,
			undo: c.save,
			key:  fmt.Sprintf("collect:P%d:%d", c.cancel, c.collected), claim: c.cancel, owed: -paid,
		}
		d.parts, d.changes = purse.take(paid)
		drafts = append(drafts, d)
	}
	return l.write(ctx, tx, drafts...)
}

func selectDebts(ctx context.Context, tx pgx.Tx, member string) ([]debt, error) {
	const query = `SELECT c.cancel_point_member_id, c.save_point_member_id, c.uncollected - c.collected, c.collected,
			s.point_type_code, coalesce(s.ref_unique_id, '')
		FROM money.point_cancel c
		JOIN money.point_member s ON s.member_id = c.member_id AND s.point_member_id = c.save_point_member_id
		WHERE c.member_id = $1 AND c.policy = 'debt' AND c.collected < c.uncollected
		ORDER BY c.cancel_point_member_id`
	rows, err := tx.Query(ctx, query, member)
	if err != nil {
		return nil, fmt.Errorf("read debts: %w", err)
	}
	debts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d debt, err error) {
		return d, row.Scan(&d.cancel, &d.save, &d.open, &d.collected, &d.typeCode, &d.ref)
	})
	if err != nil {
		return nil, fmt.Errorf("read debts: %w", err)
	}
	return debts, nil
}

// Collected holds what one call of Collect did.
type Collected struct {
	Members int    // who owed and had points, also those who were passed over
	Points  int64  // collected
	Last    string // the last member looked at
}

// collectors is the number of members that one call of Collect looks at.
const collectors = 100

// Collect takes what members owe from what they have, of at most 100 members behind after in the order of their ids,
// each in a transaction of its own. It passes over members who have nothing, and over those from whom it cannot take,
// whose errors it returns beside what it did. Call it again with Last until Members is 0.
func (l *Lots) Collect(ctx context.Context, after string) (done Collected, err error) {
	const query = `SELECT member_id FROM money.point_account a
		WHERE owed > 0 AND member_id > $1 AND EXISTS (SELECT FROM money.point_lot l
			WHERE l.member_id = a.member_id AND l.remaining > 0 AND (l.expiry_at IS NULL OR l.expiry_at > now()))
		ORDER BY member_id LIMIT $2`
	rows, err := l.pool.Query(ctx, query, after, collectors)
	if err != nil {
		return done, fmt.Errorf("read who owes: %w", err)
	}
	members, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return done, fmt.Errorf("read who owes: %w", err)
	}
	for _, member := range members {
		points, failed := frame.Anew(ctx, l.pool,
			func(tx pgx.Tx) (int64, error) { return l.collectOf(ctx, tx, member) })
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("collect debt: %w", failed))
		}
		if ctx.Err() != nil {
			break
		}
		done.Members, done.Points, done.Last = done.Members+1, done.Points+points, member
	}
	return done, err
}

func (l *Lots) collectOf(ctx context.Context, tx pgx.Tx, member string) (int64, error) {
	owed, err := frame.LockAccounts(ctx, tx, []string{member})
	if err != nil {
		return 0, err
	}
	purse := l.newPurse(member)
	if err := purse.readUntil(ctx, tx, owed[member]); err != nil {
		return 0, err
	}
	held := purse.sum
	if err := l.collect(ctx, tx, purse, owed[member]); err != nil {
		return 0, err
	}
	return held - purse.sum, nil
}
