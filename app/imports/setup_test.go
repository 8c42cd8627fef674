package imports

import (
	"fmt"
	"strings"
	"testing"

	"bestow/app/command"
	"bestow/app/eventrow"
	"bestow/domain"
	"bestow/internal/eventtest"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

const (
	typeCSV    = "text/csv"
	typeNDJSON = "application/x-ndjson"
)

// importTest is a database with the imports on it.
type importTest struct {
	*eventtest.DB

	targets *Imports
}

func setupImport(tb testing.TB) *importTest {
	tb.Helper()
	db := eventtest.New(tb)
	targets, err := New(Config{Pool: db.Pool, River: db.River, Sizes: DefaultSizes()})
	require.NoError(tb, err)
	return &importTest{DB: db, targets: targets}
}

func (s *importTest) importCSV(eventID int64, file string) (Result, error) {
	s.Helper()
	answer, err := s.targets.Import(s.Context(), command.Caller{Actor: "test"}, eventID,
		Upload{Body: strings.NewReader(file), ContentType: typeCSV})
	return answer.Value, err
}

func (s *importTest) mustImport(eventID int64, file string) Result {
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

// runsOf are the jobs that the chunks of each import ask for.
func (s *importTest) runsOf(eventID int64) []domain.Run {
	s.Helper()
	rows, err := s.Pool.Query(s.Context(),
		`SELECT import_id, event_id, partition_key, first_id, last_id FROM grant_chunks
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
		runs = append(runs, domain.Runs(one, s.targets.sizes.RelayChunks)...)
	}
	return runs
}

// jobsOf are the runs of the event's pending relay jobs.
func (s *importTest) jobsOf(eventID int64) []domain.Run {
	s.Helper()
	rows, err := s.Pool.Query(s.Context(), `SELECT (args->>'event_id')::bigint, (args->>'partition_key')::int,
			(args->>'first_id')::bigint, (args->>'last_id')::bigint FROM river.river_job
		WHERE state = 'pending' AND kind = 'relay' AND (args->>'event_id')::bigint = $1 ORDER BY (args->>'first_id')::bigint`, eventID)
	require.NoError(s, err)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[domain.Run])
	require.NoError(s, err)
	return all
}

// consistent asserts what holds of an event's targets whatever was imported: ids in the order of (partition_key,
// member_id) within an import, chunks and jobs that cover each target once, totals that are sums.
func (s *importTest) consistent(eventID int64) []eventtest.Target {
	s.Helper()
	e, err := pg.Value(s.Context(), s.Pool,
		func(tx pgx.Tx) (domain.Event, error) { return eventrow.Select(s.Context(), tx, eventID) })
	require.NoError(s, err)
	all, chunks := s.Targets(eventID), s.Chunks(eventID)
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
		require.LessOrEqual(s, c.Size(), s.targets.sizes.MessageTargets)
	}
	require.Len(s, all, i, "targets outside of every chunk")
	require.Equal(s, sum, e.TotalAmount)
	require.Equal(s, s.runsOf(eventID), s.jobsOf(eventID))
	require.Zero(s, s.Int(`SELECT count(*) FROM pg_class WHERE starts_with(relname, 'import_stage_')`),
		"a stage was left")
	return all
}

// nothing asserts that no trace of an import is left.
func (s *importTest) nothing(eventID int64) {
	s.Helper()
	require.Empty(s, s.consistent(eventID))
	for _, table := range []string{
		"imports", "event_facts", "rejected_rows", "grant_chunks", "point_targets", "river.river_job",
		"idempotency_keys",
	} {
		require.Zero(s, s.Int(`SELECT count(*) FROM `+table), table)
	}
	require.Zero(s, s.Int(`SELECT count(*) FROM campaign_events WHERE own_partition IS NOT NULL`))
	require.Zero(s, s.Int(`SELECT count(*) FROM pg_class WHERE relname = 'point_targets_' || $1`, fmt.Sprint(eventID)))
}
