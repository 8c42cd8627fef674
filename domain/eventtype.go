package domain

import (
	"regexp"
	"strings"
)

// Operation is what a type does in the ledger.
type Operation string

// The operations.
const (
	Points   Operation = "points"
	Vouchers Operation = "vouchers"
)

// EventType says what an event grants, who grants it, and where its rows and messages are. It is read with its event,
// never cached: types are added while processes run.
type EventType struct {
	Code      string    // POINT, VOUCHER, …
	Label     string    // for people
	Granter   string    // a name from the configuration
	Operation Operation // what the ledger is asked for
	Topic     string    // without the configured prefix
}

var typeCode = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,19}$`)

// ValidTypeCode says whether code may name an event type. What passes is safe inside an SQL identifier.
func ValidTypeCode(code string) bool { return typeCode.MatchString(code) }

// TargetTable is the table of who is to get what.
func (t EventType) TargetTable() string { return strings.ToLower(t.Code) + "_targets" }

// ResultTable is the table of what happened.
func (t EventType) ResultTable() string { return strings.ToLower(t.Code) + "_results" }
