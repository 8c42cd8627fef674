package app

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"bestow/app/eventrow"
	"bestow/app/obstacle"
	"bestow/domain"

	"github.com/jackc/pgx/v5"
	"golang.org/x/text/unicode/norm"
)

// The limits of an event's fields, in characters and in numbers.
const (
	maxCampaignID = 50
	maxEventName  = 100
	maxPartitions = 64
)

// normal brings the texts to NFC, so that what looks the same is the same.
func (n NewEvent) normal() NewEvent {
	n.CampaignID, n.DefaultReason = norm.NFC.String(n.CampaignID), norm.NFC.String(n.DefaultReason)
	n.Name = norm.NFC.String(n.Name)
	return n
}

// conditions hold what a definition is judged by.
type conditions struct {
	types  map[string]domain.EventType
	making string // why no event can be made of a type that is there
	rule   obstacle.LedgerRule
	now    time.Time     // by the database's clock
	before *domain.Event // the event that is edited; nil: a new one
}

// expiryTime is when an expiry must be ahead. One that is not changed was right when the event was made.
func (c conditions) expiryTime(n NewEvent) time.Time {
	if c.before != nil && n.ExpiryAt != nil && c.before.ExpiryAt != nil && n.ExpiryAt.Equal(*c.before.ExpiryAt) {
		return c.before.CreatedAt
	}
	return c.now
}

// check returns domain.Invalid with every field that cannot be.
func (n NewEvent) check(c conditions) error {
	f := domain.Faults(slices.Clone(n.Unread))
	f.Add("campaign_id", checkCampaignID(n.CampaignID, c.before))
	f.Add("name", domain.CheckText(n.Name, maxEventName))
	f.Add("event_type", cmp.Or(c.making, checkType(n.EventType, c.types)))
	f.Add("default_reason", checkReason(n.DefaultReason, c.before))
	if n.DefaultAmount != nil && *n.DefaultAmount <= 0 {
		f.Add("default_amount", "must be 1 or more")
	}
	f.Add("default_amount", checkDefaultAmount(n, c))
	if n.Partitions != nil && (*n.Partitions < 1 || *n.Partitions > maxPartitions) {
		f.Add("partition_count", "must be 1 to "+strconv.Itoa(maxPartitions))
	}
	if p := n.ReservationPriority; p != nil && (*p < math.MinInt32 || *p > math.MaxInt32) {
		f.Add("reservation_priority", "must be -2147483648 to 2147483647")
	}
	if n.ReservationAt != nil && n.ReservationAt.Nanosecond() != 0 {
		f.Add("reservation_at", "must be in whole seconds")
	}
	f.Add("reservation_at", checkYear(n.ReservationAt))
	f.Add("reservation_at", checkReservation(n.ReservationAt, c))
	f.Add("expiry_at", checkExpiry(n.ExpiryAt, n.ReservationAt, c.expiryTime(n)))
	addLedgers(&f, n, c)
	return f.Refusal("the event cannot be like this")
}

// addLedgers adds what the ledger would refuse of every grant. It is asked about one field at a time, so that its
// answer names the field, and about the longest key.
func addLedgers(f *domain.Faults, n NewEvent, c conditions) {
	t, known := c.types[n.EventType]
	if !known || c.rule == nil {
		return
	}
	usual := domain.Grant{MemberID: "m", Amount: 1}
	ask := func(name string, expiry *time.Time, g domain.Grant) {
		_, message := c.rule(domain.Event{ID: math.MaxInt64, Type: t, ExpiryAt: expiry}, g, c.expiryTime(n))
		f.Add(name, message)
	}
	ask("event_type", nil, usual)
	ask("expiry_at", n.ExpiryAt, usual)
	if n.DefaultAmount != nil {
		ask("default_amount", nil, domain.Grant{MemberID: usual.MemberID, Amount: *n.DefaultAmount})
	}
	ask("default_reason", nil, domain.Grant{MemberID: usual.MemberID, Amount: usual.Amount, Reason: n.DefaultReason})
}

// checkCampaignID leaves the id of an event alone that an older version made under another rule.
func checkCampaignID(id string, before *domain.Event) string {
	if before != nil && id == before.CampaignID {
		return ""
	}
	return domain.CheckName(id, maxCampaignID)
}

// checkReason leaves a reason alone that an older version took.
func checkReason(reason string, before *domain.Event) string {
	if before != nil && reason == before.DefaultReason {
		return ""
	}
	return domain.CheckDefaultReason(reason)
}

// whyNotReady says of a type that is there and is not ready why no event can be made of it.
func whyNotReady(
	ctx context.Context, tx pgx.Tx, code string, ready map[string]domain.EventType,
) (string, error) {
	if _, is := ready[code]; is {
		return "", nil
	}
	all, err := eventrow.AllTypes(ctx, tx)
	if err != nil {
		return "", err
	}
	for _, t := range all {
		switch {
		case t.Code != code:
		case t.State == domain.TypeRetired:
			return "is RETIRED, and takes no new events: `bestow type set " + code + " --state READY` takes it back", nil
		default:
			return "is still being made: wait until `bestow type list` or GET /event-types shows it as READY", nil
		}
	}
	return "", nil
}

func checkType(code string, types map[string]domain.EventType) string {
	if _, known := types[code]; known {
		return ""
	}
	return "must be one of " + strings.Join(slices.Sorted(maps.Keys(types)), ", ")
}

// checkDefaultAmount leaves an amount alone that the event had before under the same type: what would take it is
// checked too.
func checkDefaultAmount(n NewEvent, c conditions) string {
	if c.before != nil && n.amount() == c.before.DefaultAmount && n.EventType == c.before.Type.Code {
		return ""
	}
	return c.types[n.EventType].CheckAmount(n.amount())
}

// checkYear refuses what RFC 3339 cannot say in UTC.
func checkYear(t *time.Time) string {
	if t != nil && (t.UTC().Year() < 1 || t.UTC().Year() > 9999) {
		return "is not in the years 1 to 9999 of UTC"
	}
	return ""
}

// reservationGrace says how far a new reservation_at may lie behind: "now" in whole seconds has begun already, and a
// request takes its time.
const reservationGrace = 5 * time.Second

// checkReservation refuses a moment that has passed, unless the event had it before.
func checkReservation(at *time.Time, c conditions) string {
	unchanged := c.before != nil && c.before.ReservationAt != nil && at != nil && at.Equal(*c.before.ReservationAt)
	if at == nil || unchanged || !at.Before(c.now.Add(-reservationGrace)) {
		return ""
	}
	return "is in the past: give a moment ahead, or leave it out to start by hand"
}

func checkExpiry(expiry, reservation *time.Time, now time.Time) string {
	switch {
	case expiry == nil:
		return ""
	case checkYear(expiry) != "":
		return checkYear(expiry) + "; leave it out for never"
	case !expiry.After(now):
		return "is in the past"
	case reservation != nil && !expiry.After(*reservation):
		return "is not after reservation_at"
	}
	return ""
}
