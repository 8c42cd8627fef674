package outbox

import (
	"context"
	"fmt"
	"slices"
	"time"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

// live lists the states of a job that will still do its work.
const live = `('available', 'pending', 'running', 'retryable', 'scheduled')`

// LockTargets takes the lock by which Requeue reads the targets of a type. Who writes campaign_events before it calls
// Requeue takes it first of all: a partition is attached under the lock of the default partition, and then under one
// that no writer of campaign_events may hold.
func LockTargets(ctx context.Context, tx pgx.Tx, t domain.EventType) error {
	table := pgx.Identifier{t.TargetTable() + "_default"}.Sanitize()
	if _, err := tx.Exec(ctx, `LOCK TABLE `+table+` IN ACCESS SHARE MODE`); err != nil {
		return fmt.Errorf("lock targets: %w", err)
	}
	return nil
}

// Requeue inserts a relay job for every chunk of the event that is not settled and that no waiting job would publish.
// The jobs publish targets that were never published, and republish the others. Redriven members get a job too. The
// caller holds the event's gate exclusively (T2).
func Requeue(ctx context.Context, tx pgx.Tx, rc Inserter, t domain.EventType, eventID int64, chunksAJob int) error {
	jobs, err := selectLiveJobs(ctx, tx, eventID)
	if err != nil {
		return err
	}
	unsettled, err := selectUnsettled(ctx, tx, eventID)
	if err != nil {
		return err
	}
	dropped, err := jobs.droppedRetries(ctx, tx, t, eventID)
	if err != nil {
		return err
	}
	var first, republish, all []domain.Chunk
	for _, c := range unsettled {
		switch {
		case jobs.cover(c.Chunk, First, Unsettled):
		case !c.Published:
			first = append(first, c.Chunk)
		case dropped[c.Chunk]:
			all = append(all, c.Chunk)
		case jobs.cover(c.Chunk, Republish):
		case jobs.cover(c.Chunk, Retry): // refused members wait for their time
			republish = append(republish, c.Chunk)
		default:
			all = append(all, c.Chunk)
		}
	}
	redrives, err := selectRedriven(ctx, tx, t, eventID)
	if err != nil {
		return err
	}
	redrives = jobs.uncovered(redrives, Redrive)
	return insertJobs(ctx, tx, rc, map[Mode][]domain.Run{
		First: domain.Runs(first, chunksAJob), Republish: domain.Runs(republish, chunksAJob),
		Unsettled: domain.Runs(all, chunksAJob),
		Redrive:   redrives,
	})
}

func insertJobs(ctx context.Context, tx pgx.Tx, rc Inserter, runs map[Mode][]domain.Run) error {
	var params []river.InsertManyParams
	for _, mode := range []Mode{First, Republish, Unsettled, Redrive} {
		for _, run := range runs[mode] {
			params = append(params, river.InsertManyParams{
				Args:       newArgs(run, mode, 0),
				InsertOpts: &river.InsertOpts{Queue: Queue, MaxAttempts: maxAttempts},
			})
		}
	}
	if len(params) == 0 {
		return nil
	}
	if _, err := rc.InsertManyFastTx(ctx, tx, params); err != nil {
		return fmt.Errorf("insert relay jobs: %w", err)
	}
	return nil
}

// liveJobs are the jobs of an event that will still do their work, by partition.
type liveJobs map[int][]RelayArgs

// cover reports whether a job of one of the modes will publish all of c.
func (l liveJobs) cover(c domain.Chunk, modes ...Mode) bool {
	for _, job := range l[c.PartitionKey] {
		for _, mode := range modes {
			if job.Mode == mode && job.FirstID <= c.First && job.LastID >= c.Last {
				return true
			}
		}
	}
	return false
}

// droppedRetries returns the chunks with refused members whose retry has no job any more: it was published, and a
// handler has dropped the message while the event was stopped. A job for the other members of the chunk does not
// publish them.
func (l liveJobs) droppedRetries(ctx context.Context, tx pgx.Tx, t domain.EventType,
	eventID int64,
) (map[domain.Chunk]bool, error) {
	rows, err := tx.Query(ctx, fmt.Sprintf(refusedQuery, pgx.Identifier{t.ResultTable()}.Sanitize(),
		pgx.Identifier{t.TargetTable()}.Sanitize()), eventID)
	if err != nil {
		return nil, fmt.Errorf("read refused chunks: %w", err)
	}
	dropped := map[domain.Chunk]bool{}
	var (
		c   domain.Chunk
		try int
	)
	_, err = pgx.ForEachRow(rows, []any{&c.EventID, &c.PartitionKey, &c.First, &c.Last, &try}, func() error {
		if !l.retries(c, try) {
			dropped[c] = true
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read refused chunks: %w", err)
	}
	return dropped, nil
}

// refusedQuery finds the chunks with refused members, and the tries at which these stand.
const refusedQuery = `SELECT DISTINCT c.event_id, c.partition_key, c.first_id, c.last_id, r.retry_count
	FROM %s r
	CROSS JOIN LATERAL (SELECT id, partition_key FROM %s
	      WHERE event_id = r.event_id AND member_id = r.member_id LIMIT 1) t
	CROSS JOIN LATERAL (SELECT event_id, partition_key, first_id, last_id FROM grant_chunks
	      WHERE event_id = r.event_id AND partition_key = t.partition_key AND first_id <= t.id
	      ORDER BY first_id DESC LIMIT 1) c
	WHERE r.event_id = $1 AND r.status = 'FAILED'`

// retries reports whether a job will publish those of c that were refused try times.
func (l liveJobs) retries(c domain.Chunk, try int) bool {
	return slices.ContainsFunc(l[c.PartitionKey], func(job RelayArgs) bool {
		return job.Mode == Retry && job.Try == try && job.FirstID <= c.First && job.LastID >= c.Last
	})
}

func (l liveJobs) uncovered(chunks []domain.Chunk, mode Mode) (left []domain.Chunk) {
	for _, c := range chunks {
		if !l.cover(c, mode) {
			left = append(left, c)
		}
	}
	return left
}

func selectLiveJobs(ctx context.Context, tx pgx.Tx, eventID int64) (liveJobs, error) {
	const query = `SELECT (args->>'event_id')::bigint, (args->>'partition_key')::int, (args->>'first_id')::bigint,
			(args->>'last_id')::bigint, args->>'mode', (args->>'try')::int
		FROM river.river_job WHERE kind = 'relay' AND state IN ` + live +
		` AND args @> jsonb_build_object('event_id', $1::bigint)`
	rows, err := tx.Query(ctx, query, eventID)
	if err != nil {
		return nil, fmt.Errorf("read relay jobs: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[RelayArgs])
	if err != nil {
		return nil, fmt.Errorf("read relay jobs: %w", err)
	}
	jobs := liveJobs{}
	for _, job := range list {
		jobs[job.PartitionKey] = append(jobs[job.PartitionKey], job)
	}
	return jobs, nil
}

// unsettled is a chunk with targets whose result is not final.
type unsettled struct {
	domain.Chunk
	Published bool
}

func selectUnsettled(ctx context.Context, tx pgx.Tx, eventID int64) ([]unsettled, error) {
	const query = `SELECT event_id, partition_key, first_id, last_id, published_at IS NOT NULL FROM grant_chunks
		WHERE event_id = $1 AND settled_at IS NULL ORDER BY partition_key, first_id`
	rows, err := tx.Query(ctx, query, eventID)
	if err != nil {
		return nil, fmt.Errorf("read unsettled chunks: %w", err)
	}
	chunks, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (u unsettled, err error) {
		return u, row.Scan(&u.EventID, &u.PartitionKey, &u.First, &u.Last, &u.Published)
	})
	if err != nil {
		return nil, fmt.Errorf("read unsettled chunks: %w", err)
	}
	return chunks, nil
}

// redrivenQuery finds the chunks with redriven members that have no answer yet. The first condition selects the events,
// the second their chunks c. The difference is written as in its index; otherwise PostgreSQL does not use the index.
const redrivenQuery = `SELECT c.event_id, c.partition_key, c.first_id, c.last_id FROM (SELECT DISTINCT c.*
	FROM %s r
	CROSS JOIN LATERAL (SELECT id, partition_key FROM %s
	      WHERE event_id = r.event_id AND member_id = r.member_id LIMIT 1) t
	CROSS JOIN LATERAL (SELECT event_id, partition_key, first_id, last_id, published_at, open_until, reconciled
	      FROM grant_chunks
	      WHERE event_id = r.event_id AND partition_key = t.partition_key AND first_id <= t.id
	      ORDER BY first_id DESC LIMIT 1) c
	WHERE r.redrive - r.redrive_done > 0 AND r.status = 'PERMANENTLY_FAILED' AND %s) c
	WHERE %s ORDER BY 1, 2, 3`

// The conditions for lost redrives of running and completed events: published, passed by the groups, and in no job.
// Jobs are looked up by chunk, after the members, because a large redrive has many jobs.
const (
	redrivenAtWork = `EXISTS (SELECT FROM campaign_events e WHERE e.id = r.event_id AND e.event_type = $1
	      AND e.event_status IN ('RUNNING', 'COMPLETED'))`
	redrivenLost = `c.published_at < $2
	  AND c.published_at < clock_timestamp() - $3::interval * power(2, least(c.reconciled, 10))
	  AND coalesce(c.open_until <= clock_timestamp(), true)
	  AND NOT EXISTS (SELECT FROM river.river_job j WHERE j.kind = 'relay' AND j.state IN ` + live + `
	      AND j.args @> jsonb_build_object('event_id', c.event_id, 'partition_key', c.partition_key, 'mode', 'redrive')
	      AND (j.args->>'first_id')::bigint <= c.first_id AND (j.args->>'last_id')::bigint >= c.last_id)`
)

// selectRedriven lists the event's chunks with redrives that have no answer yet.
func selectRedriven(ctx context.Context, tx pgx.Tx, t domain.EventType, eventID int64) ([]domain.Chunk, error) {
	return findRedriven(ctx, tx, t, `r.event_id = $1`, `true`, eventID)
}

// selectLostRedrives lists the chunks of running and completed events with redrives that were published before the
// moment that the groups have passed, and have no answer.
func selectLostRedrives(ctx context.Context, tx pgx.Tx, t domain.EventType, passed time.Time,
	patience time.Duration,
) ([]domain.Chunk, error) {
	return findRedriven(ctx, tx, t, redrivenAtWork, redrivenLost, t.Code, passed, patience)
}

func findRedriven(ctx context.Context, tx pgx.Tx, t domain.EventType, events, chunks string,
	args ...any,
) ([]domain.Chunk, error) {
	results, targets := pgx.Identifier{t.ResultTable()}.Sanitize(), pgx.Identifier{t.TargetTable()}.Sanitize()
	rows, err := tx.Query(ctx, fmt.Sprintf(redrivenQuery, results, targets, events, chunks), args...)
	if err != nil {
		return nil, fmt.Errorf("read redriven chunks: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[domain.Chunk])
	if err != nil {
		return nil, fmt.Errorf("read redriven chunks: %w", err)
	}
	return found, nil
}
