package domain

import (
	"fmt"
	"strings"
	"time"
)

// BrakeScope says what a brake holds: [BrakeAll], or "type:" and the code of an event type.
type BrakeScope string

// BrakeAll is the scope of every event.
const BrakeAll BrakeScope = "all"

const brakeType = "type:"

// BrakeOf returns the scope of the events of a type.
func BrakeOf(typeCode string) BrakeScope { return BrakeScope(brakeType + typeCode) }

// TypeCode returns the code of the type that the scope names; ok reports whether it names one.
func (s BrakeScope) TypeCode() (code string, ok bool) { return strings.CutPrefix(string(s), brakeType) }

// Covers reports whether events of the type are in the scope.
func (s BrakeScope) Covers(typeCode string) bool { return s == BrakeAll || s == BrakeOf(typeCode) }

// Brake is an engaged brake. While it is engaged, no event in its scope starts or resumes, no redrive of one begins,
// and no chunk of one is claimed.
type Brake struct {
	Scope BrakeScope
	By    string // who engaged it
	Memo  string // why
	Since time.Time
}

// Engaged returns the refusal of what the brake holds. Error: [BrakeEngaged].
func (b Brake) Engaged() error {
	return b.refusal("nothing in its scope starts or goes on until it is released: " +
		"see `bestow brake status` or GET /brake")
}

// EngagedAgain returns the refusal of a release whose key released an earlier brake. Error: [BrakeEngaged].
func (b Brake) EngagedAgain() error {
	return b.refusal("this Idempotency-Key released an earlier brake: release this one with a new Idempotency-Key")
}

func (b Brake) refusal(hint string) error {
	return &Error{
		Code: BrakeEngaged,
		Message: fmt.Sprintf("%s engaged the brake %s at %s: %s", b.By, b.Scope, b.Since.UTC().Format(time.RFC3339),
			b.Memo),
		Hint:  hint,
		Brake: &b,
	}
}
