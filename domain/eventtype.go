package domain

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Operation is the ledger's operation for a type.
type Operation string

// The operations.
const (
	Points   Operation = "points"
	Vouchers Operation = "vouchers"
)

// TypeState says how far an event type is.
type TypeState string

// The states of an event type, in their order.
const (
	TypeCreating TypeState = "CREATING" // it has nothing yet
	TypeTables   TypeState = "TABLES"   // it has its tables, and waits for its topics
	TypeReady    TypeState = "READY"    // events of it can be made
	TypeRetired  TypeState = "RETIRED"  // no new events; what it has goes on
)

// Made reports whether a type in the state has its tables and topics.
func (s TypeState) Made() bool { return s == TypeReady || s == TypeRetired }

// OurGranter is the granter's name of the ledger of this product.
const OurGranter = "money"

// EventType says what an event grants, which ledger grants it, and which tables and topics it uses. It is read with its
// event and never cached, since types are added while processes run.
type EventType struct {
	Code      string    // POINT, VOUCHER, …
	Label     string    // for people
	Granter   string    // a name from the configuration
	Operation Operation // what the ledger is asked for
	Topic     string    // without the configured prefix

	Unit   string     // of the amounts, such as P or KRW; "" for none
	Limits TypeLimits // no request about an event can pass them
}

// TypeLimits bound what an event of a type may grant; 0 for no limit.
type TypeLimits struct {
	PerMember int64 // the amount of one target
	PerEvent  int64 // the sum of an event's amounts
	Count     int   // targets of an event

	// Seeded reports whether a process outside production set them, and not a person. Production starts nothing with
	// them.
	Seeded bool
}

// Missing lists the limits that are not set, by their names in the API.
func (l TypeLimits) Missing() (names []string) {
	for _, limit := range []struct {
		name string
		most int64
	}{{"max_per_member", l.PerMember}, {"max_per_event", l.PerEvent}, {"max_count", int64(l.Count)}} {
		if limit.most == 0 {
			names = append(names, limit.name)
		}
	}
	return names
}

// CheckAmount says why no target of the type may have the amount, "" if one may.
func (t EventType) CheckAmount(amount int64) string {
	if t.Limits.PerMember == 0 || amount <= t.Limits.PerMember {
		return ""
	}
	return fmt.Sprintf("%s is over max_per_member of %s, %s", t.Quantity(amount), t.Code,
		t.Quantity(t.Limits.PerMember))
}

// CheckTotals says which limit of the type an event passes with so many targets and the sum of their amounts; nil for
// none.
func (t EventType) CheckTotals(count int, amount int64) *OverLimit {
	switch {
	case t.Limits.Count > 0 && count > t.Limits.Count:
		return &OverLimit{Limit: "max_count", Most: int64(t.Limits.Count), Asked: int64(count)}
	case t.Limits.PerEvent > 0 && amount > t.Limits.PerEvent:
		return &OverLimit{Limit: "max_per_event", Most: t.Limits.PerEvent, Asked: amount}
	}
	return nil
}

// Quantity writes an amount with the type's unit.
func (t EventType) Quantity(amount int64) string {
	return strings.TrimSpace(strconv.FormatInt(amount, 10) + " " + t.Unit)
}

// OverLimit says which limit of an event type is passed.
type OverLimit struct {
	Limit string // its name in the API
	Most  int64  // the largest value allowed
	Asked int64  // the larger value
}

var unit = regexp.MustCompile(`^[A-Z]{1,10}$`)

// ValidUnit reports whether s may be the unit of an event type.
func ValidUnit(s string) bool { return unit.MatchString(s) }

var typeCode = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,19}$`)

// ValidTypeCode reports whether code may name an event type. A valid code is safe inside an SQL identifier.
func ValidTypeCode(code string) bool { return typeCode.MatchString(code) }

// topicsOfOurs are the codes whose topics are kept for what the product tells by itself.
var topicsOfOurs = []string{"EVENTS", "RESULTS", "CLAWBACK", "AUDIT"}

// ReservedTypeCode says why a code can name no new event type, "" if it can.
func ReservedTypeCode(code string) string {
	switch {
	case slices.Contains(topicsOfOurs, code):
		return "its topic is kept for what bestow tells by itself"
	case strings.HasSuffix(code, "_DLT"): // to Kafka, x_dlt and x.dlt are too alike to stand side by side
		return "its topic would be too like a dead-letter topic"
	}
	return ""
}

// TopicName returns the topic of a new type with the code, without the configured prefix.
func (t EventType) TopicName() string { return strings.ToLower(t.Code) }

// TargetTable returns the name of the table of the type's targets.
func (t EventType) TargetTable() string { return strings.ToLower(t.Code) + "_targets" }

// ResultTable returns the name of the table of the type's results.
func (t EventType) ResultTable() string { return strings.ToLower(t.Code) + "_results" }
