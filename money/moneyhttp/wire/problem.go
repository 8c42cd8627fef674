package wire

// ProblemType is the media type of a refused request (RFC 9457).
const ProblemType = "application/problem+json"

// Problem is the answer to a request that is refused as a whole. Programs decide by Code.
type Problem struct {
	Type      string       `json:"type" doc:"names the kind of problem; as stable as the code"`
	Title     string       `json:"title"`
	Status    int          `json:"status"`
	Detail    string       `json:"detail" doc:"what is wrong with this request"`
	Code      string       `json:"code"`
	Hint      string       `json:"hint,omitzero" doc:"what to do next"`
	Errors    []FieldError `json:"errors,omitempty" doc:"the offending fields"`
	Balance   *int64       `json:"balance,omitzero" doc:"of insufficient_balance: what can be spent"`
	Cancel    *int64       `json:"cancellable,omitzero" doc:"of over_cancelled: what can still be cancelled"`
	Left      *int64       `json:"left,omitzero" doc:"of save_partly_used: what is left of the save"`
	RequestID string       `json:"request_id,omitzero" doc:"the log of the ledger knows the request by it"`
}

// FieldError names one offending field.
type FieldError struct {
	Location string `json:"location" doc:"as in body.items[3].amount or header.Bestow-Deadline"`
	Message  string `json:"message"`
}

// The codes of requests that are refused as a whole. They are wire format: never renamed.
const (
	CodeBadRequest        = "bad_request"
	CodeMalformed         = "malformed"
	CodeUnauthorized      = "unauthorized"
	CodeNotFound          = "not_found"
	CodeMethodNotAllowed  = "method_not_allowed"
	CodeRequestTimeout    = "request_timeout"
	CodeOtherInstallation = "other_installation"
	CodeOtherLedger       = "other_ledger"
	CodeMissingKeys       = "missing_keys"
	CodeTooLarge          = "too_large"
	CodeTooManyItems      = "too_many_items"
	CodeUnsupportedType   = "unsupported_media_type"
	CodeInvalid           = "invalid"
	CodeUnavailable       = "unavailable"
	CodeDeadline          = "deadline"
	CodeUnknownOutcome    = "unknown_outcome"

	CodePreconditionRequired = "precondition_required"
)
