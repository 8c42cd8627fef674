package outbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/internal/obs"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
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

const parkedColumns = `p.id, p.cause, p.detail, p.topic, p.kafka_partition, p.kafka_offset, octet_length(p.payload),
	p.created_at, p.replayed_at,
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
		WHERE ($1 = '' OR p.cause = $1) AND ($2::bool IS NULL OR (p.replayed_at IS NOT NULL) = $2)
		  AND ($3::bigint = 0 OR p.id < $3)
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

// CountParked counts the parked messages that wait for a person, by their cause.
func CountParked(ctx context.Context, tx pgx.Tx) (map[string]int, error) {
	rows, err := tx.Query(ctx, `SELECT cause, count(*) FROM parked_messages WHERE replayed_at IS NULL GROUP BY cause`)
	if err != nil {
		return nil, fmt.Errorf("count parked messages: %w", err)
	}
	counts := map[string]int{}
	var (
		cause string
		n     int
	)
	_, err = pgx.ForEachRow(rows, []any{&cause, &n}, func() error {
		counts[cause] = n
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count parked messages: %w", err)
	}
	return counts, nil
}

// ReadParked returns a parked message and the first most bytes of it. Error: domain.NotFound.
func ReadParked(ctx context.Context, tx pgx.Tx, id int64, most int) (p ParkedMessage, payload []byte, err error) {
	if p, err = selectParked(ctx, tx, id); err != nil {
		return p, nil, err
	}
	const query = `SELECT substring(payload FROM 1 FOR $2) FROM parked_messages WHERE id = $1`
	if err := tx.QueryRow(ctx, query, id, most).Scan(&payload); err != nil {
		return p, nil, fmt.Errorf("read parked message %d: %w", id, err)
	}
	return p, payload, nil
}

// WaitingParked returns the ids of at most limit parked messages of the cause that wait for a person, the oldest first.
func WaitingParked(ctx context.Context, tx pgx.Tx, cause string, limit int) ([]int64, error) {
	const query = `SELECT id FROM parked_messages WHERE cause = $1 AND replayed_at IS NULL ORDER BY id LIMIT $2`
	rows, err := tx.Query(ctx, query, cause, limit)
	if err != nil {
		return nil, fmt.Errorf("list parked messages: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("list parked messages: %w", err)
	}
	return ids, nil
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
		return p, false, domain.NotReplayableError(p.Size)
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
	return selectParked(ctx, tx, id)
}

func selectParked(ctx context.Context, tx pgx.Tx, id int64) (p ParkedMessage, err error) {
	rows, err := tx.Query(ctx, `SELECT `+parkedColumns+` FROM parked_messages p WHERE p.id = $1`, id)
	if err != nil {
		return p, fmt.Errorf("read parked message: %w", err)
	}
	p, err = pgx.CollectExactlyOneRow(rows, scanParked)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, domain.NotFoundError(fmt.Sprintf("there is no parked message %d", id), "list the parked messages")
	}
	if err != nil {
		return p, fmt.Errorf("read parked message: %w", err)
	}
	return p, nil
}

// ReplayArgs names a parked message. Kind and names are wire format.
type ReplayArgs struct {
	ParkedID int64 `json:"parked_id"`
}

// ReplayKind is the kind of every replay job.
const ReplayKind = "replay"

// Kind is wire format.
func (ReplayArgs) Kind() string { return ReplayKind }

// replay is the header of a copy in Kafka. It says which parked message the copy is of, and when a person asked for the
// replay: that tells a late copy of an earlier replay from one of the last.
type replay struct {
	parkedID int64
	asked    time.Time // in microseconds, as PostgreSQL keeps it
}

// replayHeader is the name of that header.
const replayHeader = "bestow-replay"

func (r replay) String() string {
	return strconv.FormatInt(r.parkedID, 10) + "." + strconv.FormatInt(r.asked.UnixMicro(), 10)
}

// readReplay returns the zero replay for a message that is no copy. Anyone can write headers, so it trusts none.
func readReplay(header string) replay {
	id, at, _ := strings.Cut(header, ".")
	parkedID, err := strconv.ParseInt(id, 10, 64)
	micros, err2 := strconv.ParseInt(at, 10, 64)
	if err != nil || err2 != nil || parkedID < 1 || micros < 0 || micros > maxMicros {
		return replay{}
	}
	return replay{parkedID, time.UnixMicro(micros)}
}

// maxMicros is the end of the year 9999, which PostgreSQL can keep.
const maxMicros = 253402300799_000000

// ReplayConfig holds what a ReplayWorker needs.
type ReplayConfig struct {
	Pool  *pgxpool.Pool
	Kafka *Kafka       // nil in a process that works no relay jobs
	Log   *slog.Logger // nil: nothing is logged
}

// Validate returns an error that says what c lacks.
func (c ReplayConfig) Validate() error {
	if c.Pool == nil {
		return errors.New("configure replay worker: Pool is missing")
	}
	return nil
}

// ReplayWorker works ReplayArgs: it writes the bytes of a parked message to the topic that they came from.
type ReplayWorker struct {
	river.WorkerDefaults[ReplayArgs]
	pool  *pgxpool.Pool
	kafka *Kafka
	log   *slog.Logger
}

// NewReplayWorker makes a ReplayWorker, or returns an error that says what c lacks.
func NewReplayWorker(c ReplayConfig) (*ReplayWorker, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &ReplayWorker{pool: c.Pool, kafka: c.Kafka, log: cmp.Or(c.Log, slog.New(slog.DiscardHandler))}, nil
}

// Work publishes the message again, unchanged. A second attempt may publish a second copy, which changes nothing: its
// good grants were handled, and a bad copy goes back to the same row.
func (w *ReplayWorker) Work(ctx context.Context, job *river.Job[ReplayArgs]) error {
	c, err := pg.Value(ctx, w.pool,
		func(tx pgx.Tx) (*parkedCopy, error) { return selectCopy(ctx, tx, job.Args.ParkedID) })
	if err != nil {
		return err
	}
	if err := failpoint.Hit(ctx, failpoint.CopyRead); err != nil {
		return err
	}
	if c != nil {
		if err := w.kafka.replay(*c); err != nil {
			w.log.WarnContext(ctx, "kafka did not take a parked message", obs.Topic, c.at.Topic, obs.JobID, job.ID,
				obs.Err, err)
			if ctx.Err() != nil {
				return err // as in the relay: another attempt may have the job
			}
			return river.JobSnooze(kafkaAway)
		}
	}
	if err := failpoint.Hit(ctx, failpoint.CopyAfterAck); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), markBudget)
	defer cancel()
	return pg.InTx(ctx, w.pool, func(tx pgx.Tx) error { return completeFenced(ctx, tx, job) })
}

// parkedCopy is a copy of a parked message, to be published.
type parkedCopy struct {
	replay

	at      Position // where it came from
	payload []byte
}

// selectCopy returns nil for a message that waits for no replay: an earlier attempt has published it and it came back,
// or its row was deleted.
func selectCopy(ctx context.Context, tx pgx.Tx, id int64) (*parkedCopy, error) {
	c := parkedCopy{replay: replay{parkedID: id}}
	const query = `SELECT topic, kafka_partition, payload, replayed_at FROM parked_messages
		WHERE id = $1 AND replayed_at IS NOT NULL`
	err := tx.QueryRow(ctx, query, id).Scan(&c.at.Topic, &c.at.Partition, &c.payload, &c.asked)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // nothing to publish is no error
	}
	if err != nil {
		return nil, fmt.Errorf("read parked message %d: %w", id, err)
	}
	return &c, nil
}
