package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// SweeperConfig holds what a Sweeper needs.
type SweeperConfig struct {
	Pool       *pgxpool.Pool
	River      Inserter
	Kafka      *Kafka        // nil in a process without the role jobs
	ChunksAJob int           // 1 or more
	Patience   time.Duration // more than 0
}

// Validate returns an error that says what c lacks.
func (c SweeperConfig) Validate() error {
	switch {
	case c.Pool == nil:
		return errors.New("configure sweeper: Pool is missing")
	case c.River == nil:
		return errors.New("configure sweeper: River is missing")
	case c.ChunksAJob < 1:
		return fmt.Errorf("configure sweeper: ChunksAJob is %d, and must be 1 or more", c.ChunksAJob)
	case c.Patience <= 0:
		return fmt.Errorf("configure sweeper: Patience is %s, and must be more than 0", c.Patience)
	}
	return nil
}

// Sweeper finds chunks of running events that no job or message will move any more, and gives them a job. Each of its
// steps may run twice, even at once: at worst a message is published that is not needed.
type Sweeper struct {
	// Patience is the time from a publication to its first reconcile; it doubles each time. Tests shorten it in a process
	// that is made.
	Patience time.Duration

	pool       *pgxpool.Pool
	river      Inserter
	kafka      *Kafka
	chunksAJob int
}

// NewSweeper makes a Sweeper, or returns an error that says what c lacks.
func NewSweeper(c SweeperConfig) (*Sweeper, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Sweeper{
		Patience: c.Patience, pool: c.Pool, river: c.River, kafka: c.Kafka, chunksAJob: c.ChunksAJob,
	}, nil
}

// Sweep gives a job to every chunk of a running event that was never published and that no job would publish. One
// statement reads chunks and jobs, so it sees a publication whole or not at all.
func (s *Sweeper) Sweep(ctx context.Context) (chunks int, err error) {
	return pg.Value(ctx, s.pool, func(tx pgx.Tx) (int, error) {
		lost, err := selectStranded(ctx, tx, strandedUnpublished)
		if err != nil || len(lost) == 0 {
			return 0, err
		}
		if err := insertJobs(ctx, tx, s.river,
			map[Mode][]domain.Run{First: domain.Runs(lost, s.chunksAJob)}); err != nil {
			return 0, err
		}
		return len(lost), failpoint.Hit(ctx, failpoint.SweepBeforeCommit)
	})
}

// moving is the condition for a job that a relay works, or soon will. No relay waits longer than an hour. A pending job
// does not count: it waits for a start or a resume, and a running event has had both. No relay works another queue. I11
// has the same condition.
const moving = `kind = 'relay' AND queue = '` + Queue + `'
	AND (state = 'running'
	OR state IN ('available', 'scheduled', 'retryable') AND scheduled_at < now() + interval '2 hours')`

// strandedQuery finds chunks of running events without a job that would move them. The condition selects the chunks.
const strandedQuery = `WITH work AS MATERIALIZED (
		SELECT (args->>'event_id')::bigint AS event_id, (args->>'partition_key')::int AS partition_key,
			(args->>'first_id')::bigint AS first_id, (args->>'last_id')::bigint AS last_id, args->>'mode' AS mode
		FROM river.river_job WHERE ` + moving + `)
	SELECT c.event_id, c.partition_key, c.first_id, c.last_id
	FROM campaign_events e JOIN grant_chunks c ON c.event_id = e.id
	WHERE e.event_status = 'RUNNING' AND %s
	  AND NOT EXISTS (SELECT 1 FROM work w WHERE w.event_id = c.event_id AND w.partition_key = c.partition_key
	                  AND w.first_id <= c.first_id AND w.last_id >= c.last_id)
	ORDER BY c.event_id, c.partition_key, c.first_id`

// strandedUnpublished also selects settled chunks: a relay that died before its mark may have left one, and an event
// completes only when all of it is marked.
const strandedUnpublished = `c.published_at IS NULL`

func selectStranded(ctx context.Context, tx pgx.Tx, condition string, args ...any) ([]domain.Chunk, error) {
	rows, err := tx.Query(ctx, fmt.Sprintf(strandedQuery, condition), args...)
	if err != nil {
		return nil, fmt.Errorf("find stranded chunks: %w", err)
	}
	chunks, err := pgx.CollectRows(rows, pgx.RowToStructByPos[domain.Chunk])
	if err != nil {
		return nil, fmt.Errorf("find stranded chunks: %w", err)
	}
	return chunks, nil
}
