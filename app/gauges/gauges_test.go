package gauges

import (
	"testing"
	"time"

	"bestow/app/processes"
	"bestow/internal/eventtest"

	"github.com/stretchr/testify/require"
)

// What stands in the tables is counted once, by type and by what it waits for. What is over, and what was not begun,
// waits for nothing.
func TestRead(t *testing.T) {
	t.Parallel()
	db := eventtest.New(t)
	running := db.Event("event_status = 'RUNNING'", "total_count = 400")
	stopped := db.Event("event_status = 'STOPPED'", "total_count = 100")
	db.Event("event_status = 'RUNNING'", "event_type = 'VOUCHER'", "total_count = 7")
	db.Exec(`UPDATE campaign_event_summary SET published_count = 300, success_count = 120, fail_count = 5
		WHERE event_id = $1`, running)
	for _, id := range []int64{running, stopped} {
		db.Exec(`INSERT INTO imports (event_id, created_by, content_type, sha256, bytes, accepted, rejected, total_amount)
			VALUES ($1, 'kim', 'text/csv', '', 1, 400, 0, 400)`, id)
		db.Exec(`INSERT INTO grant_chunks (event_id, partition_key, first_id, last_id, target_count, import_id, topic,
				kafka_partition, published_at, claimed_at, claim_token, open_until, updated_at, settled_count, settled_at)
			SELECT $1, 0, first, first + 99, 100, (SELECT max(id) FROM imports), 'grants.point', partition, now() - published,
				now() - claimed, token, now() + '1min', now() - coalesce(claimed, published, '0'),
				CASE WHEN settled THEN 100 ELSE 0 END, CASE WHEN settled THEN now() END
			FROM (VALUES
				(1, 0, interval '90s', interval '80s', NULL::uuid, true), -- over
				(101, 0, '60s', '50s', gen_random_uuid(), false),         -- a handler has it
				(201, 0, '40s', NULL, NULL, false),                       -- no handler has it
				(301, 1, NULL, NULL, NULL, false)                         -- not sent
			) AS c (first, partition, published, claimed, token, settled)`, id)
		db.Exec(`INSERT INTO point_results (event_id, member_id, amount, status, money_tx_id)
			VALUES ($1, 'a', 1, 'FAILED', NULL), ($1, 'b', 1, 'FAILED', NULL), ($1, 'c', 1, 'PENDING', NULL), ($1, 'd', 1, 'SUCCESS', 'tx')`, id)
	}
	db.Exec(`INSERT INTO parked_messages (cause, detail, topic, kafka_partition, kafka_offset, payload, replayed_at)
		VALUES ('undecodable', '', 't', 0, 1, '', NULL), ('undecodable', '', 't', 0, 2, '', now()), ('foreign', '', 't', 0, 3, '', NULL)`)
	db.Exec(`INSERT INTO brakes (scope, by, memo) VALUES ('type:POINT', 'kim', 'wrong list')`)
	db.Exec(`INSERT INTO audit_log (actor, action, object) VALUES ('kim', 'event.start', 'event 1'), ('kim', 'event.stop', 'event 1')`)
	db.Exec(`INSERT INTO audit_chain (position, audit_id, hash) SELECT 1, min(id), sha256('') FROM audit_log`)
	db.Exec(`INSERT INTO river.river_queue (name, paused_at, created_at, updated_at)
		VALUES ('relay', now(), now(), now()), ('jobs', NULL, now(), now())`)
	db.Exec(`INSERT INTO river.river_job (kind, queue, args, max_attempts, state, scheduled_at)
		VALUES ('relay', 'relay', '{}', 5, 'available', now() - interval '30s'), ('tidy', 'jobs', '{}', 5, 'available', now() + interval '1h')`)
	db.Exec(`INSERT INTO river.river_leader (leader_id, elected_at, expires_at) VALUES ('p1', now(), now() + interval '1min')`)

	g, err := New(db.Pool)
	require.NoError(t, err)
	s, err := g.Read(t.Context())
	require.NoError(t, err)
	require.Equal(t, []Events{
		{"POINT", "RUNNING", 1, 400, 300, 120, 5}, {"POINT", "STOPPED", 1, 100, 0, 0, 0}, {"VOUCHER", "RUNNING", 1, 7, 0, 0, 0},
	}, s.Events)
	require.Equal(t, []Waiting{{"POINT", "FAILED", 2}, {"POINT", "PENDING", 1}}, s.Waiting)
	require.Len(t, s.Partitions, 1)
	p := s.Partitions[0]
	require.GreaterOrEqual(t, p.BehindS, 40.0)
	require.Less(t, p.BehindS, p.OpenS, "the message that no handler has came last")
	require.GreaterOrEqual(t, p.OpenS, 50.0)
	p.BehindS, p.OpenS = 0, 0
	require.Equal(t, Partition{Topic: "grants.point", Unclaimed: 100}, p)
	require.Len(t, s.Queues, 2)
	require.Equal(t, processes.Queue{Name: "jobs"}, s.Queues[0])
	require.True(t, s.Queues[1].Paused)
	require.GreaterOrEqual(t, s.At.Sub(*s.Queues[1].Next), 30*time.Second)
	require.Equal(t, map[string]int{"foreign": 1, "undecodable": 1}, s.Parked)
	require.Equal(t, 1, s.Brakes)
	require.Equal(t, "p1", s.Leader)
	require.Equal(t, 1, s.Unlinked)
}
