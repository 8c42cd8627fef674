package bench

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// querier is a pool or a transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// checkRival returns what is not as it must be when every target was granted once. The product's verify would miss the
// chunks, which a rival has none of.
func checkRival(ctx context.Context, q querier, event int64, members int) (wrong []string, err error) {
	for _, c := range rivalChecks {
		var n int64
		if err := q.QueryRow(ctx, c.sql, event).Scan(&n); err != nil {
			return wrong, fmt.Errorf("check %s: %w", c.what, err)
		}
		want := int64(0)
		if c.all {
			want = int64(members)
		}
		if n != want {
			wrong = append(wrong, fmt.Sprintf("%s: %d, not %d", c.what, n, want))
		}
	}
	return wrong, nil
}

// rivalChecks are counts: of what there must be one of for each target, and of what there must be none of.
var rivalChecks = []struct {
	what string
	all  bool
	sql  string
}{
	{"targets", true, `SELECT count(*) FROM point_targets WHERE event_id = $1 AND publish_status = 'PUBLISHED'`},
	{"results", true, `SELECT count(*) FROM point_results WHERE event_id = $1 AND status = 'SUCCESS'`},
	{"grants in the ledger", true, `SELECT count(*) FROM money.point_member WHERE ref_unique_id = $1::bigint::text`},
	{"lots", true, `SELECT count(*) FROM money.point_member m JOIN money.point_member_detail d USING (member_id, point_member_id, point)
		WHERE m.ref_unique_id = $1::bigint::text`},
	{"completed", true, `SELECT coalesce(sum(s.success_count), 0) FROM campaign_event_summary s JOIN campaign_events e ON e.id = s.event_id
		WHERE e.id = $1 AND e.event_status = 'COMPLETED' AND e.total_count = s.success_count`},
	{"targets whose grant or result is missing or another", false, `SELECT count(*) FROM point_targets t
		LEFT JOIN point_results r ON r.event_id = t.event_id AND r.member_id = t.member_id AND r.amount = t.amount
		LEFT JOIN money.point_member m ON m.idempotency_key = 'grant:' || t.event_id || ':' || t.member_id
			AND m.member_id = t.member_id AND m.point = t.amount AND r.money_tx_id = 'P' || m.point_member_id
		WHERE t.event_id = $1 AND m.point_member_id IS NULL`},
}
