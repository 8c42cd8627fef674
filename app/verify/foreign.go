package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// Ledgers are the ledgers of others, which are asked key by key what they granted.
type Ledgers interface {
	// Lookup says for each grant of e, in their order, whether it stands in the ledger: Granted, or nil where its key
	// is unknown; Contradicted where the key stands for another grant. It changes nothing.
	Lookup(ctx context.Context, e domain.Event, grants []domain.Grant) ([]*domain.Outcome, error)
}

// askFor is Config.AskFor unless it is set. A report holds a snapshot while it asks, which holds back VACUUM.
const askFor = 15 * time.Minute

// timedLedgers are ledgers that are asked until a time. Their error after it says so.
type timedLedgers struct {
	Ledgers

	until time.Time
	over  error
}

// asking returns ledgers that are asked for a time from now; nil for nil.
func asking(ledgers Ledgers, within time.Duration) Ledgers {
	if ledgers == nil {
		return nil
	}
	within = cmp.Or(within, askFor)
	return timedLedgers{ledgers, time.Now().Add(within), fmt.Errorf("the time in which a report asks other ledgers (%s) "+
		"is over; a report of one event asks for that event alone", within)}
}

// Lookup implements Ledgers.
func (l timedLedgers) Lookup(ctx context.Context, e domain.Event, grants []domain.Grant) ([]*domain.Outcome, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	left := time.Until(l.until)
	if left <= 0 {
		return nil, l.over
	}
	end := time.AfterFunc(left, func() { cancel(l.over) })
	defer end.Stop()
	found, err := l.Ledgers.Lookup(ctx, e, grants)
	if err != nil && errors.Is(context.Cause(ctx), l.over) {
		return nil, l.over
	}
	return found, err
}

// lookedUp says how many members are looked up at once, as many as the money protocol takes.
const lookedUp = 5000

// foreignEvent is an event that was started, of a type that another ledger grants.
type foreignEvent struct {
	ID     int64
	Status domain.Status
}

// foreignRow is what the tables say of a member of such an event.
type foreignRow struct {
	Member string
	Amount int64
	Status domain.ResultStatus // "": there is no result
	TxID   string
	Open   bool // a redrive of it was not answered yet
}

// compareForeign looks the members of events up in the ledgers of others. A ledger that cannot be asked is a gap. What
// such a ledger granted to members of no list cannot be seen.
func compareForeign(ctx context.Context, tx pgx.Tx, v *verification, f *finding) error {
	if v.ledgers == nil {
		return nil
	}
	for _, y := range v.tables {
		if y.ours || len(y.events) == 0 {
			continue
		}
		const query = `SELECT id, event_status FROM public.campaign_events
			WHERE event_type = $1 AND event_status <> 'PENDING' AND ($2::bigint IS NULL OR id = $2) ORDER BY id`
		rows, err := tx.Query(ctx, query, y.Code, v.event)
		if err != nil {
			return fmt.Errorf("read events of type %s: %w", y.Code, err)
		}
		events, err := pgx.CollectRows(rows, pgx.RowToStructByPos[foreignEvent])
		if err != nil {
			return fmt.Errorf("read events of type %s: %w", y.Code, err)
		}
		for i, e := range events {
			away, err := v.lookUpEvent(ctx, tx, y, e, f)
			if err != nil {
				return err
			}
			if away != nil {
				f.gaps = append(f.gaps, gapOf(fmt.Sprintf("the ledger %q could not be asked what it granted to events of "+
					"type %s: %v", y.Granter, y.Code, away), idsOf(events[i:])))
				break
			}
		}
	}
	return nil
}

func idsOf(events []foreignEvent) (ids []int64) {
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	return ids
}

