package money

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// VoucherState says what has become of a voucher. It is wire format: never renamed.
type VoucherState string

// The states of a voucher.
const (
	VoucherIssued    VoucherState = "ISSUED"
	VoucherCancelled VoucherState = "CANCELLED"
	VoucherRedeemed  VoucherState = "REDEEMED"
	VoucherExpired   VoucherState = "EXPIRED" // by the database's clock: no row says it
)

// The kinds of voucher_events. RESTORED, which puts an end to an end, is only read here.
const (
	kindCancelled = "CANCELLED"
	kindRedeemed  = "REDEEMED"
)

// voucherID names a voucher.
type voucherID struct {
	member string
	id     int64
}

// statesSQL reads the states of the vouchers of members $1 with the ids $2.
const statesSQL = `SELECT v.member_id, v.voucher_id,
		CASE WHEN last.kind IN ('CANCELLED', 'REDEEMED') THEN last.kind WHEN v.expiry_at <= now() THEN 'EXPIRED' ELSE 'ISSUED' END
	FROM unnest($1::text[], $2::bigint[]) t (member_id, id)
	CROSS JOIN LATERAL (
		SELECT member_id, voucher_id, expiry_at FROM money.vouchers WHERE member_id = t.member_id AND voucher_id = t.id LIMIT 1) v
	LEFT JOIN LATERAL (
		SELECT kind FROM money.voucher_events WHERE member_id = t.member_id AND voucher_id = t.id
		ORDER BY voucher_event_id DESC LIMIT 1) last ON true`

// selectStates returns the states of vouchers as they are committed now.
func selectStates(ctx context.Context, q querier, members []string, ids []int64) (map[voucherID]VoucherState, error) {
	rows, err := q.Query(ctx, statesSQL, members, ids)
	if err != nil {
		return nil, fmt.Errorf("read states of vouchers: %w", err)
	}
	states := make(map[voucherID]VoucherState, len(ids))
	var v voucherID
	var state VoucherState
	_, err = pgx.ForEachRow(rows, []any{&v.member, &v.id, &state}, func() error {
		states[v] = state
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read states of vouchers: %w", err)
	}
	return states, nil
}
