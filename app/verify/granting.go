package verify

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// Amounts sums up one event in its ledger's smallest unit, as Totals does in targets.
type Amounts struct {
	Targets int64  `json:"targets"`
	Success int64  `json:"success"`
	Fail    int64  `json:"fail"`             // given up for good
	Ledger  *int64 `json:"ledger,omitempty"` // saves; nil where the ledger is not ours
}

// GivenUp counts the members of an event who were given up for one error code.
type GivenUp struct {
	ErrorCode string `json:"error_code"` // unknown: there was none
	Count     int64  `json:"count"`
	Amount    int64  `json:"amount"`
}

// ImportedList is a member list that was imported into an event.
type ImportedList struct {
	ImportID int64     `json:"import_id"`
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	Accepted int64     `json:"accepted"` // rows that are targets
	Rejected int64     `json:"rejected"`
	Amount   int64     `json:"amount"` // of the accepted rows
	SHA256   string    `json:"sha256"` // of the file's bytes, in hex
}

// granting is what a report of one event says beside its invariants.
type granting struct {
	amounts Amounts
	reasons []GivenUp
	lists   []ImportedList
}

// addGranting reads what a report of one event says beside its invariants. What cannot be read, since a forger left a
// table that no code of ours makes, is left out: the invariants name it.
func (v *verification) addGranting(ctx context.Context, tx pgx.Tx) error {
	if v.event == nil || len(v.taken) > 0 {
		return nil
	}
	savepoint, err := tx.Begin(ctx)
	if err != nil {
		return fmt.Errorf("read granting: %w", err)
	}
	g, err := v.readGranting(ctx, savepoint)
	if err == nil {
		v.granting = g
		return savepoint.Commit(ctx)
	}
	if ctx.Err() != nil || pg.Unavailable(err) || tx.Conn().IsClosed() {
		return err
	}
	return savepoint.Rollback(ctx)
}

func (v *verification) readGranting(ctx context.Context, tx pgx.Tx) (g *granting, err error) {
	g = &granting{}
	for _, run := range v.tables.runs(perType) {
		if err := g.addType(ctx, tx, *v.event, run); err != nil {
			return nil, err
		}
	}
	const lists = `SELECT id, created_at, created_by, accepted, rejected, total_amount, sha256 FROM public.imports
		WHERE event_id = $1 AND accepted > 0 ORDER BY id`
	rows, err := tx.Query(ctx, lists, v.event)
	if err != nil {
		return nil, fmt.Errorf("read lists: %w", err)
	}
	g.lists, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (l ImportedList, err error) {
		var sum []byte
		err = row.Scan(&l.ImportID, &l.At, &l.By, &l.Accepted, &l.Rejected, &l.Amount, &sum)
		l.At, l.SHA256 = l.At.UTC(), hex.EncodeToString(sum)
		return l, err
	})
	if err != nil {
		return nil, fmt.Errorf("read lists: %w", err)
	}
	return g, nil
}

// addType adds the results of one type. An event has those of its own type only.
func (g *granting) addType(ctx context.Context, tx pgx.Tx, event int64, run binding) error {
	query := `SELECT code, count(*), sum(amount)::bigint FROM (
			SELECT amount, CASE WHEN status = 'SUCCESS' THEN '' ELSE coalesce(nullif(error_code, ''), 'unknown') END AS code
			FROM ` + run.results + ` WHERE event_id = $1 AND status IN ('SUCCESS', 'PERMANENTLY_FAILED')) r
		GROUP BY code ORDER BY 2 DESC, code`
	rows, err := tx.Query(ctx, query, event)
	if err != nil {
		return fmt.Errorf("read reasons: %w", err)
	}
	reasons, err := pgx.CollectRows(rows, pgx.RowToStructByPos[GivenUp])
	if err != nil {
		return fmt.Errorf("read reasons: %w", err)
	}
	for _, r := range reasons {
		if r.ErrorCode == "" { // granted
			g.amounts.Success += r.Amount
			continue
		}
		g.amounts.Fail += r.Amount
		g.reasons = append(g.reasons, r)
	}
	return nil
}

// amountsOf returns the event's sums with those that the invariants measured.
func (v *verification) amountsOf(g granting) Amounts {
	a := g.amounts
	for i, inv := range v.list {
		m := v.found[i].measures
		switch {
		case inv.id == "I3" && v.foreign == "":
			saves := m.get("saves_sum")
			a.Ledger = &saves
		case inv.id == "I7":
			a.Targets = m.get("targets_sum")
		}
	}
	return a
}
