package imports

import (
	"context"
	"time"

	"bestow/app/eventrow"
	"bestow/app/memberlist"
	"bestow/app/obstacle"
	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// Warning holds what an import noticed and did not refuse: a person should look before the event starts.
type Warning struct {
	Code    domain.Code
	Text    string     // for people
	Line    int64      // of the row that it is about; 0 for none
	EventID int64      // of [ListSeen] and [ListAlike]: the event that has the list
	At      *time.Time // of [ListSeen] and [ListAlike]: when it was imported there; of domain.Missed and Expired: the moment
}

// warnings returns what the reading of a list noticed.
func warnings(notices []memberlist.Notice) []Warning {
	all := make([]Warning, len(notices))
	for i, n := range notices {
		all[i] = Warning{Code: n.Code, Text: n.Text, Line: n.Line}
	}
	return all
}

// expired warns of an event whose every grant would be refused as expired: it does not start like this.
func (im *importing) expired(ctx context.Context, tx pgx.Tx) ([]Warning, error) {
	now, err := pg.Now(ctx, tx)
	if at := im.event.ExpiryAt; err != nil || at == nil || at.After(now) {
		return nil, err
	}
	return []Warning{{Code: domain.Expired, At: im.event.ExpiryAt,
		Text: "expiry_at has passed, so the event does not start: give it another expiry_at, or none"}}, nil
}

// missed warns of a reserved moment that passed before the event had a list.
func (im *importing) missed(ctx context.Context, tx pgx.Tx) ([]Warning, error) {
	e, err := eventrow.Select(ctx, tx, im.event.ID)
	if err != nil || !e.Missed {
		return nil, err
	}
	return []Warning{{Code: domain.Missed, Text: obstacle.MissedText, At: e.ReservationAt}}, nil
}
