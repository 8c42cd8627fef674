// Package parked holds what an operator does with messages that no handler could use.
package parked

import (
	"context"
	"errors"
	"fmt"

	"bestow/app/command"
	"bestow/internal/failpoint"
	"bestow/internal/pg"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
)

// Parked is the use cases of parked messages.
type Parked struct {
	pool  *pgxpool.Pool
	river *river.Client[pgx.Tx]
}

// New returns the use cases of a database, or an error that says what is missing.
func New(pool *pgxpool.Pool, river *river.Client[pgx.Tx]) (*Parked, error) {
	if pool == nil || river == nil {
		return nil, errors.New("parked messages need a pool and a River client")
	}
	return &Parked{pool: pool, river: river}, nil
}

// Message is a parked message, without its bytes.
type Message = outbox.ParkedMessage

// Filter narrows a list of them, newest first.
type Filter = outbox.ParkedFilter

// List returns the parked messages that f lets through, newest first, at most f.Limit of them.
func (s *Parked) List(ctx context.Context, f Filter) ([]Message, error) {
	return pg.ValueWithin(ctx, s.pool, pg.ReadWait,
		func(tx pgx.Tx) ([]Message, error) { return outbox.ListParked(ctx, tx, f) })
}

// Replayed is a parked message whose replay was asked for.
type Replayed struct {
	Message Message
	Fresh   bool // false: its replay was under way already
}

// Replay lets a relay publish the message again, once per word of a person: its good part was handled or is handled
// now, and if it is still bad it comes back to where it is. Errors: domain.NotFound, NotReplayable, and those of a key.
func (s *Parked) Replay(ctx context.Context, by command.Caller, id int64) (command.Answer[Replayed], error) {
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
