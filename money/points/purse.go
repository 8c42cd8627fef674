package points

import (
	"context"
	"fmt"
	"math"
	"time"

	"bestow/internal/failpoint"
	"bestow/money"

	"github.com/jackc/pgx/v5"
)

// lot holds what a spendable lot has left, as it was read.
type lot struct {
	id        int64
	remaining int64
	expiryAt  *time.Time
}

// firstPage is the number of lots that a movement reads at first; each further page is eight times as long, so that
// many lots are few round trips, and few lots are read for a small amount.
const firstPage, pageGrowth = 128, 8

// The statements that read a page of lots in the order in which they are spent: behind lot $2, which expires at $4.
const (
	lotsBySaveSQL = `SELECT save_point_member_id, remaining, expiry_at FROM money.point_lot
		WHERE member_id = $1 AND remaining > 0 AND (expiry_at IS NULL OR expiry_at > now()) AND save_point_member_id > $2
			AND $4::timestamptz IS NULL
		ORDER BY save_point_member_id LIMIT $3`
	lotsByExpirySQL = `SELECT save_point_member_id, remaining, expiry_at FROM money.point_lot
		WHERE member_id = $1 AND remaining > 0 AND (expiry_at IS NULL OR expiry_at > now())
			AND (coalesce(expiry_at, 'infinity'), save_point_member_id) > (coalesce($4::timestamptz, CASE WHEN $2 = 0 THEN '-infinity'::timestamptz ELSE 'infinity' END), $2)
		ORDER BY coalesce(expiry_at, 'infinity'), save_point_member_id LIMIT $3`
)

// purse is the spendable lots of a member, read page by page as far as they are needed.
type purse struct {
	member string
	order  money.SpendOrder
	lots   []lot
	sum    int64 // of lots
	limit  int   // of the next page
	all    bool  // there are no more
}

func (l *Lots) newPurse(member string) *purse {
	return &purse{member: member, order: l.order, limit: firstPage}
}

// queue adds the reading of the next page to batch.
func (p *purse) queue(batch *pgx.Batch) {
	sql, last, limit := lotsBySaveSQL, lot{}, p.limit
	if len(p.lots) > 0 {
		last = p.lots[len(p.lots)-1]
	}
	if p.order == money.SpendExpiring {
		sql = lotsByExpirySQL
	} else {
		last.expiryAt = nil
	}
	batch.Queue(sql, p.member, last.id, limit, last.expiryAt).Query(func(rows pgx.Rows) error {
		page, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l lot, err error) {
			return l, row.Scan(&l.id, &l.remaining, &l.expiryAt)
		})
		for _, l := range page {
			p.sum = saturating(p.sum, l.remaining)
		}
		p.lots, p.all, p.limit = append(p.lots, page...), len(page) < limit, limit*pageGrowth
		return err
	})
}

// restart forgets what was read.
func (p *purse) restart() { p.lots, p.sum, p.limit, p.all = nil, 0, firstPage, false }

// readUntil reads pages until the purse holds amount, or all there is.
func (p *purse) readUntil(ctx context.Context, tx pgx.Tx, amount int64) error {
	for p.sum < amount && !p.all {
		batch := &pgx.Batch{}
		p.queue(batch)
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return fmt.Errorf("read lots: %w", err)
		}
	}
	return failpoint.Hit(ctx, failpoint.MoneyLotsRead)
}

// take takes amount, or all that was read, from the lots in their order.
func (p *purse) take(amount int64) (parts []part, changes []change) {
	for n := range p.lots {
		if amount == 0 {
			break
		}
		l := &p.lots[n]
		taken := min(amount, l.remaining)
		if taken == 0 {
			continue
		}
		parts = append(parts, part{l.id, -taken})
		changes = append(changes, change{l.id, -taken, l.remaining})
		l.remaining -= taken
		p.sum -= taken
		amount -= taken
	}
	return parts, changes
}

// saturating is a + b, neither below 0, and at most what an int64 holds.
func saturating(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
