package verify

import (
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"bestow/domain"
	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// BenchmarkVerify verifies a completed event as an import and a run write it: in the order of (partition, member), in
// chunks of 1,000, the targets in a partition of their own.
//
//	go test ./app/verify -run '^$' -bench Verify/1000000 -benchtime 3x
func BenchmarkVerify(b *testing.B) {
	for _, members := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprint(members), func(b *testing.B) {
			pool := pgtest.New(b)
			plantMany(b, pool, members)
			reports := &Verifier{Config{Pool: pool, Keys: plantedStore, Zone: defaultZone}}
			_, err := reports.Verify(b.Context(), Query{}) // which analyzes
			require.NoError(b, err)
			began := time.Now()
			_, err = reports.Verify(b.Context(), Query{Event: "many"})
			require.NoError(b, err)
			oneEvent := time.Since(began)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for b.Loop() {
				report, err := reports.Verify(b.Context(), Query{})
				require.NoError(b, err)
				require.True(b, report.OK, "%+v", report)
				require.EqualValues(b, members, report.Totals.Targets)
			}
			runtime.ReadMemStats(&after)
			b.ReportMetric(oneEvent.Seconds(), "s/one-event")
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/report")
			b.ReportMetric(float64(after.HeapSys-before.HeapSys)/(1<<20), "MiB-heap")
		})
	}
}

const manyEvent, manyPartitions = 1, 4

// plantMany writes an event of n members that is completed, all granted.
func plantMany(tb testing.TB, pool *pgxpool.Pool, n int) {
	tb.Helper()
	exec := func(sql string, args ...any) {
		_, err := pool.Exec(tb.Context(), sql, args...)
		require.NoError(tb, err)
	}
	exec(`INSERT INTO campaign_events (id, campaign_id, event_type, event_status, total_count, total_amount, partition_count, own_partition, created_by)
		VALUES ($1, 'many', 'POINT', 'PENDING', $2, $2 * 1000, $3, true, 'test')`, manyEvent, n, manyPartitions)
	exec(`INSERT INTO campaign_event_summary (event_id, published_count, success_count, started_at, completed_at) VALUES ($1, $2, $2, now(), now())`, manyEvent, n)
	exec(`INSERT INTO imports (id, event_id, created_by, content_type, sha256, bytes, accepted, rejected, total_amount, max_amount) VALUES ($1, $1, 'test', 'text/csv', '\x00', 1, $2::int, 0, $2::int::bigint * 1000, 1000)`, manyEvent, n)
	exec(`UPDATE imports SET digest = import_digest(id)`)
	exec(`UPDATE event_ids SET last_id = $1`, manyEvent)
	exec(`UPDATE campaign_event_summary SET started_at = now(), completed_at = e.updated_at FROM campaign_events e`)
	exec(`SELECT create_targets_partition('POINT', $1)`, manyEvent)
	exec(`CREATE TABLE stage (member_id varchar(50) COLLATE "C", partition_key int)`)
	_, err := pool.CopyFrom(tb.Context(), pgx.Identifier{"stage"},
		[]string{"member_id", "partition_key"}, pgx.CopyFromSlice(n, func(i int) ([]any, error) {
			member := fmt.Sprintf("%010d", i*7919%10_000_019)
			return []any{member, domain.PartitionKey(manyEvent, member, manyPartitions)}, nil
		}))
	require.NoError(tb, err)
	exec(`INSERT INTO point_targets_1 (id, event_id, amount, partition_key, member_id, publish_status)
		SELECT row_number() OVER (ORDER BY partition_key, member_id), 1, 1000, partition_key, member_id, 'PUBLISHED' FROM stage ORDER BY partition_key, member_id`)
	exec(`SELECT index_targets_partition('POINT', $1)`, manyEvent)
	exec(`SELECT attach_targets_partition('POINT', $1)`, manyEvent)
	exec(`UPDATE campaign_events SET event_status = 'COMPLETED' WHERE id = $1`, manyEvent)
	exec(`INSERT INTO grant_chunks (event_id, partition_key, first_id, last_id, target_count, settled_count, import_id, published_at, claimed_at, settled_at)
		SELECT 1, partition_key, min(id), max(id), count(*), count(*), 1, now(), now(), now() FROM point_targets GROUP BY partition_key, id / 1000`)
	exec(`INSERT INTO money.point_member (created_at, point_member_id, point, member_id, point_status_code, point_type_code, issue_date, expiry_date, ref_unique_id, idempotency_key)
		SELECT now() + id / 1000 * interval '1us', id, amount, member_id, 'S', 'CM', to_char(now() AT TIME ZONE 'Asia/Seoul', 'YYYYMMDD'), '99991231', '1', 'grant:1:' || member_id FROM point_targets ORDER BY id`)
	exec(`INSERT INTO money.point_lot (created_at, point_member_detail_id, point_member_id, save_point_member_id, point, remaining, member_id, point_status_code)
		SELECT m.created_at, id, id, id, amount, amount, t.member_id, 'S' FROM point_targets t JOIN money.point_member m ON m.point_member_id = id ORDER BY id`)
	exec(`SELECT setval('money.point_member_id_seq', $1), setval('point_targets_id_seq', $1), setval('imports_id_seq', 1), setval('campaign_events_id_seq', 1)`, n)
	exec(`INSERT INTO point_results (event_id, amount, member_id, status, money_tx_id) SELECT 1, amount, member_id, 'SUCCESS', 'P' || id FROM point_targets ORDER BY id`)
	require.NoError(tb, pgx.BeginFunc(tb.Context(), pool, func(tx pgx.Tx) error {
		store := plantedStore
		return errors.Join(hashPlanted(tb.Context(), tx, store, manyEvent),
			sealPlanted(tb.Context(), tx, store, manyEvent))
	}))
}
