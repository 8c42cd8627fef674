package imports

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
)

// The codes of warnings about lists of before.
const (
	ListSeen  domain.Code = "list_seen"  // the same file, or the same members with the same amounts
	ListAlike domain.Code = "list_alike" // more than half of the members are the same
)

const (
	// maxSeen is the number of events that are named with each of the two codes.
	maxSeen = 5
	// alike is the share of members from which on a list is named.
	alike = 0.5
	// maxCompared says how many events with members in common are compared, the newest first.
	maxCompared = 50
)

// listsBefore warns of lists that were imported before and have not been deleted, newest first: those that are the
// same, and those of other events that have most of the members. An import that is not committed yet is not seen.
func (im *importing) listsBefore(ctx context.Context, tx pgx.Tx) ([]Warning, error) {
	files, err := im.selectSameLists(ctx, tx)
	if err != nil {
		return nil, err
	}
	whole, err := im.selectSameEvents(ctx, tx)
	if err != nil {
		return nil, err
	}
	var warnings []Warning
	named := map[int64]bool{}
	add := func(code domain.Code, l earlierList, text string) {
		if !named[l.eventID] {
			named[l.eventID] = true
			warnings = append(warnings, Warning{Code: code, EventID: l.eventID, At: &l.at, Text: text})
		}
	}
	for _, l := range files {
		what := "the same members and amounts were"
		if l.sameFile {
			what = "the same file was"
		}
		add(ListSeen, l, fmt.Sprintf("%s imported into event %d (%s) before", what, l.eventID, l.campaign))
	}
	for _, l := range whole {
		add(ListSeen, l, fmt.Sprintf("event %d (%s) has the same members and amounts as this one with this list",
			l.eventID, l.campaign))
	}
	others, err := im.alike(ctx, tx)
	for _, l := range others {
		add(ListAlike, l, fmt.Sprintf("event %d (%s) has most of the members too: about %.0f %% of both lists together",
			l.eventID, l.campaign, l.share*100))
	}
	return warnings, err
}

// earlierList is a list of before, or all lists of an event.
type earlierList struct {
	eventID  int64
	campaign string
	at       time.Time // of the newest import
	sameFile bool
	mark     listMark // its sample only
	share    float64
}

// alike returns the newest events of which more than half of the members are in this event too, with this list.
func (im *importing) alike(ctx context.Context, tx pgx.Tx) ([]earlierList, error) {
	lists, err := im.selectSamples(ctx, tx)
	if err != nil {
		return nil, err
	}
	own := listMark{sample: slices.Clone(im.load.mark.sample)}
	events := map[int64]*earlierList{}
	for _, l := range lists {
		switch e := events[l.eventID]; {
		case l.eventID == im.event.ID:
			own.merge(l.mark.sample)
		case e == nil:
			events[l.eventID] = &l
		default:
			e.mark.merge(l.mark.sample)
		}
	}
	var found []earlierList
	for _, e := range events {
		if e.share = share(own.sample, e.mark.sample); e.share > alike {
			found = append(found, *e)
		}
	}
	slices.SortFunc(found, func(a, b earlierList) int { return int(b.eventID - a.eventID) })
	return found[:min(len(found), maxSeen)], nil
}

// selectSameLists lists the newest imports of the same bytes, or of the same members with the same amounts.
func (im *importing) selectSameLists(ctx context.Context, tx pgx.Tx) ([]earlierList, error) {
	const query = `SELECT i.event_id, e.campaign_id, i.created_at, i.sha256 = $1
		FROM imports i JOIN campaign_events e ON e.id = i.event_id
		WHERE i.sha256 = $1 OR i.list_sum = $2 AND i.accepted = $3 ORDER BY i.id DESC LIMIT $4`
	rows, err := tx.Query(ctx, query, im.body.sum(), int64(im.load.mark.sum), im.load.accepted, maxSeen)
	return collectLists(rows, err, func(row pgx.CollectableRow) (l earlierList, err error) {
		err = row.Scan(&l.eventID, &l.campaign, &l.at, &l.sameFile)
		return l, err
	})
}

// selectEarlier returns the newest import of the same bytes into this event, 0 for none, and how many rows it rejected.
func (im *importing) selectEarlier(ctx context.Context, tx pgx.Tx) (id int64, rejected int, err error) {
	const query = `SELECT id, rejected FROM imports WHERE event_id = $1 AND sha256 = $2 ORDER BY id DESC LIMIT 1`
	err = tx.QueryRow(ctx, query, im.event.ID, im.body.sum()).Scan(&id, &rejected)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, 0, fmt.Errorf("look for the same file: %w", err)
	}
	return id, rejected, nil
}

// selectSameEvents lists the newest other events whose lists have together what this event has with this list.
func (im *importing) selectSameEvents(ctx context.Context, tx pgx.Tx) ([]earlierList, error) {
	const query = `WITH own AS (SELECT coalesce(sum(list_sum), 0) + $2::bigint AS sum FROM imports WHERE event_id = $1)
		SELECT e.id, e.campaign_id, max(i.created_at) FROM own, campaign_events e JOIN imports i ON i.event_id = e.id
		WHERE e.id <> $1 AND e.total_count = $3 AND e.total_amount = $4
		GROUP BY e.id, own.sum HAVING (sum(i.list_sum) - own.sum) % 18446744073709551616 = 0
		ORDER BY e.id DESC LIMIT $5`
	rows, err := tx.Query(ctx, query, im.event.ID, int64(im.load.mark.sum), im.event.TotalCount+im.load.accepted,
		im.event.TotalAmount+im.load.amount, maxSeen)
	return collectLists(rows, err, func(row pgx.CollectableRow) (l earlierList, err error) {
		err = row.Scan(&l.eventID, &l.campaign, &l.at)
		return l, err
	})
}

// selectSamples lists, newest first, the imports of the newest events that have a member of this list's sample, and of
// this event.
func (im *importing) selectSamples(ctx context.Context, tx pgx.Tx) ([]earlierList, error) {
	const query = `SELECT i.event_id, e.campaign_id, i.created_at, i.member_sample
		FROM imports i JOIN campaign_events e ON e.id = i.event_id
		WHERE i.event_id = $1 OR i.event_id IN (
			SELECT event_id FROM imports WHERE member_sample && $2 AND event_id <> $1
			GROUP BY event_id ORDER BY event_id DESC LIMIT $3)
		ORDER BY i.id DESC`
	rows, err := tx.Query(ctx, query, im.event.ID, signed(im.load.mark.sample), maxCompared)
	return collectLists(rows, err, func(row pgx.CollectableRow) (l earlierList, err error) {
		var sample []int64
		err = row.Scan(&l.eventID, &l.campaign, &l.at, &sample)
		l.mark.sample = unsigned(sample)
		return l, err
	})
}

func collectLists(rows pgx.Rows, err error, scan pgx.RowToFunc[earlierList]) ([]earlierList, error) {
	if err != nil {
		return nil, fmt.Errorf("look for the same list: %w", err)
	}
	lists, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("look for the same list: %w", err)
	}
	return lists, nil
}
