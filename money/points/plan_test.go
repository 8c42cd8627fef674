package points_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"bestow/internal/moneytest"
	"bestow/money/points"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// manyLots gives a member so many lots, of which all but open are used up, and others one each.
func manyLots(t *testing.T, s *moneytest.Shop, lots, open int) {
	t.Helper()
	moneytest.Forge(t,
		s.Pool,
		fmt.Sprintf(`INSERT INTO money.point_member (point_member_id, member_id, point, point_status_code, point_type_code, issue_date, expiry_date, idempotency_key, expiry_at)
			SELECT n, CASE WHEN n %% 2 = 0 THEN 'm' ELSE 'm' || n END, 10, 'S', 'RV', '20260101', '99991231', 'many:' || n, CASE WHEN n %% 100 < 10 THEN '2030-01-01'::timestamptz + n * interval '1 second' END
			FROM generate_series(1, %[1]d * 2) n;
		INSERT INTO money.point_lot (point_member_detail_id, point_member_id, save_point_member_id, member_id, point, remaining, point_status_code, expiry_at)
			SELECT point_member_id, point_member_id, point_member_id, member_id, 10, CASE WHEN point_member_id > (%[1]d - %[2]d) * 2 THEN 10 ELSE 0 END, 'S', expiry_at
			FROM money.point_member ORDER BY point_member_id;
		SELECT setval('money.point_member_id_seq', %[1]d * 2)`, lots, open))
	_, err := s.Pool.Exec(t.Context(), `VACUUM ANALYZE money.point_member; `)
	require.NoError(t, err)
	_, err = s.Pool.Exec(t.Context(), `VACUUM ANALYZE money.point_lot`)
	require.NoError(t, err)
}

// node holds what EXPLAIN says of one node.
type node struct {
	Type     string `json:"Node Type"`
	Relation string `json:"Relation Name"`
	Hit      int    `json:"Shared Hit Blocks"`
	Read     int    `json:"Shared Read Blocks"`
	Plans    []node `json:"Plans"`
}

// explain runs a statement and returns its plan, and how many buffers it touched.
func explain(t *testing.T, s *moneytest.Shop, sql string, args ...any) (root node, text string) {
	t.Helper()
	var body []byte
	err := pgx.BeginFunc(t.Context(), s.Pool, func(tx pgx.Tx) error {
		if err := tx.QueryRow(t.Context(), `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) `+sql,
			args...).Scan(&body); err != nil {
			return err
		}
		return tx.Rollback(t.Context())
	})
	require.ErrorIs(t, err, pgx.ErrTxClosed)
	var plans []struct{ Plan node }
	require.NoError(t, json.Unmarshal(body, &plans))
	return plans[0].Plan, string(body)
}

func (n node) requireNoSeqScan(t *testing.T, text string) {
	t.Helper()
	require.False(t, n.Type == "Seq Scan" && strings.HasPrefix(n.Relation, "point_"), text)
	for _, below := range n.Plans {
		below.requireNoSeqScan(t, text)
	}
}

// A use reads the lots that it takes, not those that are used up: of 100,000 lots, of which ten are open, no more than
// 20 buffers, and nothing reads a partition from end to end.
func TestPlanOfAUse(t *testing.T) {
	t.Parallel()
	s := moneytest.NewShop(t)
	manyLots(t, s, 100_000, 10)
	for name, sql := range map[string]string{"saved": points.LotsBySaveSQL, "expiring": points.LotsByExpirySQL} {
		plan, text := explain(t, s, sql, "m", 0, 128, nil)
		plan.requireNoSeqScan(t, text)
		require.LessOrEqual(t, plan.Hit+plan.Read, 20, name+": "+text)
	}
	lots := []int64{199_982, 199_984}
	plan, text := explain(t, s, points.WriteSQL, "m", -15, "key", "", "", "Asia/Seoul", "U", "O", "o", 0, lots,
		[]int64{-10, -5}, lots, []int64{-10, -5}, []int64{10, 10},
		"", 0, 0, 0, 0, 0, 0)
	plan.requireNoSeqScan(t, text)
	require.LessOrEqual(t, plan.Hit+plan.Read, 80, "with all that it writes: "+text)
}

// A movement changes few lots of many that are open without reading the others.
func TestPlanOfManyOpenLots(t *testing.T) {
	t.Parallel()
	s := moneytest.NewShop(t)
	manyLots(t, s, 100_000, 100_000)
	plan, text := explain(t, s, points.LotsBySaveSQL, "m", 0, 128, nil)
	plan.requireNoSeqScan(t, text)
	require.LessOrEqual(t, plan.Hit+plan.Read, 20, text)
	lots := []int64{2, 4}
	plan, text = explain(t, s, points.WriteSQL, "m", -15, "key", "", "", "Asia/Seoul", "U", "O", "o", 0, lots,
		[]int64{-10, -5}, lots, []int64{-10, -5}, []int64{10, 10},
		"", 0, 0, 0, 0, 0, 0)
	plan.requireNoSeqScan(t, text)
	require.LessOrEqual(t, plan.Hit+plan.Read, 80, "with all that it writes: "+text)
	began := time.Now()
	s.Used(15)
	t.Logf("a use of a member with 100,000 open lots: %v", time.Since(began))
}

// The listing of what is due touches fewer than twice the pages of its lots.
func TestPlanOfTheList(t *testing.T) {
	t.Parallel()
	s := moneytest.NewShop(t)
	manyLots(t, s, 100_000, 100_000)
	from, until := time.Date(2030, 1, 1, 6, 0, 0, 0, time.UTC), time.Date(2030, 1, 1, 9, 0, 0, 0, time.UTC)
	_, err := s.Pool.Exec(t.Context(), `SELECT brin_summarize_new_values('money.point_lot_expiry')`)
	require.NoError(t, err)
	pages := moneytest.Scan[int](t, s.Pool,
		`SELECT count(DISTINCT (ctid::text::point)[0]) FROM money.point_lot WHERE expiry_at > $1 AND expiry_at <= $2 AND remaining > 0`, from, until)
	require.Greater(t, pages, 50)
	var body []byte
	require.NoError(t, pgx.BeginFunc(t.Context(), s.Pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), points.ListPlanSQL); err != nil {
			return err
		}
		return tx.QueryRow(t.Context(),
			`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) `+
				strings.TrimPrefix(points.ListSQL, "INSERT INTO money.point_due (member_id, save_point_member_id)"),
			from, until, 100_000).Scan(&body)
	}))
	var plans []struct{ Plan node }
	require.NoError(t, json.Unmarshal(body, &plans))
	plans[0].Plan.requireNoSeqScan(t, string(body))
	require.Less(t, plans[0].Plan.Hit+plans[0].Plan.Read, 2*pages+20, string(body))
}
