package app

import (
	"context"
	"fmt"
	"time"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
)

// Warning is what an import noticed and did not refuse: a person should look before the event starts.
type Warning struct {
	Code    domain.Code
	Text    string     // for people
	Line    int64      // of the row that it is about; 0 for none
	EventID int64      // of [ListSeen]: the event that has the same list
	At      *time.Time // of [ListSeen]: when it was imported there; of domain.Missed: the reserved moment
}

// ListSeen is the code of a warning: the same file was imported before.
const ListSeen domain.Code = "list_seen"

// maxSeen is how many earlier imports of the same file are named.
const maxSeen = 5

// listSeen warns of earlier imports of the same bytes, newest first. An import that is not committed yet is not seen.
func (im *importing) listSeen(ctx context.Context, tx pgx.Tx) ([]Warning, error) {
	const query = `SELECT i.event_id, i.created_at, e.campaign_id FROM imports i JOIN campaign_events e ON e.id = i.event_id
		WHERE i.sha256 = $1 ORDER BY i.id DESC LIMIT $2`
	rows, err := tx.Query(ctx, query, im.body.sum(), maxSeen)
	if err != nil {
		return nil, fmt.Errorf("look for the same list: %w", err)
	}
	warnings, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Warning, error) {
		w := Warning{Code: ListSeen}
		var campaign string
		err := row.Scan(&w.EventID, &w.At, &campaign)
		w.Text = fmt.Sprintf("the same file was imported into event %d (%s) before", w.EventID, campaign)
		return w, err
	})
	if err != nil {
		return nil, fmt.Errorf("look for the same list: %w", err)
	}
	if len(warnings) == 0 {
		return nil, nil
	}
	return warnings, nil
}

// missed warns of a reserved moment that passed before the event had a list.
func (im *importing) missed(ctx context.Context, tx pgx.Tx) ([]Warning, error) {
	e, err := selectEvent(ctx, tx, im.event.ID)
	if err != nil || !e.Missed {
		return nil, err
	}
	return []Warning{{Code: domain.Missed, Text: missedText, At: e.ReservationAt}}, nil
}

// missedText says what becomes of an event whose moment passed before it had a list.
const missedText = "reservation_at passed before the event had a list, so it does not start by itself: start it, or give it another reservation_at"
