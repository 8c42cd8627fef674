package domain

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// IsCode reports whether err is, or wraps, an [Error] with the code.
func IsCode(err error, code Code) bool { return errors.Is(err, &Error{Code: code}) }

// NewError returns the error of a code that another package has: a ledger's, or that of a malformed request. It is also
// for an error that was read from an answer. Each code of this package has a constructor of its own.
func NewError(code Code, message, hint string) *Error {
	return &Error{Code: code, Message: message, Hint: hint}
}

// WrongStatusError is for a move, or a change, that an event cannot make in the status that it has.
func WrongStatusError(current Status, message, hint string) *Error {
	return &Error{Code: WrongStatus, Message: message, Hint: hint, Current: current, Allowed: current.Allowed()}
}

// NotFoundError is for a thing that does not exist.
func NotFoundError(message, hint string) *Error { return NewError(NotFound, message, hint) }

// NoEventError is for an event that does not exist; name is its id, or what a person wrote, in quotes.
func NoEventError(name string) *Error {
	return NotFoundError("there is no event "+name, "`bestow event list` or GET /events shows them")
}

// InvalidError is for values that are not allowed, in the fields that are named.
func InvalidError(message, hint string, fields ...Field) *Error {
	return &Error{Code: Invalid, Message: message, Hint: hint, Fields: fields}
}

// UnavailableError is for what cannot be done now, and may be asked for again.
func UnavailableError(message, hint string) *Error { return NewError(Unavailable, message, hint) }

// CampaignTakenError is for a campaign_id that belongs to another event.
func CampaignTakenError(eventID int64) *Error {
	return &Error{
		Code: CampaignTaken, Message: fmt.Sprintf("the campaign_id belongs to event %d", eventID),
		Hint: "use that event, or take another campaign_id", EventID: eventID,
	}
}

// NoTargetsError is for the start of an event without targets.
func NoTargetsError() *Error {
	return NewError(NoTargets, "the event has no targets", "import a member list first")
}

// ChecksUnreadError is for an event whose lists have so many findings that nobody has read.
func ChecksUnreadError(n int) *Error {
	return NewError(ChecksUnread, fmt.Sprintf("the checks of the lists found %d things that nobody has read", n),
		"read each on the page of the event's lists, and say so there")
}

// ImportRunningError is for what waits for an import of the event, or for its start.
func ImportRunningError(message, hint string) *Error { return NewError(ImportRunning, message, hint) }

// LaneBusyError is for an event whose lane has one that is running; 0 if it is not known which.
func LaneBusyError(runner int64) *Error {
	which := "another event"
	if runner > 0 {
		which = fmt.Sprintf("event %d", runner)
	}
	return &Error{
		Code: LaneBusy, Message: which + ", reserved for the same second, is running",
		Hint: "wait until it is done, or stop it", EventID: runner,
	}
}

// ExpiredError is for an event whose grants expired at the moment.
func ExpiredError(at time.Time, hint string) *Error {
	return &Error{
		Code: Expired, Message: "the event's expiry_at has passed: " + at.UTC().Format(time.RFC3339Nano), Hint: hint,
		ExpiryAt: &at,
	}
}

// TermsRefusedError is for an event of which the ledger would refuse every grant; it says why.
func TermsRefusedError(why string) *Error {
	return NewError(TermsRefused, "the ledger would refuse every grant of the event: "+why,
		"edit the event, or make a new one")
}

// AmountInUseError is for another default_amount where rows took the one that the event has; took says how many.
func AmountInUseError(rows int, took string) *Error {
	return &Error{
		Code: AmountInUse, Message: took + ", which would stay", Rows: rows,
		Hint: "to grant another amount, delete the event, make it again with that amount, and import the list",
	}
}

// OverLimitError is for a limit of an event's type: code is [TotalOverLimit] if an upload would pass it, and
// [PassesLimit] if the event does.
func OverLimitError(code Code, message, hint string, over *OverLimit) *Error {
	return &Error{Code: code, Message: message, Hint: hint, Over: over}
}

// LimitsMissingError is for an event type without limits, in production; lacks says what it lacks.
func LimitsMissingError(eventType, lacks string) *Error {
	return NewError(LimitsMissing, "event type "+eventType+" "+lacks,
		"an administrator sets the limits: `bestow type set "+eventType+"`, or PATCH /event-types/"+eventType)
}

// GranterUnknownError is for an event whose ledger no handler that runs has.
func GranterUnknownError(t EventType) *Error {
	return NewError(GranterUnknown,
		"no handler that runs has the ledger "+t.Granter+", which event type "+t.Code+" names",
		"name the ledger in BESTOW_GRANTERS of the handlers, and start them")
}

