package points

import (
	"context"
	"fmt"
	"time"

	"bestow/internal/failpoint"
	"bestow/money"

	"github.com/jackc/pgx/v5"
)

// regrantType is the point_type_code of points that are saved anew. It is never a campaign's.
const regrantType = "RG"

// givable holds what a use took from one lot, and what may be given back to it.
type givable struct {
	lot         int64
	taken       int64
	returned    int64 // by earlier cancels
	remaining   int64
	expired     bool
	root        int64 // the save from which the lot's points come: the lot itself, but of points that were saved anew
	regrantDays int   // of its policy; 0 for none
}

// usedSQL reads what use $2 took, the lot that it took last first. A lot has expired by the clock, or because the
// expiry job says so: its transaction may have begun later than this one.
const usedSQL = `WITH given AS MATERIALIZED (
		SELECT d.save_point_member_id AS lot, sum(d.point)::bigint AS point
		FROM money.point_member r
		JOIN money.point_draw d ON d.member_id = r.member_id AND d.point_member_id = r.point_member_id
		WHERE r.member_id = $1 AND r.undo_point_member_id = $2 AND r.point_status_code = 'R'
		GROUP BY d.save_point_member_id
	)
	SELECT d.save_point_member_id, -d.point, coalesce(given.point, 0), lot.remaining,
		coalesce(lot.expiry_at <= now(), false)
			OR EXISTS (SELECT FROM money.point_member WHERE idempotency_key = 'expire:P' || d.save_point_member_id),
		CASE WHEN s.memo LIKE 'of:P%' THEN substr(s.memo, 5)::bigint ELSE d.save_point_member_id END,
		coalesce(p.regrant_days, 0)
	FROM money.point_draw d
	CROSS JOIN LATERAL (
		SELECT remaining, expiry_at FROM money.point_lot
		WHERE member_id = $1 AND save_point_member_id = d.save_point_member_id AND remaining > 0
		UNION ALL
		SELECT remaining, expiry_at FROM money.point_lot
		WHERE member_id = $1 AND save_point_member_id = d.save_point_member_id AND remaining = 0) lot
	CROSS JOIN LATERAL (
		SELECT memo, point_master_id FROM money.point_member
		WHERE member_id = $1 AND point_member_id = d.save_point_member_id LIMIT 1) s
	LEFT JOIN money.point_master p ON p.point_master_id = s.point_master_id
	LEFT JOIN given ON given.lot = d.save_point_member_id
	WHERE d.member_id = $1 AND d.point_member_id = $2
	ORDER BY d.point_member_detail_id DESC`

func selectUsed(ctx context.Context, tx pgx.Tx, member string, use int64) ([]givable, error) {
	rows, err := tx.Query(ctx, usedSQL, member, use)
	if err != nil {
		return nil, fmt.Errorf("read what was used: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (g givable, err error) {
		return g, row.Scan(&g.lot, &g.taken, &g.returned, &g.remaining, &g.expired, &g.root, &g.regrantDays)
	})
	if err != nil {
		return nil, fmt.Errorf("read what was used: %w", err)
	}
	return list, failpoint.Hit(ctx, failpoint.MoneyLotsRead)
}

// claim holds what a cancelled save has still to take from orders that are cancelled.
type claim struct {
	cancel, save  int64
	open          int64
	typeCode, ref string
}

func selectClaims(ctx context.Context, tx pgx.Tx, member string, saves []int64) (map[int64][]*claim, error) {
	const query = `SELECT c.cancel_point_member_id, c.save_point_member_id, c.uncollected - c.collected, s.point_type_code,
			coalesce(s.ref_unique_id, '')
		FROM money.point_cancel c
		JOIN money.point_member s ON s.member_id = c.member_id AND s.point_member_id = c.save_point_member_id
		WHERE c.member_id = $1 AND c.save_point_member_id = ANY ($2::bigint[])
			AND c.policy = 'remaining' AND c.collected < c.uncollected
		ORDER BY c.cancel_point_member_id`
	rows, err := tx.Query(ctx, query, member, saves)
	if err != nil {
		return nil, fmt.Errorf("read claims: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*claim, error) {
		var c claim
		return &c, row.Scan(&c.cancel, &c.save, &c.open, &c.typeCode, &c.ref)
	})
	if err != nil {
		return nil, fmt.Errorf("read claims: %w", err)
	}
	claims := map[int64][]*claim{}
	for _, c := range list {
		claims[c.save] = append(claims[c.save], c)
	}
	return claims, nil
}

// cancelUse gives back what use took, lot by lot in reverse order. Of what comes back to a lot, claims take theirs
// first; what is left then expires if the lot has expired, and is saved anew unless c says otherwise.
func (l *Lots) cancelUse(ctx context.Context, tx pgx.Tx, c *money.Cancel, use *movement) (money.Cancelled, error) {
	used, err := selectUsed(ctx, tx, c.MemberID, use.id)
	if err != nil {
		return money.Cancelled{}, err
	}
	amount, err := amountOfUse(c, used)
	if err != nil {
		return money.Cancelled{}, err
	}
	back := giveBack(used, amount)
	d := &draft{
		member: c.MemberID, status: statusUseCancel, point: amount, key: c.Key, reason: c.Reason,
		memo:     memoOfCancel(c, statusUseCancel),
		typeCode: use.typeCode, ref: use.ref, undo: use.id,
	}
	for _, g := range back {
		d.parts = append(d.parts, part{g.lot, g.point})
		if !g.expired {
			d.changes = append(d.changes, change{g.lot, g.point, g.remaining})
		}
	}
	if err := l.write(ctx, tx, d); err != nil {
		return money.Cancelled{}, err
	}
	if err := l.followBack(ctx, tx, c, d, back); err != nil {
		return money.Cancelled{}, err
	}
	done := cancelled(d.id, d.status, d.point, nil)
	done.Lots = partsOf(d.parts)
	return done, nil
}

