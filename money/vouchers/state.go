package vouchers

import (
	"context"
	"fmt"

	"bestow/internal/pg"
	"bestow/money"

	"github.com/jackc/pgx/v5"
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
func selectStates(ctx context.Context, q pg.Querier, members []string,
	ids []int64,
) (map[voucherID]money.VoucherState, error) {
	rows, err := q.Query(ctx, statesSQL, members, ids)
	if err != nil {
		return nil, fmt.Errorf("read states of vouchers: %w", err)
	}
	states := make(map[voucherID]money.VoucherState, len(ids))
	var v voucherID
	var state money.VoucherState
	_, err = pgx.ForEachRow(rows, []any{&v.member, &v.id, &state}, func() error {
		states[v] = state
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read states of vouchers: %w", err)
	}
	return states, nil
}

// AddStates says of each voucher that was found what has become of it.
func (k *Keeper) AddStates(ctx context.Context, found []money.Found) error {
	var members []string
	var ids []int64
	of := make(map[int]voucherID, len(found))
	for n := range found {
		if !found[n].Known {
			continue
		}
		_, id, err := money.ParseTxID(found[n].TxID)
		if err != nil {
			return err
		}
		of[n] = voucherID{found[n].MemberID, id}
		members, ids = append(members, found[n].MemberID), append(ids, id)
	}
	if len(ids) == 0 {
		return nil
	}
	states, err := selectStates(ctx, k.pool, members, ids)
	for n, v := range of {
		found[n].State = states[v]
	}
	return err
}
