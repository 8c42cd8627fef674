package lists

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"bestow/app/command"
	"bestow/app/eventrow"
	"bestow/app/memberlist"
	"bestow/domain"
	"bestow/internal/pg"

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
// Its memory does not grow with their number. Errors: domain.NotFound, Unavailable while too many lists are exported,
// and what each returns.
func (s *Lists) ExportTargets(ctx context.Context, eventID int64, f TargetFilter, each func(Target) error) error {
	f.Limit = 0
	return s.export(ctx, eventID, func(tx pgx.Tx, e domain.Event) error { return eachTarget(ctx, tx, e, f, each) })
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

// RecordExport keeps for the audit who takes a list of an event away. Error: domain.NotFound.
func (s *Lists) RecordExport(ctx context.Context, by command.Caller, eventID int64, what string) error {
	return pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := eventrow.Select(ctx, tx, eventID); err != nil {
			return err
		}
		return command.Record(ctx, tx, by, command.Change{
			Action: what + ".export", EventID: eventID, Object: fmt.Sprintf("%s of event %d", what, eventID),
		})
	})
}

// export runs do on one snapshot, which the event is read from too.
func (s *Lists) export(ctx context.Context, eventID int64, do func(pgx.Tx, domain.Event) error) error {
	select {
	case s.exports <- struct{}{}:
		defer func() { <-s.exports }()
	case <-time.After(s.wait):
		return domain.UnavailableError("too many lists are being exported", "ask again in a minute")
	case <-ctx.Done():
		return fmt.Errorf("wait for a place: %w", ctx.Err())
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
