package api

import (
	"time"

	"bestow/domain"
)

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