// PolicyExistsError is for a new accrual policy whose code another one has.
func PolicyExistsError() *Error {
	return NewError(PolicyExists, "there is an accrual policy with this code, which has other terms",
		"GET /ledger/policies shows it; take another code")
}

// TypeExistsError is for a new event type whose code another one has.
func TypeExistsError(code string) *Error {
	return NewError(TypeExists, "there is an event type "+code+" already",
		"`bestow type list` shows it; take another code")
}

// TypeReservedError is for a new event type whose code cannot be one; why says so.
func TypeReservedError(code, why string) *Error {
	return NewError(TypeReserved, "no event type can be named "+code+": "+why, "take another code")
}

// TypeNotReadyError is for a change of the state of an event type that is being made.
func TypeNotReadyError(code string) *Error {
	return NewError(TypeNotReady, "event type "+code+" is being made",
		"ask again when `bestow type list` shows it as READY")
}

// KeyReusedError is for an Idempotency-Key that came with another request before.
func KeyReusedError() *Error {
	return NewError(KeyReused, "this Idempotency-Key was used for another request",
		"take a new key for a new request; repeat the old one unchanged to get its answer")
}

// KeyInFlightError is for an Idempotency-Key whose first request is still at work.
func KeyInFlightError() *Error {
	return NewError(KeyInFlight, "a request with this Idempotency-Key is still at work",
		"wait for its answer, then ask again with the same key")
}

// MissingKeysError is for a master key that is missing, or does not open what it should.
func MissingKeysError(message, hint string) *Error { return NewError(MissingKeys, message, hint) }

// ContentChangedError is for grants that differ from what was imported and started.
func ContentChangedError(message, hint string) *Error { return NewError(ContentChanged, message, hint) }

// BadFileError is for a file that cannot be read as a member list.
func BadFileError(message, hint string) *Error { return NewError(BadFile, message, hint) }

// UnsupportedFileError is for a file that has another format.
func UnsupportedFileError(message, hint string) *Error {
	return NewError(UnsupportedFile, message, hint)
}

// correctRows says what to do about an upload that is refused for its rows.
const correctRows = "correct the rows that are named and upload the file again"

// AllRejectedError is for an upload of which no row could be used.
func AllRejectedError(rejected int) *Error {
	return NewError(AllRejected, fmt.Sprintf("no row could be used; rejected rows: %d", rejected), correctRows)
}

// RowsRejectedError is for an upload with rejected rows that was to be imported whole or not at all.
func RowsRejectedError(rejected int) *Error {
	return NewError(RowsRejected, fmt.Sprintf("rows were rejected (%d), so nothing was imported", rejected),
		correctRows)
}

// TooManyRejectedError is for an upload with more rejected rows than the limit; rejected is their number with its unit.
func TooManyRejectedError(rejected string) *Error {
	return NewError(TooManyRejected, rejected+", and reading ended there", correctRows)
}

// TooManyRowsError is for a file with more rows than the limit, which is written with its unit.
func TooManyRowsError(limit string) *Error {
	return NewError(TooManyRows, "the file has more than "+limit, "split it into several files")
}

// AmountOverflowError is for amounts whose sum passes int64.
func AmountOverflowError() *Error {
	return NewError(AmountOverflow, "the sum of the event's amounts passes 9223372036854775807",
		"check the amounts, or split the list over several events")
}

// UploadEndedError is for an upload that a person ended.
func UploadEndedError(by string) *Error {
	return NewError(UploadEnded, "the upload was ended by "+by,
		"nothing of it was kept: ask them before you send it again")
}

// NoUploadError is for an upload that does not exist, or belongs to another principal.
func NoUploadError(id int64) *Error {
	return NotFoundError(fmt.Sprintf("there is no upload %d: it was imported, deleted, or has expired", id),
		"GET /uploads lists yours; `bestow targets import` or POST /uploads begins a new one")
}

// UploadMovedError is for a piece that does not begin where the upload goes on: at the byte received.
func UploadMovedError(id, received int64) *Error {
	return NewError(UploadMoved, fmt.Sprintf("upload %d goes on at byte %d", id, received),
		"HEAD /uploads/{upload_id} says where it goes on; send the rest from there, one sender at a time")
}

// UploadIncompleteError is for the import of an upload of which not all has come.
func UploadIncompleteError(id, received, size int64) *Error {
	return NewError(UploadPartial, fmt.Sprintf("of upload %d, %d of %d bytes have come", id, received, size),
		fmt.Sprintf("PATCH /uploads/%d with Upload-Offset: %d and the rest, then import it", id, received))
}

// UploadTooLargeError is for an upload, or a piece of one, with more bytes than most.
func UploadTooLargeError(most int64) *Error {
	return NewError(UploadTooLarge, fmt.Sprintf("the upload has more than %d bytes", most),
		"split the list into several files, or say its true size in Upload-Length")
}

