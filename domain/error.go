package domain

import "time"

// Code names an error for machines. It is wire format: never renamed.
type Code = string

// The codes of what can be wrong with a request or a row.
const (
	WrongStatus     Code = "wrong_status"      // a move that the event's status does not allow
	NotFound        Code = "not_found"         // no such event, import, …
	Invalid         Code = "invalid"           // fields that cannot be, all named
	CampaignTaken   Code = "campaign_taken"    // campaign_id belongs to another event
	NoTargets       Code = "no_targets"        // a start without targets
	ImportRunning   Code = "import_running"    // an import of this event is under way
	LaneBusy        Code = "lane_busy"         // another event reserved for the same second is running
	Expired         Code = "expired"           // what the event grants has expired, so every grant would be refused
	TermsRefused    Code = "terms_refused"     // the ledger would refuse every grant of the event
	BrakeEngaged    Code = "brake_engaged"     // a brake holds the event
	Missed          Code = "missed"            // the reserved moment passed before the event had a list
	AmountInUse     Code = "amount_in_use"     // imported rows took the default_amount that is to change
	TotalOverLimit  Code = "total_over_limit"  // an upload with which the event passes a limit of its type
	PassesLimit     Code = "over_limit"        // an event that passes a limit of its type, which was lowered since
	LimitsMissing   Code = "limits_missing"    // a type without all limits, in production
	GranterUnknown  Code = "granter_unknown"   // no handler that runs has the ledger of the event's type
	KeyReused       Code = "key_reused"        // an Idempotency-Key with another request
	KeyInFlight     Code = "key_in_flight"     // the first request of an Idempotency-Key is still at work
	MissingKeys     Code = "missing_keys"      // a voucher event without a master key, or a hash whose key cannot be opened
	ContentChanged  Code = "content_changed"   // what would be granted is not what was imported and started
	BadFile         Code = "bad_file"          // a file that cannot be read as a member list
	UnsupportedFile Code = "unsupported_file"  // a file of another format
	AllRejected     Code = "all_rejected"      // no row of an upload could be used
	RowsRejected    Code = "rows_rejected"     // on_reject=abort and a row was rejected
	TooManyRows     Code = "too_many_rows"     // over the row limit
	TooManyRejected Code = "too_many_rejected" // over the limit of rejected rows
	AmountOverflow  Code = "amount_overflow"   // the sum of the amounts passes int64
	UploadEnded     Code = "upload_ended"      // a person ended the upload while it was under way
	NotReplayable   Code = "not_replayable"    // a parked message that cannot be published again
	NoReport        Code = "no_report"         // an event that was never verified by the service
	ReportUnderWay  Code = "report_under_way"  // an event whose first report is being made
	Unavailable     Code = "unavailable"       // the database cannot be asked now
)

// The codes of rejected rows.
const (
	MissingMember   Code = "missing_member"
	BadMember       Code = "bad_member_id"
	MissingAmount   Code = "missing_amount"
	BadAmount       Code = "bad_amount"
	AmountOverLimit Code = "amount_over_limit" // more than the type allows a member
	BadReason       Code = "bad_reason"
	BadText         Code = "bad_text"         // bytes that do not decode
	BadRow          Code = "bad_row"          // a row that is no record of the header's shape
	DuplicateMember Code = "duplicate_member" // the second of two rows of one member
	ExistingMember  Code = "existing_member"  // the event already has the member
)

// SuspiciousMemberID is the code of a warning: a member id that is accepted and looks like a leftover.
const SuspiciousMemberID Code = "suspicious_member_id"

// SecretLost is the code of a granted voucher whose code and PIN the ledger does not say again: a person has it issued
// anew.
const SecretLost Code = "secret_lost"

// Mismatch is the error code of a target about which the ledger contradicts itself.
const Mismatch Code = "mismatch"

// Error is what a person is told: what is wrong, and what to do next.
type Error struct {
	Code    Code
	Message string
	Hint    string
	Fields  []Field // of [Invalid]: every offending field
	Current Status  // of [WrongStatus]
	Allowed []Move  // of [WrongStatus]
	EventID int64   // of [CampaignTaken] and [LaneBusy]: the other event

	ExpiryAt *time.Time // of [Expired]: the moment
	Brake    *Brake     // of [BrakeEngaged]
	Rows     int        // of [AmountInUse]: how many rows took the amount
	Over     *OverLimit // of [TotalOverLimit] and [PassesLimit]
}

// Field is one offending field of a request.
type Field struct{ Name, Message string }

func (e *Error) Error() string { return e.Message }

// Is makes errors.Is compare by code: errors.Is(err, &Error{Code: NotFound}).
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}