// lookUpEvent looks up all members of an event. away says why the ledger could not be asked, nil if it was.
func (v *verification) lookUpEvent(ctx context.Context, tx pgx.Tx, y presentType, e foreignEvent,
	f *finding,
) (away, err error) {
	cursor := fmt.Sprintf(`DECLARE foreign_rows NO SCROLL CURSOR FOR
		SELECT t.member_id, t.amount, coalesce(r.status, ''), coalesce(r.money_tx_id, ''), coalesce(r.redrive > r.redrive_done, false)
		FROM %s t LEFT JOIN %s r ON r.event_id = t.event_id AND r.member_id = t.member_id
		WHERE t.event_id = %d`, inPublic(y.TargetTable()), inPublic(y.ResultTable()), e.ID)
	if _, err := tx.Exec(ctx, cursor); err != nil {
		return nil, fmt.Errorf("read members of event %d: %w", e.ID, err)
	}
	for away == nil {
		rows, err := tx.Query(ctx, fmt.Sprintf(`FETCH %d FROM foreign_rows`, lookedUp))
		if err != nil {
			return nil, fmt.Errorf("read members of event %d: %w", e.ID, err)
		}
		page, err := pgx.CollectRows(rows, pgx.RowToStructByPos[foreignRow])
		if err != nil {
			return nil, fmt.Errorf("read members of event %d: %w", e.ID, err)
		}
		if len(page) == 0 {
			break
		}
		if away, err = v.lookUp(ctx, y, e, page, f); err != nil {
			return nil, err
		}
	}
	if _, err := tx.Exec(ctx, `CLOSE foreign_rows`); err != nil {
		return nil, fmt.Errorf("read members of event %d: %w", e.ID, err)
	}
	return away, nil
}

// lookUp compares some members of an event with what the ledger says of them.
func (v *verification) lookUp(ctx context.Context, y presentType, e foreignEvent, page []foreignRow,
	f *finding,
) (away, err error) {
	grants := make([]domain.Grant, len(page))
	for i, r := range page {
		grants[i] = domain.Grant{MemberID: r.Member, Amount: r.Amount}
	}
	found, away := v.ledgers.Lookup(ctx, domain.Event{ID: e.ID, Type: y.EventType}, grants)
	if away != nil || ctx.Err() != nil {
		return away, ctx.Err()
	}
	for i, r := range page {
		said := r.differs(e, found[i])
		if said == "" {
			continue
		}
		if r.Status != domain.Succeeded {
			settled, err := v.settledSince(ctx, y, e.ID, r.Member)
			if err != nil {
				return nil, err
			}
			if settled {
				continue
			}
		}
		f.differ("event %d, member %s: %s", e.ID, r.Member, said)
	}
	return nil, f.measures.add("asked", int64(len(page)))
}

// differs says how a row differs from what the ledger holds under its key, "" if it does not. While an event runs, a
// grant may stand in the ledger and not in the row yet.
func (r foreignRow) differs(e foreignEvent, found *domain.Outcome) string {
	switch {
	case r.Status == domain.Succeeded && found == nil:
		return "SUCCESS, and the ledger does not know its key"
	case r.Status == domain.Succeeded && found.Verdict != domain.Granted:
		return "SUCCESS, and the ledger holds another grant: " + found.Message
	case r.Status == domain.Succeeded && found.TxID != r.TxID:
		return fmt.Sprintf("SUCCESS as %s, and the ledger holds %s", r.TxID, found.TxID)
	case r.Status != domain.Succeeded && found != nil && e.Status == domain.Completed && !r.Open:
		return fmt.Sprintf("the ledger granted it, and the result is %q", r.Status)
	}
	return ""
}

// settledSince reports whether a member was granted, or is asked for again, since the snapshot of the report was taken.
func (v *verification) settledSince(ctx context.Context, y presentType, event int64, member string,
) (since bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	query := fmt.Sprintf(`SELECT EXISTS (SELECT FROM %s.%s WHERE event_id = $1 AND member_id = $2
		AND (status = 'SUCCESS' OR redrive > redrive_done))`, pg.Quoted(v.schema), pg.Quoted(y.ResultTable()))
	if err := v.pool.QueryRow(ctx, query, event, member).Scan(&since); err != nil {
		return false, fmt.Errorf("read result of event %d: %w", event, err)
	}
	return since, nil
}