// TooManyUploadsError is for a principal that has as many uploads as it may.
func TooManyUploadsError(most int) *Error {
	return NewError(TooManyUploads, fmt.Sprintf("you have %d uploads that are neither imported nor deleted", most),
		"import or delete one: GET /uploads lists them; `bestow targets import` of the same file goes on with one")
}

// UploadsFullError is for an upload that the space of all uploads has no room for.
func UploadsFullError(size, taken, space int64) *Error {
	return NewError(UploadsFull, fmt.Sprintf("the upload has %d bytes, and of the %d that all uploads together may have, "+
		"%d are taken", size, space, taken),
		"import or delete an upload of yours, or send the list whole (`--no-resume`). `bestow doctor` names who takes how "+
			"much, and BESTOW_UPLOADS_GIB is the bound")
}

// NotReplayableError is for a parked message that is too long to be published.
func NotReplayableError(size int) *Error {
	return NewError(NotReplayable, fmt.Sprintf("the message has %d bytes, too many for bestow to publish", size),
		"no bestow wrote it: its sender can send it where it belongs")
}

// NoReportError is for an event that the service has never verified.
func NoReportError(eventID int64) *Error {
	return NewError(NoReport, fmt.Sprintf("the service has made no report on event %d", eventID),
		fmt.Sprintf("`bestow verify --remote %[1]d` or POST /events/%[1]d/verify asks for one", eventID))
}

// ReportUnderWayError is for an event whose first report is not made yet; state says how far it is.
func ReportUnderWayError(eventID int64, state string) *Error {
	return NewError(ReportUnderWay, fmt.Sprintf("the first report on event %d %s", eventID, state),
		"ask again in a few seconds; a process with the role jobs makes it")
}

// RowError says why a row of a list is rejected; code is one of the codes of rejected rows.
func RowError(code Code, message, hint string) *Error { return NewError(code, message, hint) }

// NameTakenError is for a key of a name that belongs to a principal of another role, or to one that is disabled.
func NameTakenError(message, hint string) *Error { return NewError(NameTaken, message, hint) }

// KeyShownError is for a new key that the first request of an Idempotency-Key was shown.
func KeyShownError(keyID int64) *Error {
	return NewError(KeyShown, fmt.Sprintf("key %d was made by the first request, and shown in its answer", keyID),
		"if that answer was lost, revoke the key and make another one with a new Idempotency-Key")
}

// NoSignInError is for a sign-in that is refused. It is the same for each reason.
func NoSignInError() *Error {
	return NewError(NoSignIn, "the name, the password or the code is wrong, or the code was used already",
		"wait for the next code and try again; after several wrong codes wait 15 minutes")
}

// TooManyAttemptsError is for attempts to sign in, or to see secrets, after too many others.
func TooManyAttemptsError(message, hint string) *Error {
	return NewError(TooManyAttempts, message, hint)
}

// CompanySignInError is for a sign-in that the company's identity provider refuses, or whose answer cannot be used.
func CompanySignInError(message, hint string) *Error { return NewError(CompanyRefused, message, hint) }

// NoRoleError is for a person to whom the company's identity provider gives no role.
func NoRoleError(name string) *Error {
	return NewError(NoRole, "the identity provider gives "+name+" no role here",
		"ask its administrators to put viewer, operator, approver or admin into the claim that BESTOW_OIDC_ROLE_CLAIM "+
			"names, and sign in again")
}

// PasswordsOffError is for an invite where people sign in with the company's identity provider.
func PasswordsOffError() *Error {
	return NewError(PasswordsOff, "people sign in with the company's identity provider: /auth/oidc/start",
		"have the provider give the person a role; `bestow admin invite` on the host is for the day when it is away")
}

// UndoneError is for a repeated Idempotency-Key whose first request made something that was deleted since: an import
// that was taken back, or an event.
func UndoneError(what string) *Error {
	return NewError(Undone, what+" was made by the first request of this Idempotency-Key, and was deleted since",
		"take a new Idempotency-Key to do it again")
}

// WaitError refuses what was asked for too often, and says how long to wait.
type WaitError struct {
	Wait   time.Duration
	Answer *Error // what its caller is told
}

// Error says how long to wait.
func (e *WaitError) Error() string {
	return fmt.Sprintf("%s: wait %d s", e.Answer.Message, e.RetryAfter())
}

// RetryAfter returns the whole seconds to wait.
func (e *WaitError) RetryAfter() int { return int(math.Ceil(e.Wait.Seconds())) }

// Explain returns the answer.
func (e *WaitError) Explain() *Error { return e.Answer }
