package types

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"bestow/app/processes"
	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/internal/obs"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

// MakeArgs are those of the job that makes tables and topics. They are empty, since it reads which types lack them.
type MakeArgs struct{}

// Kind is wire format.
func (MakeArgs) Kind() string { return "make_types" }

// InsertOpts makes the job one of the timetable's queue that is never discarded.
func (MakeArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: processes.JobsQueue, MaxAttempts: math.MaxInt16}
}

// tablesWait is the time that the tables of a type wait for a lock. Their foreign key wants one that each start waits
// behind, so it is better to try again.
const tablesWait = 2 * time.Second

// Make gives each type that is being made what it still lacks: its tables, then its topics, by the function, then the
// state READY. Each step looks first whether it is to be done, so it may be killed anywhere and go on, and may run
// twice at once. A type that cannot be made now does not keep the others from it.
func (s *Types) Make(ctx context.Context, topics func(domain.EventType) error, log *slog.Logger) error {
	list, err := s.List(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range list {
		if t.State.Made() {
			continue
		}
		if err := s.make(ctx, t.EventType, topics); err != nil {
			log.WarnContext(ctx, "an event type cannot be made yet, and is tried again", obs.EventType, t.Code, obs.Err, err)
			errs = append(errs, processes.UnmadeError(t.Code, err))
			continue
		}
		log.InfoContext(ctx, "an event type is ready", obs.EventType, t.Code)
	}
	return errors.Join(errs...)
}

func (s *Types) make(ctx context.Context, t domain.EventType, topics func(domain.EventType) error) error {
	err := pg.InTxWithin(ctx, s.pool, tablesWait, func(tx pgx.Tx) error { return makeTables(ctx, tx, t.Code) })
	if err != nil {
		return err
	}
	if err := failpoint.Hit(ctx, failpoint.TypeTablesMade); err != nil {
		return err
	}
	if err := topics(t); err != nil {
		return err
	}
	if err := failpoint.Hit(ctx, failpoint.TypeTopicsMade); err != nil {
		return err
	}
	if err := setReady(ctx, s.pool, t.Code); err != nil {
		return err
	}
	return failpoint.Hit(ctx, failpoint.TypeReady)
}

// makeTables makes the tables of a type that is CREATING, and says so in the same transaction.
func makeTables(ctx context.Context, tx pgx.Tx, code string) error {
	t, err := lockType(ctx, tx, code)
	if err != nil || t.State != domain.TypeCreating {
		return err
	}
	const tables = `SELECT create_event_type_tables($1, $2)`
	if _, err := tx.Exec(ctx, tables, t.Code, string(t.Operation)); err != nil {
		return fmt.Errorf("make tables: %w", err)
	}
	t.State = domain.TypeTables
	if err := updateType(ctx, tx, t); err != nil {
		return err
	}
	return failpoint.Hit(ctx, failpoint.TypeTablesBeforeCommit)
}
