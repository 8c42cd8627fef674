package app

import (
	"context"
	"strings"

	"bestow/domain"
	"bestow/internal/english"

	"github.com/jackc/pgx/v5"
)

// limitsHint says who can let an event pass that its type's limits refuse.
const limitsHint = "check the amounts and their unit; only an administrator can raise the limit: `bestow type set`"

// largestOf returns the largest amount of the event's targets; 0 where its type has no limit for it.
func largestOf(ctx context.Context, tx pgx.Tx, e domain.Event) (int64, error) {
	if e.Type.Limits.PerMember == 0 {
		return 0, nil
	}
	largest, inexact, err := selectLargest(ctx, tx, []int64{e.ID})
	if err != nil || !inexact[e.ID] {
		return largest[e.ID], err
	}
	return selectLargestTarget(ctx, tx, e)
}

// limitsRefused refuses an event that passes a limit of its type, which may have been lowered since the import, and in
// production one whose type lacks a limit. largest is the largest amount of its targets.
func (d Deps) limitsRefused(e domain.Event, largest int64) error {
	lacks := "has no " + strings.Join(e.Type.Limits.Missing(), ", ")
	if e.Type.Limits.Seeded {
		lacks = "has only the limits that development gives"
	}
	if d.LimitsNeeded && (e.Type.Limits.Seeded || len(e.Type.Limits.Missing()) > 0) {
		return &domain.Error{Code: domain.LimitsMissing, Message: "event type " + e.Type.Code + " " + lacks,
			Hint: "an administrator sets the limits: `bestow type set " + e.Type.Code + "`, or PATCH /event-types/" + e.Type.Code}
	}
	over := e.Type.CheckTotals(e.TotalCount, e.TotalAmount)
	if e.Type.CheckAmount(largest) != "" {
		over = &domain.OverLimit{Limit: "max_per_member", Most: e.Type.Limits.PerMember, Asked: largest}
	}
	if over == nil {
		return nil
	}
	return overLimit(domain.PassesLimit, e.Type, over, "the event")
}

// overLimit says which limit is passed by what, and by how much.
func overLimit(code domain.Code, t domain.EventType, over *domain.OverLimit, what string) error {
	asked, most := t.Quantity(over.Asked), t.Quantity(over.Most)
	if over.Limit == "max_count" {
		asked, most = english.Count(over.Asked, "target"), english.Number(over.Most)
	}
	about := map[string]string{"max_per_member": "has a target with ", "max_per_event": "comes to ", "max_count": "has "}[over.Limit]
	return &domain.Error{Code: code, Message: what + " " + about + asked + ": " + over.Limit + " of " + t.Code + " is " + most,
		Hint: limitsHint, Over: over}
}

// judgeTotals refuses an upload with which the event, with what was imported before, passes a limit of its type.
func (im *importing) judgeTotals() error {
	over := im.event.Type.CheckTotals(im.event.TotalCount+im.load.accepted, im.event.TotalAmount+im.load.amount)
	if over == nil {
		return nil
	}
	return overLimit(domain.TotalOverLimit, im.event.Type, over, "with this list the event")
}
