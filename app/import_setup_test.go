package app

import (
	"fmt"
	"strings"
	"testing"

	"bestow/domain"
	"bestow/internal/pg"
	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"
)

const (
	typeCSV    = "text/csv"
	typeNDJSON = "application/x-ndjson"
)

// importTest is a database with the use cases of member lists on it.
type importTest struct {
	testing.TB
	pool    *pgxpool.Pool
	targets *Targets
	made    int
}

func setupImport(tb testing.TB) *importTest {
	tb.Helper()
	pool := pgtest.New(tb)
	rc, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Schema: "river"})
	require.NoError(tb, err)
	return &importTest{TB: tb, pool: pool, targets: New(Deps{Pool: pool, River: rc, Limits: DefaultLimits()}).Targets}
}

// event makes a PENDING event. set is further SQL for its row, as in "default_amount = 10".
func (s *importTest) event(set ...string) int64 {
	s.Helper()
	var id int64
	s.made++
	require.NoError(s, s.pool.QueryRow(s.Context(), `INSERT INTO campaign_events (campaign_id, event_type, created_by)
		VALUES ($1, 'POINT', 'test') RETURNING id`, fmt.Sprintf("campaign-%d", s.made)).Scan(&id))
	s.exec(`INSERT INTO campaign_event_summary (event_id) VALUES ($1)`, id)
	for _, assignment := range set {
		s.exec(`UPDATE campaign_events SET `+assignment+` WHERE id = $1`, id)
	}
	return id
}

func (s *importTest) exec(sql string, args ...any) {
	s.Helper()
	_, err := s.pool.Exec(s.Context(), sql, args...)
	require.NoError(s, err)
}

func (s *importTest) int(sql string, args ...any) (n int64) {
	s.Helper()
	require.NoError(s, s.pool.QueryRow(s.Context(), sql, args...).Scan(&n))
	return n
}

func (s *importTest) importCSV(eventID int64, file string) (ImportResult, error) {
	s.Helper()
	return s.targets.Import(s.Context(), Caller{Actor: "test"}, eventID, Upload{Body: strings.NewReader(file), ContentType: typeCSV})
}

func (s *importTest) mustImport(eventID int64, file string) ImportResult {
	s.Helper()
	result, err := s.importCSV(eventID, file)
	require.NoError(s, err)
	return result
}

func (s *importTest) rejected(eventID, importID int64) (rows []RejectedRow) {
	s.Helper()
	_, err := s.targets.Rejected(s.Context(), eventID, importID, func(r RejectedRow) error {
		rows = append(rows, r)
		return nil
	})
	require.NoError(s, err)
	return rows
}

// imported is a row of the targets as the tests compare it.
type imported struct {
	ID, Amount int64
	Partition  int
	Member     string
	Reason     string
}

func (s *importTest) targetsOf(eventID int64) []imported {
	s.Helper()
	rows, err := s.pool.Query(s.Context(), `SELECT id, amount, partition_key, member_id, coalesce(reason, '') FROM point_targets
		WHERE event_id = $1 ORDER BY id`, eventID)
	require.NoError(s, err)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[imported])
	require.NoError(s, err)
	return all
}

func (s *importTest) chunksOf(eventID int64) []domain.Chunk {
	s.Helper()
	rows, err := s.pool.Query(s.Context(), `SELECT event_id, partition_key, first_id, last_id FROM grant_chunks
		WHERE event_id = $1 AND target_count = last_id - first_id + 1 ORDER BY first_id`, eventID)
	require.NoError(s, err)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[domain.Chunk])
	require.NoError(s, err)
	return all
}

// runsOf are the jobs that the chunks of each import ask for.
func (s *importTest) runsOf(eventID int64) []domain.Run {
	s.Helper()
	rows, err := s.pool.Query(s.Context(), `SELECT import_id, event_id, partition_key, first_id, last_id FROM grant_chunks
		WHERE event_id = $1 ORDER BY first_id`, eventID)
	require.NoError(s, err)
	type importedChunk struct {
		ImportID int64
		domain.Chunk
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[importedChunk])
	require.NoError(s, err)
	runs := []domain.Run{}
	for len(all) > 0 {
		var one []domain.Chunk
		for first := all[0].ImportID; len(all) > 0 && all[0].ImportID == first; all = all[1:] {
			one = append(one, all[0].Chunk)
		}
		runs = append(runs, domain.Runs(one, s.targets.Limits.RelayChunks)...)
	}
	return runs
}

// jobsOf are the runs of the event's pending relay jobs.
func (s *importTest) jobsOf(eventID int64) []domain.Run {
	s.Helper()
	rows, err := s.pool.Query(s.Context(), `SELECT (args->>'event_id')::bigint, (args->>'partition_key')::int,
			(args->>'first_id')::bigint, (args->>'last_id')::bigint FROM river.river_job
		WHERE state = 'pending' AND kind = 'relay' AND (args->>'event_id')::bigint = $1 ORDER BY (args->>'first_id')::bigint`, eventID)
	require.NoError(s, err)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[domain.Run])
	require.NoError(s, err)
	return all
}

// consistent asserts what holds of an event's targets whatever was imported: ids in the order of (partition_key,
// member_id) within an import, chunks and jobs that cover each target once, totals that are sums.
func (s *importTest) consistent(eventID int64) []imported {
	s.Helper()
	e, err := pg.Value(s.Context(), s.pool, func(tx pgx.Tx) (domain.Event, error) { return selectEvent(s.Context(), tx, eventID) })
	require.NoError(s, err)
	all, chunks := s.targetsOf(eventID), s.chunksOf(eventID)
	require.Len(s, all, e.TotalCount)
	sum, i := int64(0), 0
	for _, c := range chunks {
		for id := c.First; id <= c.Last; id++ {
			require.Equal(s, id, all[i].ID, "chunk %s", c)
			require.Equal(s, c.PartitionKey, all[i].Partition)
			require.Equal(s, domain.PartitionKey(eventID, all[i].Member, e.Partitions), all[i].Partition)
			if id > c.First {
				require.Less(s, all[i-1].Member, all[i].Member)
			}
			sum += all[i].Amount
			i++
		}
		require.LessOrEqual(s, c.Size(), s.targets.Limits.MessageTargets)
	}
	require.Len(s, all, i, "targets outside of every chunk")
	require.Equal(s, sum, e.TotalAmount)
	require.Equal(s, s.runsOf(eventID), s.jobsOf(eventID))
	require.Zero(s, s.int(`SELECT count(*) FROM pg_class WHERE starts_with(relname, 'import_stage_')`), "a stage was left")
	return all
}

// nothing asserts that no trace of an import is left.
func (s *importTest) nothing(eventID int64) {
	s.Helper()
	require.Empty(s, s.consistent(eventID))
	for _, table := range []string{"imports", "rejected_rows", "grant_chunks", "point_targets", "river.river_job", "idempotency_keys"} {
		require.Zero(s, s.int(`SELECT count(*) FROM `+table), table)
	}
	require.Zero(s, s.int(`SELECT count(*) FROM campaign_events WHERE own_partition IS NOT NULL`))
	require.Zero(s, s.int(`SELECT count(*) FROM pg_class WHERE relname = 'point_targets_' || $1`, fmt.Sprint(eventID)))
}
