package vouchers

import (
	"context"
	"fmt"

	"bestow/money"

	"github.com/jackc/pgx/v5"
)

// Vouchers returns a page of a member's vouchers, newest first. Error: a *Refusal (BadMember, BadCursor, BadLimit).
func (k *Keeper) Vouchers(ctx context.Context, q money.VouchersQuery) ([]money.IssuedVoucher, error) {
	before, err := checkVouchers(&q)
	if err != nil {
		return nil, err
	}
	const query = `SELECT v.voucher_id, v.amount,
			CASE WHEN last.kind IN ('CANCELLED', 'REDEEMED') THEN last.kind WHEN v.expiry_at <= now() THEN 'EXPIRED' ELSE 'ISSUED' END,
			CASE WHEN last.kind IN ('CANCELLED', 'REDEEMED') THEN last.created_at END,
			v.type_code, v.ref, coalesce(v.reason, ''), v.created_at, v.expiry_at
		FROM money.vouchers v
		LEFT JOIN LATERAL (
			SELECT kind, created_at FROM money.voucher_events WHERE member_id = v.member_id AND voucher_id = v.voucher_id
			ORDER BY voucher_event_id DESC LIMIT 1) last ON true
		WHERE v.member_id = $1 AND v.voucher_id < $2
		ORDER BY v.voucher_id DESC LIMIT $3`
	rows, err := k.pool.Query(ctx, query, q.MemberID, before, q.Limit)
	if err != nil {
		return nil, fmt.Errorf("read vouchers of member: %w", err)
	}
	page, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (v money.IssuedVoucher, err error) {
		var id int64
		err = row.Scan(&id, &v.Amount, &v.State, &v.ChangedAt, &v.TypeCode, &v.Ref, &v.Reason, &v.CreatedAt,
			&v.ExpiryAt)
		v.TxID = money.Vouchers.TxID(id)
		return v, err
	})
	if err != nil {
		return nil, fmt.Errorf("read vouchers of member: %w", err)
	}
	return page, nil
}

// checkVouchers returns the id before which q's page begins, or why it cannot be answered.
func checkVouchers(q *money.VouchersQuery) (before int64, err error) {
	if q.Limit == 0 {
		q.Limit = 100
	}
	if r := money.CheckMember(q.MemberID); r != nil {
		return 0, r
	}
	if q.Limit < 1 || q.Limit > money.MaxPage {
		return 0, money.NewRefusal(money.BadLimit, "the limit is not a number from 1 to %d", money.MaxPage)
	}
	if q.Before == "" {
		return 1<<63 - 1, nil
	}
	kind, id, err := money.ParseTxID(q.Before)
	if err != nil || kind != money.Vouchers {
		return 0, money.NewRefusal(money.BadCursor, "the cursor is not one that a page of these vouchers has returned")
	}
	return id, nil
}
