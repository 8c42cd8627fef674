package lists

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"bestow/app/command"
	"bestow/app/eventrow"
	"bestow/app/memberlist"
	"bestow/domain"
	"bestow/internal/pg"
	"bestow/internal/places"

	"github.com/jackc/pgx/v5"
)

// Target is one member of an event's list.
type Target struct {
	ID            int64
	MemberID      string
	Amount        int64
	Reason        *string // nil: the event's default
	PublishStatus string
	PartitionKey  int
}

// TargetFilter narrows the targets of an event, in the order of their members.
type TargetFilter struct {
	PublishStatus string // "" for all
	MemberID      string // in any form that the import brings to the same id; "" for all
	After         string // only members behind this one; "" from the first
	Limit         int    // 0: all
}

// Targets returns the targets that f lets through, by member, at most f.Limit of them. A page far down costs what the
// first one costs. Error: domain.NotFound.
func (s *Lists) Targets(ctx context.Context, eventID int64, f TargetFilter) ([]Target, error) {
	return pg.ValueWithin(ctx, s.pool, pg.ReadWait, func(tx pgx.Tx) (list []Target, err error) {
		e, err := eventrow.Select(ctx, tx, eventID)
		if err != nil {
			return nil, err
		}
		err = eachTarget(ctx, tx, e, f, func(t Target) error {
			list = append(list, t)
			return nil
		})
		return list, err
	})
}

// ExportTargets hands every target that f lets through to each, by member, all of one moment. f.Limit does not count.
// Its memory does not grow with their number. The audit keeps who takes the list away. Errors: domain.NotFound,
// Unavailable while too many lists are exported, and what each returns.
func (s *Lists) ExportTargets(
	ctx context.Context, who Taking, eventID int64, f TargetFilter, each func(Target) error,
) error {
	f.Limit = 0
	return s.export(ctx, who, eventID, "targets", func(tx pgx.Tx, e domain.Event) error {
		return eachTarget(ctx, tx, e, f, each)
	})
}

func eachTarget(ctx context.Context, tx pgx.Tx, e domain.Event, f TargetFilter, each func(Target) error) error {
	where, args := []string{"event_id = $1", "member_id > $2"}, []any{e.ID, f.After}
	if f.PublishStatus != "" {
		args = append(args, f.PublishStatus)
		where = append(where, "publish_status = $"+strconv.Itoa(len(args)))
	}
	if f.MemberID != "" {
		args = append(args, memberlist.Spellings(f.MemberID))
		where = append(where, "member_id = ANY ($"+strconv.Itoa(len(args))+")")
	}
	query := `SELECT id, member_id, amount, reason, publish_status, partition_key FROM ` +
		pg.Quoted(e.Type.TargetTable()) + ` WHERE ` + strings.Join(where, " AND ") + ` ORDER BY member_id` + limitClause(f.Limit)
	return eachRow(ctx, tx, query, args, each)
}

// limitClause is the clause of a limit, "" for 0.
func limitClause(limit int) string {
	if limit == 0 {
		return ""
	}
	return ` LIMIT ` + strconv.Itoa(limit)
}

// eachRow hands every row to each while it arrives.
func eachRow[T any](ctx context.Context, tx pgx.Tx, query string, args []any, each func(T) error) error {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("list: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		row, err := pgx.RowToStructByPos[T](rows)
		if err != nil {
			return fmt.Errorf("list: %w", err)
		}
		if err := each(row); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("list: %w", err)
	}
	return nil
}

// maxExports is how many lists a process exports at one time: each holds a connection for as long as its client reads.
// The others wait for exportWait, in the order in which they came.
const (
	maxExports = 3
	exportWait = 15 * time.Second
)

// Taking says who takes a list of an event away.
type Taking struct {
	By     command.Caller
	Ending <-chan struct{} // is closed when the process stops: an export that waits for its turn is refused then; or nil
}

// recordExport keeps for the audit who takes a list of an event away. Error: domain.NotFound.
func (s *Lists) recordExport(ctx context.Context, by command.Caller, eventID int64, what string) error {
	return pg.InTxWithin(ctx, s.pool, pg.ReadWait, func(tx pgx.Tx) error {
		if _, err := eventrow.Select(ctx, tx, eventID); err != nil {
			return err
		}
		return command.Record(ctx, tx, by, command.Change{
			Action: what + ".export", EventID: eventID, Object: fmt.Sprintf("%s of event %d", what, eventID),
		})
	})
}

// export records that the list is taken away, and runs do on one snapshot, which the event is read from too.
func (s *Lists) export(
	ctx context.Context, who Taking, eventID int64, what string, do func(pgx.Tx, domain.Event) error,
) error {
	leave, err := s.enter(ctx, who)
	if err != nil {
		return err
	}
	defer leave()
	if err := s.recordExport(ctx, who.By, eventID, what); err != nil { // one that got no place takes nothing away
		return err
	}
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return pgx.BeginTxFunc(ctx, s.pool, options, func(tx pgx.Tx) error {
		e, err := eventrow.Select(ctx, tx, eventID)
		if err != nil {
			return err
		}
		return do(tx, e)
	})
}

// enter takes one of the process's places for exports.
func (s *Lists) enter(ctx context.Context, who Taking) (leave func(), err error) {
	leave, err = s.exports.Take(ctx, who.By.Actor, places.Wait{AtMost: s.wait, Ending: who.Ending})
	const hint = "ask again in a minute"
	switch {
	case errors.Is(err, places.ErrStopping):
		err = domain.UnavailableError("this process stops", "ask again")
	case errors.Is(err, places.ErrShare):
		err = domain.UnavailableError("too many lists are being exported for you", hint)
	case errors.Is(err, places.ErrFull):
		err = domain.UnavailableError("too many lists are being exported", hint)
	case errors.Is(err, places.ErrQueue):
		err = domain.UnavailableError("too many exports wait for their turn", hint)
	}
	return leave, err
}
