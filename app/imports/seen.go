package imports

import (
	"context"
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