// amountOfUse returns how much c gives back of a use, or why it cannot.
func amountOfUse(c *money.Cancel, used []givable) (int64, error) {
	var left int64
	for _, g := range used {
		left += g.taken - g.returned
	}
	return amountOfLeft(c, "use", left)
}

// given holds what is given back to one lot.
type given struct {
	givable
	point int64
}

// giveBack distributes amount over what was used, in its order.
func giveBack(used []givable, amount int64) (back []given) {
	for _, g := range used {
		point := min(amount, g.taken-g.returned)
		if point > 0 {
			back = append(back, given{g, point})
			amount -= point
		}
	}
	return back
}

// followBack writes what follows from r, which gave back: claims, expiries, and what is saved anew.
func (l *Lots) followBack(ctx context.Context, tx pgx.Tx, c *money.Cancel, r *draft, back []given) error {
	saves := make([]int64, len(back))
	for n, g := range back {
		saves[n] = g.root
	}
	claims, err := selectClaims(ctx, tx, c.MemberID, saves)
	if err != nil {
		return err
	}
	var drafts []*draft
	var anew []saving
	for _, g := range back {
		claimed, left := claimOf(r, g, claims[g.root])
		drafts = append(drafts, claimed...)
		if !g.expired || left == 0 {
			continue
		}
		drafts = append(drafts, &draft{
			member: r.member, status: statusExpire, point: -left, typeCode: expireType,
			ref: money.Points.TxID(g.lot), undo: r.id,
			key: fmt.Sprintf("expire:P%d:P%d", r.id, g.lot), parts: []part{{g.lot, -left}},
		})
		if c.OnExpiredLot == money.Regrant {
			anew = append(anew, saving{g, left})
		}
	}
	if err := l.write(ctx, tx, drafts...); err != nil {
		return err
	}
	return l.regrant(ctx, tx, r, anew)
}

// claimOf has the claims on g's save take from what is given back, the oldest first: what a clawback took does not come
// back by a cancelled order. It returns the save-cancels to write, and how much is left.
func claimOf(r *draft, g given, claims []*claim) (drafts []*draft, left int64) {
	left = g.point
	for _, c := range claims {
		taken := min(left, c.open)
		if taken == 0 {
			continue
		}
		d := &draft{
			member: r.member, status: statusSaveCancel, point: -taken, typeCode: c.typeCode, ref: c.ref,
			undo: c.save,
			key:  fmt.Sprintf("claim:P%d:P%d:P%d", r.id, c.cancel, g.lot), parts: []part{{g.lot, -taken}},
			claim: c.cancel,
		}
		if !g.expired {
			d.changes = []change{{g.lot, -taken, g.remaining + left}}
		}
		drafts = append(drafts, d)
		c.open -= taken
		left -= taken
	}
	return drafts, left
}

// saving is points of an expired lot that are saved anew.
type saving struct {
	given
	point int64
}

// regrant saves anew what r gave back to expired lots: one save for each lot, so that a clawback of the lot's save
// finds what became of its points, and no others.
func (l *Lots) regrant(ctx context.Context, tx pgx.Tx, r *draft, anew []saving) error {
	if len(anew) == 0 {
		return nil
	}
	const query = `SELECT now()`
	var now time.Time
	if err := tx.QueryRow(ctx, query).Scan(&now); err != nil {
		return fmt.Errorf("read time: %w", err)
	}
	const write = `WITH saved AS (
			INSERT INTO money.point_member (member_id, point, idempotency_key, memo, created_at, issue_date, point_status_code,
				point_type_code, ref_unique_id, undo_point_member_id, expiry_at, expiry_date)
			VALUES ($1, $2, $3, $4, now(), to_char(now() AT TIME ZONE $5, 'YYYYMMDD'), 'S', $6, $7, $8, $9, $10)
			RETURNING point_member_id, member_id, point, expiry_at, created_at
		)
		INSERT INTO money.point_lot (point_member_detail_id, point_member_id, save_point_member_id, member_id, point,
			remaining, expiry_at, point_status_code, created_at)
		SELECT point_member_id, point_member_id, point_member_id, member_id, point, point, expiry_at, 'S', created_at FROM saved`
	batch := &pgx.Batch{}
	for _, s := range anew {
		days := s.regrantDays
		if days == 0 {
			days = l.regrantDays
		}
		at := now.In(l.location).AddDate(0, 0, days)
		batch.Queue(write, r.member, s.point, fmt.Sprintf("regrant:P%d:P%d", r.id, s.lot), fmt.Sprint(memoOf, s.root),
			l.location.String(),
			regrantType, money.Points.TxID(r.undo), r.id, at, money.ExpiryDate(&at, l.location))
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("save anew: %w", err)
	}
	return nil
}
