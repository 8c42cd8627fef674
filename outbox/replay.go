package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"bestow/internal/failpoint"
	"bestow/internal/obs"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
)

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

// ReplayWorker works ReplayArgs: it writes the bytes of a parked message to the topic that they came from.
type ReplayWorker struct {
	river.WorkerDefaults[ReplayArgs]
	Pool  *pgxpool.Pool
	Kafka *Kafka
	Log   *slog.Logger
}

// Work publishes the message again, unchanged. A second attempt may publish a second copy, which changes nothing: its
// good grants were handled, and a bad copy goes back to the same row.
func (w *ReplayWorker) Work(ctx context.Context, job *river.Job[ReplayArgs]) error {
	c, err := pg.Value(ctx, w.Pool,
		func(tx pgx.Tx) (*parkedCopy, error) { return selectCopy(ctx, tx, job.Args.ParkedID) })
	if err != nil {
		return err
	}
	if err := failpoint.Hit(ctx, failpoint.CopyRead); err != nil {
		return err
	}
	if c != nil {
		if err := w.Kafka.replay(*c); err != nil {
			w.Log.WarnContext(ctx, "kafka did not take a parked message", obs.Topic, c.at.Topic, obs.JobID, job.ID,
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
	return pg.InTx(ctx, w.Pool, func(tx pgx.Tx) error { return completeFenced(ctx, tx, job) })
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
	const query = `SELECT topic, kafka_partition, payload, replayed_at FROM parked_messages WHERE id = $1 AND replayed_at IS NOT NULL`
	err := tx.QueryRow(ctx, query, id).Scan(&c.at.Topic, &c.at.Partition, &c.payload, &c.asked)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // nothing to publish is no error
	}
	if err != nil {
		return nil, fmt.Errorf("read parked message %d: %w", id, err)
	}
	return &c, nil
}
