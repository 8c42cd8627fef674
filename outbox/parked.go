package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

// ParkedMessage is a message that no handler could use, without its bytes.
type ParkedMessage struct {
	ID         int64
	Cause      string // undecodable, foreign or newer_version
	Detail     string // what was wrong with it
	At         Position
	Size       int // bytes
	ParkedAt   time.Time
	ReplayedAt *time.Time // when its replay was requested; nil if it was not, or if the copy was parked too
	Replaying  bool       // the job that publishes it is not done yet
}

// ParkedFilter narrows a list of parked messages, newest first.
type ParkedFilter struct {
	Cause    string // "" for all
	Replayed *bool  // nil for all
	Before   int64  // only those with a smaller id; 0 for all
	Limit    int    // 1 or more
}

const parkedColumns = `p.id, p.cause, p.detail, p.topic, p.kafka_partition, p.kafka_offset, octet_length(p.payload), p.created_at, p.replayed_at,
	p.replayed_at IS NOT NULL AND EXISTS (SELECT FROM river.river_job j WHERE j.kind = 'replay' AND j.state IN ` +
	live + `
		AND j.args @> jsonb_build_object('parked_id', p.id))`

func scanParked(row pgx.CollectableRow) (p ParkedMessage, err error) {
	err = row.Scan(&p.ID, &p.Cause, &p.Detail, &p.At.Topic, &p.At.Partition, &p.At.Offset, &p.Size, &p.ParkedAt,
		&p.ReplayedAt, &p.Replaying)
	return p, err
}

// ListParked returns the parked messages that f selects, newest first, at most f.Limit of them.
func ListParked(ctx context.Context, tx pgx.Tx, f ParkedFilter) ([]ParkedMessage, error) {
	const query = `SELECT ` + parkedColumns + ` FROM parked_messages p
		WHERE ($1 = '' OR p.cause = $1) AND ($2::bool IS NULL OR (p.replayed_at IS NOT NULL) = $2) AND ($3::bigint = 0 OR p.id < $3)
		ORDER BY p.id DESC LIMIT $4`
	rows, err := tx.Query(ctx, query, f.Cause, f.Replayed, f.Before, f.Limit)
	if err != nil {
		return nil, fmt.Errorf("list parked messages: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanParked)
	if err != nil {
		return nil, fmt.Errorf("list parked messages: %w", err)
	}
	return list, nil
}

// maxReplay is the size of the largest message that can be replayed. No version of ours has written a larger one.
const maxReplay = maxPayload - 1<<10 // room for headers

// Replay inserts the job that publishes a parked message again, in the caller's transaction. fresh reports whether it
// did: while such a job is not done, nothing changes. Errors: domain.NotFound, and NotReplayable for a message that is
// too large.
func Replay(ctx context.Context, tx pgx.Tx, rc Inserter, id int64) (p ParkedMessage, fresh bool, err error) {
	if p, err = lockParked(ctx, tx, id); err != nil || p.Replaying {
		return p, false, err
	}
	if p.Size > maxReplay {
		return p, false, &domain.Error{Code: domain.NotReplayable,
			Message: fmt.Sprintf("the message has %d bytes, too many for bestow to publish", p.Size),
			Hint:    "no bestow wrote it: whoever sent it there can send it where it belongs"}
	}
	const update = `UPDATE parked_messages SET replayed_at = now() WHERE id = $1`
	if _, err := tx.Exec(ctx, update, id); err != nil {
		return p, false, fmt.Errorf("mark parked message %d: %w", id, err)
	}
	if _, err := rc.InsertTx(ctx, tx, ReplayArgs{id},
		&river.InsertOpts{Queue: Queue, MaxAttempts: maxAttempts}); err != nil {
		return p, false, fmt.Errorf("insert replay job of parked message %d: %w", id, err)
	}
	p, err = lockParked(ctx, tx, id)
	return p, true, err
}

// lockParked locks the row, and then reads it and its jobs in a second statement: a statement that waits for the lock
// sees the jobs from before its wait.
func lockParked(ctx context.Context, tx pgx.Tx, id int64) (p ParkedMessage, err error) {
	if _, err := tx.Exec(ctx, `SELECT FROM parked_messages WHERE id = $1 FOR UPDATE`, id); err != nil {
		return p, fmt.Errorf("lock parked message: %w", err)
	}
	rows, err := tx.Query(ctx, `SELECT `+parkedColumns+` FROM parked_messages p WHERE p.id = $1`, id)
	if err != nil {
		return p, fmt.Errorf("read parked message: %w", err)
	}
	p, err = pgx.CollectExactlyOneRow(rows, scanParked)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, &domain.Error{Code: domain.NotFound, Message: fmt.Sprintf("there is no parked message %d", id),
			Hint: "list the parked messages"}
	}
	if err != nil {
		return p, fmt.Errorf("read parked message: %w", err)
	}
	return p, nil
}
