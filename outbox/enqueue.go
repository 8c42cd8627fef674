package outbox

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

// Queue holds the jobs that end in a Kafka write.
const Queue = "relay"

// maxAttempts means no end: a job of ours is never discarded. River keeps the number as a smallint.
const maxAttempts = math.MaxInt16

// Mode says which targets of its chunks a relay job publishes. It is wire format.
type Mode string

// The modes.
const (
	First     Mode = "first"   // targets not published yet
	Republish Mode = "again"   // republishes targets whose outcome is unknown
	Retry     Mode = "retry"   // FAILED targets whose retry_count is the job's try; to the dead-letter topic
	Redrive   Mode = "redrive" // given-up targets that a person redrives; to the dead-letter topic
	// Unsettled takes every published target without a final result. It brings retries of refused ones forward. It is
	// for chunks that no other job would publish.
	Unsettled Mode = "unsettled"
)

// RelayArgs names a run. It carries no state: the rows say what to do. Kind and names are wire format.
type RelayArgs struct {
	EventID      int64 `json:"event_id"`
	PartitionKey int   `json:"partition_key"`
	FirstID      int64 `json:"first_id"`
	LastID       int64 `json:"last_id"`
	Mode         Mode  `json:"mode"`
	Try          int   `json:"try"`
}

// RelayKind is the kind of every relay job.
const RelayKind = "relay"

// Kind is wire format.
func (RelayArgs) Kind() string { return RelayKind }

func newArgs(run domain.Run, mode Mode, try int) RelayArgs {
	return RelayArgs{run.EventID, run.PartitionKey, run.First, run.Last, mode, try}
}

// Inserter inserts jobs: the River client of the process.
type Inserter = *river.Client[pgx.Tx]

// Enqueue inserts a relay job for each run in the caller's transaction, pending until the event starts (T1). There is
// no other way to publish. Jobs are worked in the order of their ids, so the partitions take turns. In the order of the
// rows, one partition would be published after another, and one handler would work while the others wait.
func Enqueue(ctx context.Context, tx pgx.Tx, rc Inserter, runs []domain.Run) error {
	runs = byTurns(runs)
	params := make([]river.InsertManyParams, len(runs))
	for i, run := range runs {
		params[i] = river.InsertManyParams{
			Args:       newArgs(run, First, 0),
			InsertOpts: &river.InsertOpts{Queue: Queue, MaxAttempts: maxAttempts, Pending: true},
		}
	}
	if _, err := rc.InsertManyFastTx(ctx, tx, params); err != nil {
		return fmt.Errorf("insert relay jobs: %w", err)
	}
	return nil
}

// byTurns orders runs so that each partition's first comes before any partition's second.
func byTurns(runs []domain.Run) []domain.Run {
	turn := map[int]int{}
	turns := make([]int, len(runs))
	order := make([]int, len(runs))
	for i, run := range runs {
		turns[i], order[i] = turn[run.PartitionKey], i
		turn[run.PartitionKey]++
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(turns[a], turns[b]) })
	ordered := make([]domain.Run, len(runs))
	for at, i := range order {
		ordered[at] = runs[i]
	}
	return ordered
}

// EnqueueAt inserts a relay job for a chunk in the caller's transaction, to be worked at the database's time at, or
// later.
func EnqueueAt(ctx context.Context, tx pgx.Tx, rc Inserter, c domain.Chunk, mode Mode, try int, at time.Time) error {
	opts := &river.InsertOpts{Queue: Queue, MaxAttempts: maxAttempts, ScheduledAt: at}
	if _, err := rc.InsertTx(ctx, tx, newArgs(c, mode, try), opts); err != nil {
		return fmt.Errorf("insert %s job of chunk %s: %w", mode, c, err)
	}
	return nil
}

// Release makes the event's pending jobs available (T2).
func Release(ctx context.Context, tx pgx.Tx, eventID int64) error {
	const update = `UPDATE river.river_job SET state = 'available', scheduled_at = now()
		WHERE state = 'pending' AND kind = 'relay' AND args @> jsonb_build_object('event_id', $1::bigint)`
	if _, err := tx.Exec(ctx, update, eventID); err != nil {
		return fmt.Errorf("release jobs of event %d: %w", eventID, err)
	}
	return nil
}

// Hold makes the event's jobs that no relay has begun pending (T8).
func Hold(ctx context.Context, tx pgx.Tx, eventID int64) error {
	const update = `UPDATE river.river_job SET state = 'pending'
		WHERE state IN ('available', 'scheduled', 'retryable') AND kind = 'relay'
		  AND args @> jsonb_build_object('event_id', $1::bigint)`
	if _, err := tx.Exec(ctx, update, eventID); err != nil {
		return fmt.Errorf("hold jobs of event %d: %w", eventID, err)
	}
	return nil
}

// Discard deletes the jobs of an event that was never started and is being deleted. None of them runs.
func Discard(ctx context.Context, tx pgx.Tx, eventID int64) error {
	const remove = `DELETE FROM river.river_job
		WHERE kind = 'relay' AND state <> 'running' AND args @> jsonb_build_object('event_id', $1::bigint)`
	if _, err := tx.Exec(ctx, remove, eventID); err != nil {
		return fmt.Errorf("discard jobs of event %d: %w", eventID, err)
	}
	return nil
}

// DiscardImport deletes the jobs of an import that is taken back from an event that was never started: each of them
// begins with a chunk of the import. None of them runs.
func DiscardImport(ctx context.Context, tx pgx.Tx, eventID, importID int64) error {
	const remove = `DELETE FROM river.river_job j USING grant_chunks c
		WHERE c.event_id = $1 AND c.import_id = $2 AND j.kind = 'relay' AND j.state <> 'running'
		  AND j.args @> jsonb_build_object('event_id', $1::bigint)
		  AND (j.args->>'partition_key')::int = c.partition_key AND (j.args->>'first_id')::bigint = c.first_id`
	if _, err := tx.Exec(ctx, remove, eventID, importID); err != nil {
		return fmt.Errorf("discard jobs of import %d: %w", importID, err)
	}
	return nil
}

// Redriven inserts a relay job for the redriven members of each chunk, in the caller's transaction (T9).
func Redriven(ctx context.Context, tx pgx.Tx, rc Inserter, chunks []domain.Chunk) error {
	return insertJobs(ctx, tx, rc, map[Mode][]domain.Run{Redrive: chunks})
}

// BringForward lets the chunks' waiting retries run now.
func BringForward(ctx context.Context, tx pgx.Tx, chunks []domain.Chunk) error {
	const update = `UPDATE river.river_job SET state = 'available', scheduled_at = now()
		WHERE state IN ('scheduled', 'retryable') AND kind = 'relay'
		  AND args @> jsonb_build_object('event_id', $1::bigint, 'partition_key', $2::int,
		      'first_id', $3::bigint, 'mode', 'retry')`
	batch := &pgx.Batch{}
	for _, c := range chunks {
		batch.Queue(update, c.EventID, c.PartitionKey, c.First)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("bring retries forward: %w", err)
	}
	return nil
}
