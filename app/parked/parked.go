// Package parked holds what an operator does with messages that no handler could use.
package parked

import (
	"context"
	"errors"
	"fmt"

	"bestow/app/command"
	"bestow/domain"
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

// Counts counts the messages that wait for a person, by their cause.
func (s *Parked) Counts(ctx context.Context) (map[string]int, error) {
	return pg.ValueWithin(ctx, s.pool, pg.ReadWait,
		func(tx pgx.Tx) (map[string]int, error) { return outbox.CountParked(ctx, tx) })
}

// Content is a parked message with its bytes.
type Content struct {
	Message Message
	Bytes   []byte // the first of them
}

// Get returns a message with the first most bytes of it. Error: domain.NotFound.
func (s *Parked) Get(ctx context.Context, id int64, most int) (Content, error) {
	return pg.ValueWithin(ctx, s.pool, pg.ReadWait, func(tx pgx.Tx) (c Content, err error) {
		c.Message, c.Bytes, err = outbox.ReadParked(ctx, tx, id, most)
		return c, err
	})
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
			return s.replay(ctx, tx, by, id)
		},
	})
}

// replay lets a relay publish the message again, in the caller's transaction.
func (s *Parked) replay(ctx context.Context, tx pgx.Tx, by command.Caller, id int64) (Replayed, error) {
	m, fresh, err := outbox.Replay(ctx, tx, s.river, id)
	if err != nil || !fresh {
		return Replayed{m, fresh}, err
	}
	return Replayed{m, fresh}, command.Record(ctx, tx, by, command.Change{
		Action: "parked.replay", Object: fmt.Sprintf("parked message %d", id),
	})
}

// mostReplayed is the most messages that one replay of a cause takes.
const mostReplayed = 1000

// ReplayedAll says what became of the messages of a cause.
type ReplayedAll struct {
	Messages int // whose replay is under way now
	TooLarge int // that cannot be replayed
}

// ReplayAll replays the messages of a cause that wait for a person, at most mostReplayed of them, the oldest first. The
// audit has each of them. Errors: those of a key.
func (s *Parked) ReplayAll(ctx context.Context, by command.Caller, cause string) (command.Answer[ReplayedAll], error) {
	return command.Run(ctx, s.pool, by, command.Command[ReplayedAll]{
		Before: failpoint.ReplayBeforeCommit, After: failpoint.ReplayAfterCommit,
		Do: func(tx pgx.Tx) (all ReplayedAll, err error) {
			ids, err := outbox.WaitingParked(ctx, tx, cause, mostReplayed)
			if err != nil {
				return all, err
			}
			for _, id := range ids {
				one, err := s.replay(ctx, tx, by, id)
				switch {
				case domain.IsCode(err, domain.NotReplayable):
					all.TooLarge++
				case err != nil:
					return all, err
				case one.Fresh:
					all.Messages++
				}
			}
			return all, nil
		},
	})
}
