package imports

import (
	"context"
	"fmt"
	"slices"
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

// keptWarning is a Warning as event_facts keeps it.
type keptWarning struct {
	Code    domain.Code `json:"code"`
	Text    string      `json:"text"`
	Line    int64       `json:"line,omitzero"`
	EventID int64       `json:"event_id,omitzero"`
	At      *time.Time  `json:"at,omitempty"`
}

// finish adds all that a person should know, and keeps it with what the pass found.
func (im *importing) finish(ctx context.Context, tx pgx.Tx, result Result) (_ Result, err error) {
	if result.Warnings, err = im.warn(ctx, tx, result.Warnings); err != nil || im.upload.DryRun {
		return result, err
	}
	return result, insertFacts(ctx, tx, result, im.upload.FileName, im.facts())
}

// warn returns all that a person should know of the import, and of the lists before it.
func (im *importing) warn(ctx context.Context, tx pgx.Tx, before []Warning) ([]Warning, error) {
	missed, err := im.missed(ctx, tx)
	if err != nil {
		return nil, err
	}
	expired, err := im.expired(ctx, tx)
	if err != nil {
		return nil, err
	}
	lost, err := im.lostZeros(ctx, tx)
	return slices.Concat(missed, expired, warnings(im.rows.Notices()), before,
		warnings(im.load.look.Notices(lost))), err
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
	return []Warning{{
		Code: domain.Expired, At: im.event.ExpiryAt,
		Text: "expiry_at has passed, so the event does not start: give it another expiry_at, or none",
	}}, nil
}

// missed warns of a reserved moment that passed before the event had a list.
func (im *importing) missed(ctx context.Context, tx pgx.Tx) ([]Warning, error) {
	e, err := eventrow.Select(ctx, tx, im.event.ID)
	if err != nil || !e.Missed {
		return nil, err
	}
	return []Warning{{Code: domain.Missed, Text: obstacle.MissedText, At: e.ReservationAt}}, nil
}

// lostZeros warns of ids that are in the event with and without zeros at their beginning, and of ids that are shorter
// than those that begin with 0. The event's members are asked for only where zeros may be lost.
func (im *importing) lostZeros(ctx context.Context, tx pgx.Tx) ([]memberlist.Notice, error) {
	pairs := im.load.look.Pairs(im.event.TotalCount > 0)
	found, err := im.selectMembers(ctx, tx, pairs.Others)
	if err != nil {
		return nil, err
	}
	return im.load.look.LostZeros(pairs, found), nil
}

// selectMembers returns the numbers of those ids that are members of the event. It asks for them one by one in the
// index of members, since a plan for all of them may read the whole event.
func (im *importing) selectMembers(ctx context.Context, tx pgx.Tx, ids []string) ([]int32, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	query := `SELECT id.at::int - 1 FROM unnest($2::text[]) WITH ORDINALITY id (member_id, at) CROSS JOIN LATERAL (
		SELECT FROM ` + pg.Quoted(im.event.Type.TargetTable()) + ` target
		WHERE target.event_id = $1 AND target.member_id = id.member_id LIMIT 1) found`
	rows, err := tx.Query(ctx, query, im.event.ID, ids)
	if err != nil {
		return nil, fmt.Errorf("look for ids without their zeros: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		return nil, fmt.Errorf("look for ids without their zeros: %w", err)
	}
	return found, nil
}
