package money

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// IssuedVoucher is a member's voucher without its code and PIN.
type IssuedVoucher struct {
	TxID      string
	Amount    int64
	State     VoucherState
	ChangedAt *time.Time // since when it is cancelled or redeemed; nil where it is neither
	TypeCode  string
	Ref       string
	Reason    string
	CreatedAt time.Time
	ExpiryAt  *time.Time // nil for never
}

// VouchersQuery asks for one page of a member's vouchers.
type VouchersQuery struct {
	MemberID string
	Before   string // the last transaction id of the page before; "" for the newest page
	Limit    int    // 1 to MaxPage; 0 for 100
}

// Vouchers returns a page of a member's vouchers, newest first. Error: a *Refusal (BadMember, BadCursor, BadLimit).
func (l *Ledger) Vouchers(ctx context.Context, q VouchersQuery) ([]IssuedVoucher, error) {
	before, err := q.check()
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
	rows, err := l.Pool.Query(ctx, query, q.MemberID, before, q.Limit)
	if err != nil {
		return nil, fmt.Errorf("read vouchers of member: %w", err)
	}
	page, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (v IssuedVoucher, err error) {
		var id int64
		err = row.Scan(&id, &v.Amount, &v.State, &v.ChangedAt, &v.TypeCode, &v.Ref, &v.Reason, &v.CreatedAt, &v.ExpiryAt)
		v.TxID = Vouchers.txID(id)
		return v, err
	})
	if err != nil {
		return nil, fmt.Errorf("read vouchers of member: %w", err)
	}
	return page, nil
}

// check returns the id before which q's page begins, or why it cannot be answered.
func (q *VouchersQuery) check() (before int64, err error) {
	if q.Limit == 0 {
		q.Limit = 100
	}
	if !memberName(q.MemberID) {
		return 0, badMember.refused()
	}
	if q.Limit < 1 || q.Limit > MaxPage {
		return 0, refusedAs(BadLimit, "the limit is not a number from 1 to %d", MaxPage)
	}
	if q.Before == "" {
		return 1<<63 - 1, nil
	}
	kind, id, err := ParseTxID(q.Before)
	if err != nil || kind != Vouchers {
		return 0, refusedAs(BadCursor, "the cursor is not one that a page of these vouchers has returned")
	}
	return id, nil
}
