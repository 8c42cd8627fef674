package domain

import (
	"slices"
	"time"
)

// Code names an error for machines. It is wire format: never renamed.
type Code = string

// The codes of what can be wrong with a request or a row.
const (
	WrongStatus     Code = "wrong_status"      // the event's status does not allow the move
	NotFound        Code = "not_found"         // no such event, import, …
	Invalid         Code = "invalid"           // fields have values that are not allowed; each is named
	CampaignTaken   Code = "campaign_taken"    // campaign_id belongs to another event
	ChecksUnread    Code = "checks_unread"     // nobody has read what is unusual in the lists
	NoTargets       Code = "no_targets"        // a start without targets
	ImportRunning   Code = "import_running"    // an import of this event is under way
	LaneBusy        Code = "lane_busy"         // another event reserved for the same second is running
	Expired         Code = "expired"           // the event's grants have expired, so the ledger would refuse each
	TermsRefused    Code = "terms_refused"     // the ledger would refuse every grant of the event
	BrakeEngaged    Code = "brake_engaged"     // a brake holds the event
	Missed          Code = "missed"            // the reserved moment passed before the event had a list
	AmountInUse     Code = "amount_in_use"     // imported rows took the default_amount that is to change
	TotalOverLimit  Code = "total_over_limit"  // with the upload the event would pass a limit of its type
	PassesLimit     Code = "over_limit"        // the event passes a limit of its type, which was lowered since
	LimitsMissing   Code = "limits_missing"    // the type lacks a limit, in production
	GranterUnknown  Code = "granter_unknown"   // no handler that runs has the ledger of the event's type
	PolicyExists    Code = "policy_exists"     // an accrual policy of the code is there already, with other terms
	TypeExists      Code = "type_exists"       // an event type of the code is there already
	TypeReserved    Code = "type_reserved"     // the code can name no event type
	TypeNotReady    Code = "type_not_ready"    // the event type is being made
	KeyReused       Code = "key_reused"        // the Idempotency-Key came with another request before
	KeyInFlight     Code = "key_in_flight"     // the first request of an Idempotency-Key is still at work
	MissingKeys     Code = "missing_keys"      // no master key for a voucher event, or a key that does not open
	ContentChanged  Code = "content_changed"   // the grants differ from what was imported and started
	BadFile         Code = "bad_file"          // the file cannot be read as a member list
	UnsupportedFile Code = "unsupported_file"  // the file has another format
	AllRejected     Code = "all_rejected"      // no row of the upload could be used
	RowsRejected    Code = "rows_rejected"     // on_reject=abort and a row was rejected
	TooManyRows     Code = "too_many_rows"     // over the row limit
	TooManyRejected Code = "too_many_rejected" // over the limit of rejected rows
	AmountOverflow  Code = "amount_overflow"   // the sum of the amounts passes int64
	UploadEnded     Code = "upload_ended"      // a person ended the upload while it was under way
	UploadMoved     Code = "upload_moved"      // the piece does not begin where the upload goes on
	UploadPartial   Code = "upload_incomplete" // not all of the upload has come
	UploadTooLarge  Code = "upload_too_large"  // over the size of an upload, or past its end
	TooManyUploads  Code = "too_many_uploads"  // of one principal, that are neither imported nor deleted
	UploadsFull     Code = "uploads_full"      // all uploads together take as much as they may
	NotReplayable   Code = "not_replayable"    // the parked message cannot be published again
	NoReport        Code = "no_report"         // the service has never verified the event
	ReportUnderWay  Code = "report_under_way"  // the event's first report is being made
	NameTaken       Code = "name_taken"        // the principal of the name has another role, or is disabled
	Undone          Code = "undone"            // what the first request of the Idempotency-Key made was deleted since
	KeyShown        Code = "key_shown"         // the new key was shown to the first request of the Idempotency-Key
	NoSignIn        Code = "sign_in_refused"   // the name, the password or the code is wrong
	CompanyRefused  Code = "company_refused"   // the company's identity provider does not sign the person in
	NoRole          Code = "no_role"           // the identity provider gives the person no role
	PasswordsOff    Code = "passwords_off"     // people sign in with the company's identity provider
	TooManyAttempts Code = "too_many_attempts" // to sign in, or to see PINs: Retry-After says how long to wait
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

// SecretLost is the code of a granted voucher whose code and PIN are lost: a person must have it issued anew.
const SecretLost Code = "secret_lost"

// Mismatch is the error code of a target about which the ledger contradicts itself.
const Mismatch Code = "mismatch"

// Error tells a person what is wrong and what to do next.
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

// Faults collects what is wrong with a request, one message a field: the first one, so that what could not be read is
// not also missing.
type Faults []Field

// Add adds what is wrong with a field, "" for nothing.
func (f *Faults) Add(name, message string) {
	if message == "" || slices.ContainsFunc(*f, func(o Field) bool { return o.Name == name }) {
		return
	}
	*f = append(*f, Field{Name: name, Message: message})
}

// Refusal returns [Invalid] with the faults, nil if there are none.
func (f Faults) Refusal(message string) error {
	if len(f) == 0 {
		return nil
	}
	return InvalidError(message, "correct the fields that are named", f...)
}

// Error returns the message, without the hint.
func (e *Error) Error() string { return e.Message }

// Is makes errors.Is compare by code, as [IsCode] does.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}
