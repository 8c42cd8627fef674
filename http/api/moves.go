package api

import (
	"time"

	"bestow/domain"
)

// Stop is the body of POST /events/{id}/stop and of POST /stop-all.
type Stop struct {
	Memo string `json:"memo" minLength:"1" maxLength:"500" doc:"why it is stopped; shown with the event"`
}

// Stopped is a stopped event, with the number of its open claims.
type Stopped struct {
	Event

	Draining int `json:"draining" doc:"claims that are still open: a grant of theirs may still be applied; 0: none begins any more"`
}

// Braked is the effect of a brake.
type Braked struct {
	Brake Brake     `json:"brake" doc:"its row; if it was engaged before, as it was"`
	Items []Stopped `json:"items" doc:"per event that was running, or of which claims are still open"`
}

// Retry is the body of POST /events/{id}/retry.
type Retry struct {
	ErrorCode *string `json:"error_code,omitempty" maxLength:"50" doc:"only what failed with it; absent: everything that was given up"`
	DryRun    bool    `json:"dry_run,omitempty" doc:"true: count, and change nothing"`
}

// Retried counts what a request of a person to try again found and accepted.
type Retried struct {
	Matched  int `json:"matched"`
	Accepted int `json:"accepted" doc:"those of matched that are tried again; 0 in a dry run"`
	Expired  int `json:"expired" doc:"given up and left alone: the event's expiry_at has passed, so the ledger would refuse them again"`
}

// Brake is an engaged brake: until it is released, nothing in its scope starts, resumes, is redriven or is claimed.
type Brake struct {
	Scope string    `json:"scope" doc:"all, or type: and the code of an event type" example:"type:POINT"`
	By    string    `json:"by" doc:"who engaged it"`
	Memo  string    `json:"memo"`
	Since time.Time `json:"since"`
}

// Brakes are the engaged brakes.
type Brakes struct {
	Engaged bool    `json:"engaged" doc:"one of them, at least, is engaged"`
	Items   []Brake `json:"items" doc:"that of all events first"`
}

// BrakeOrder is the body of POST /brake and of POST /brake/release.
type BrakeOrder struct {
	Scope string `json:"scope" doc:"all, or type: and the code of an event type" example:"all"`
	Memo  string `json:"memo" minLength:"1" maxLength:"500" doc:"why; that of a brake is shown with it, and with each event that it stops"`
}

// FromBrake renders a brake. The time is in UTC.
func FromBrake(b domain.Brake) Brake {
	return Brake{Scope: string(b.Scope), By: b.By, Memo: b.Memo, Since: b.Since.UTC()}
}
