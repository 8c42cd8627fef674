package app

import (
	"context"
	"fmt"

	"bestow/app/command"
	"bestow/internal/failpoint"
	"bestow/internal/pg"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
)

// Parked holds what an operator does with messages that no handler could use.
type Parked struct {
	pool  *pgxpool.Pool
	river *river.Client[pgx.Tx]
}

// ParkedMessage is such a message, without its bytes.
type ParkedMessage = outbox.ParkedMessage

// ParkedFilter narrows a list of them, newest first.
type ParkedFilter = outbox.ParkedFilter

// List returns the parked messages that f lets through, newest first, at most f.Limit of them.
func (s *Parked) List(ctx context.Context, f ParkedFilter) ([]ParkedMessage, error) {
	return pg.ValueWithin(ctx, s.pool, readWait,
		func(tx pgx.Tx) ([]ParkedMessage, error) { return outbox.ListParked(ctx, tx, f) })
}

// Replayed is a parked message whose replay was asked for.
type Replayed struct {
	Message ParkedMessage
	Fresh   bool // false: its replay was under way already
}

// Replay lets a relay publish the message again, once per word of a person: its good part was handled or is handled
// now, and if it is still bad it comes back to where it is. Errors: domain.NotFound, NotReplayable, and those of a key.
func (s *Parked) Replay(ctx context.Context, by command.Caller, id int64) (Replayed, error) {
	return command.Run(ctx, s.pool, by, command.Command[Replayed]{
		Before: failpoint.ReplayBeforeCommit, After: failpoint.ReplayAfterCommit,
		Do: func(tx pgx.Tx) (Replayed, error) {
			m, fresh, err := outbox.Replay(ctx, tx, s.river, id)
			if err != nil || !fresh {
				return Replayed{m, fresh}, err
			}
			return Replayed{m, fresh}, command.Record(ctx, tx, by, command.Change{
				Action: "parked.replay", Object: fmt.Sprintf("parked message %d", id),
			})
		},
	})
}
