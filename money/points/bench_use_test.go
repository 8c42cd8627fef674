package points_test

import (
	"fmt"
	"testing"

	"bestow/internal/moneytest"
	"bestow/money"

	"github.com/stretchr/testify/require"
)

// BenchmarkUse uses a point of a member with few and with many lots, which are open, or of which all but ten are used
// up.
func BenchmarkUse(b *testing.B) {
	for _, order := range []money.SpendOrder{money.SpendSaved, money.SpendExpiring} {
		for _, lots := range []struct{ all, open int }{{3, 3}, {1_000, 1_000}, {100_000, 100_000}, {100_000, 10}} {
			b.Run(fmt.Sprintf("%s/%d_of_%d", order, lots.open, lots.all), func(b *testing.B) {
				s := moneytest.NewShop(b)
				s.Config.SpendOrder = order
				s.Ledger = moneytest.NewLedger(b, s.Config)
				moneytest.Forge(b,
					s.Pool,
					fmt.Sprintf(`INSERT INTO money.point_member (point_member_id, member_id, point, point_status_code, point_type_code, issue_date,
						expiry_date, idempotency_key, expiry_at)
					SELECT n, CASE WHEN n > 100000 THEN 'm' ELSE 'm' || n END, 1000000, 'S', 'RV', '20260101', '99991231', 'many:' || n, '2099-01-01'::timestamptz - n * interval '1 second'
					FROM generate_series(1, 100000 + %[1]d) n;
					INSERT INTO money.point_lot (point_member_detail_id, point_member_id, save_point_member_id, member_id, point, remaining, point_status_code, expiry_at)
					SELECT point_member_id, point_member_id, point_member_id, member_id, 1000000, CASE WHEN point_member_id > 100000 + %[1]d - %[2]d THEN 1000000 ELSE 0 END, 'S', expiry_at
					FROM money.point_member ORDER BY point_member_id;
					SELECT setval('money.point_member_id_seq', 1000000)`, lots.all, lots.open))
				for _, table := range []string{"point_member", "point_lot"} {
					_, err := s.Pool.Exec(b.Context(), `VACUUM ANALYZE money.`+table)
					require.NoError(b, err)
				}
				s.Used(1)
				for b.Loop() {
					s.Used(1)
				}
			})
		}
	}
}
