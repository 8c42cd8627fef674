package lists

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"bestow/app/eventrow"
	"bestow/app/memberlist"
	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// Result holds what became of one member of an event, as its row says. The secret of a voucher is not part of it.
type Result struct {
	MemberID     string
	Amount       int64
	Status       domain.ResultStatus
	ErrorCode    string // of the last refusal; "" for none
	ErrorMessage string // of the last refusal, in the ledger's words
	RetryCount   int    // how often the ledger refused; a redrive does not count
	MoneyTxID    string // the ledger's entry; "" while there is none
	UpdatedAt    time.Time
}

// ResultFilter narrows the results of an event, in the order of their members.
type ResultFilter struct {
	Status    domain.ResultStatus // ResultNone for all
	ErrorCode string              // "" for all
	MemberID  string              // in any form that the import brings to the same id; "" for all
	After     string              // only members behind this one; "" from the first
	Limit     int                 // 0: all
}

// Results returns the results that f lets through, by member, at most f.Limit of them. A page far down costs what the
// first one costs, since the index of members gives the place. Error: domain.NotFound.
func (s *Lists) Results(ctx context.Context, eventID int64, f ResultFilter) ([]Result, error) {
	return pg.ValueWithin(ctx, s.pool, pg.ReadWait, func(tx pgx.Tx) ([]Result, error) {
		e, err := eventrow.Select(ctx, tx, eventID)
		if err != nil {
			return nil, err
		}
		return selectResults(ctx, tx, e, f)
	})
}

// ExportResults hands every result that f lets through to each, by member, all of one moment. f.Limit does not count.
// Errors as of ExportTargets.
func (s *Lists) ExportResults(
	ctx context.Context, who Taking, eventID int64, f ResultFilter, each func(Result) error,
) error {
	f.Limit = 0
	return s.export(ctx, who, eventID, "results", func(tx pgx.Tx, e domain.Event) error {
		query, args := f.query(e)
		return eachRow(ctx, tx, query, args, each)
	})
}

func selectResults(ctx context.Context, tx pgx.Tx, e domain.Event, f ResultFilter) ([]Result, error) {
	query, args := f.query(e)
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list results: %w", err)
	}
	results, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Result])
	if err != nil {
		return nil, fmt.Errorf("list results: %w", err)
	}
	return results, nil
}

// query asks only for what is narrowed, so that the plan of each question fits it: status <> 'SUCCESS' makes the index
// of what is open usable, which a parameter alone would not.
func (f ResultFilter) query(e domain.Event) (query string, args []any) {
	where := []string{"event_id = $1", "member_id > $2"}
	args = []any{e.ID, f.After}
	narrow := func(column, value string) {
		if value != "" {
			args = append(args, value)
			where = append(where, column+" = $"+strconv.Itoa(len(args)))
		}
	}
	narrow("status", string(f.Status))
	narrow("error_code", f.ErrorCode)
	if f.MemberID != "" {
		args = append(args, memberlist.Spellings(f.MemberID))
		where = append(where, "member_id = ANY ($"+strconv.Itoa(len(args))+")")
	}
	if f.Status != domain.ResultNone && f.Status != domain.Succeeded {
		where = append(where, "status <> 'SUCCESS'")
	}
	return `SELECT member_id, amount, status, coalesce(error_code, ''), coalesce(error_message, ''), retry_count,
			coalesce(money_tx_id, ''), updated_at
		FROM ` + pg.Quoted(e.Type.ResultTable()) + ` WHERE ` + strings.Join(where, " AND ") + `
		ORDER BY member_id` + limitClause(f.Limit), args
}
