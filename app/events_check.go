package app

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"bestow/domain"
)

// The limits of an event's fields, in characters and in numbers.
const (
	maxCampaignID = 50
	maxReason     = 500
	maxPartitions = 64
)

// check returns domain.Invalid with every field that cannot be. now is the database's time.
func (n NewEvent) check(types map[string]domain.EventType, now time.Time) error {
	f := fields(slices.Clone(n.Unread))
	f.add("campaign_id", checkCampaignID(n.CampaignID))
	f.add("event_type", checkType(n.EventType, types))
	f.add("default_reason", checkReason(n.DefaultReason))
	if n.DefaultAmount != nil && *n.DefaultAmount <= 0 {
		f.add("default_amount", "must be 1 or more")
	}
	if n.Partitions != nil && (*n.Partitions < 1 || *n.Partitions > maxPartitions) {
		f.add("partition_count", "must be 1 to "+strconv.Itoa(maxPartitions))
	}
	if p := n.ReservationPriority; p != nil && (*p < math.MinInt32 || *p > math.MaxInt32) {
		f.add("reservation_priority", "must be -2147483648 to 2147483647")
	}
	if n.ReservationAt != nil && n.ReservationAt.Nanosecond() != 0 {
		f.add("reservation_at", "must be in whole seconds")
	}
	f.add("reservation_at", checkYear(n.ReservationAt))
	f.add("expiry_at", checkYear(n.ExpiryAt))
	f.add("expiry_at", checkExpiry(n.ExpiryAt, n.ReservationAt, now))
	if len(f) == 0 {
		return nil
	}
	return &domain.Error{Code: domain.Invalid, Message: "the event cannot be made like this", Hint: "mend the fields named in errors", Fields: f}
}

// fields collects what is wrong, one message a field: the first one, so that what could not be read is not also missing.
type fields []domain.Field

func (f *fields) add(name, message string) {
	if message == "" || slices.ContainsFunc(*f, func(o domain.Field) bool { return o.Name == name }) {
		return
	}
	*f = append(*f, domain.Field{Name: name, Message: message})
}

func checkCampaignID(id string) string {
	switch {
	case strings.TrimSpace(id) == "":
		return "is missing or blank"
	case !utf8.ValidString(id):
		return "is not valid text"
	case utf8.RuneCountInString(id) > maxCampaignID:
		return "is over " + strconv.Itoa(maxCampaignID) + " characters"
	case domain.HasControl(id):
		return "has control characters, or marks that reorder text"
	case strings.TrimSpace(id) != id:
		return "begins or ends with a space"
	}
	return ""
}

func checkType(code string, types map[string]domain.EventType) string {
	if _, known := types[code]; known {
		return ""
	}
	return "must be one of " + strings.Join(slices.Sorted(maps.Keys(types)), ", ")
}

func checkReason(reason string) string {
	switch {
	case !utf8.ValidString(reason):
		return "is not valid text"
	case utf8.RuneCountInString(reason) > maxReason:
		return "is over " + strconv.Itoa(maxReason) + " characters"
	case strings.ContainsRune(reason, 0):
		return "has a NUL character"
	}
	return ""
}

// checkYear refuses what RFC 3339 cannot say in UTC.
func checkYear(t *time.Time) string {
	if t != nil && (t.UTC().Year() < 1 || t.UTC().Year() > 9999) {
		return "is not in the years 1 to 9999 of UTC"
	}
	return ""
}

func checkExpiry(expiry, reservation *time.Time, now time.Time) string {
	switch {
	case expiry == nil:
		return ""
	case !expiry.After(now):
		return "is in the past"
	case reservation != nil && !expiry.After(*reservation):
		return "is not after reservation_at"
	}
	return ""
}
