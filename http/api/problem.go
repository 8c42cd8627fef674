package api

import "time"

// Problem is the answer to every refused request, as application/problem+json (RFC 9457). Programs decide by Code,
// people read Detail and Hint.
type Problem struct {
	Type         string        `json:"type" doc:"names the kind of problem; as stable as the code"`
	Title        string        `json:"title"`
	Status       int           `json:"status"`
	Detail       string        `json:"detail" doc:"what is wrong with this request"`
	Code         string        `json:"code"`
	Hint         string        `json:"hint,omitempty" doc:"what to do next"`
	Errors       []FieldError  `json:"errors,omitempty" doc:"every offending field"`
	RequestID    string        `json:"request_id,omitempty" doc:"the log of the server knows the request by it"`
	Role         string        `json:"role,omitempty" doc:"of forbidden: the role of the key"`
	Needs        []string      `json:"needs,omitempty" doc:"of forbidden: the roles that may do it"`
	Current      string        `json:"current,omitempty" doc:"of wrong_status: where the event stands"`
	Allowed      []string      `json:"allowed,omitzero" doc:"of wrong_status: what may be asked of it now"`
	EventID      int64         `json:"event_id,omitzero" doc:"of campaign_taken and lane_busy: the other event"`
	ExpiryAt     *time.Time    `json:"expiry_at,omitempty" doc:"of expired: the moment"`
	Scope        string        `json:"scope,omitempty" doc:"of brake_engaged: what the brake holds"`
	By           string        `json:"by,omitempty" doc:"of brake_engaged: who engaged it"`
	Since        *time.Time    `json:"since,omitempty" doc:"of brake_engaged: when"`
	Rows         int           `json:"rows,omitzero" doc:"of amount_in_use: how many rows took the amount"`
	Limit        string        `json:"limit,omitempty" doc:"of over_limit and total_over_limit: max_per_member, max_per_event or max_count"`
	Most         int64         `json:"most,omitzero" doc:"of over_limit and total_over_limit: what the limit allows"`
	Asked        int64         `json:"asked,omitzero" doc:"of over_limit and total_over_limit: what is more"`
	Rejected     int           `json:"rejected,omitzero" doc:"of a refused upload: how many rows could not be used"`
	RejectedRows []RejectedRow `json:"rejected_rows,omitempty" doc:"of a refused upload: the first hundred of them"`
}

// FieldError names one offending field.
type FieldError struct {
	Location string `json:"location" doc:"as in body.campaign_id or query.limit"`
	Message  string `json:"message"`
}

// The codes of malformed requests. Package domain has the codes of requests that are well-formed and refused.
const (
	BadRequest           = "bad_request"            // a parameter or header has no valid value
	Malformed            = "malformed"              // the body is not the expected JSON
	Unauthorized         = "unauthorized"           // no key and no session, or one that is not valid
	StepUpNeeded         = "step_up_needed"         // the session's last password and code are too old for this
	Forbidden            = "forbidden"              // the role of the key does not allow it
	TooManyRequests      = "too_many_requests"      // too many wrong keys, or requests of one key: Retry-After says how long to wait
	CrossSite            = "cross_site"             // a browser sent it from another site
	MethodNotAllowed     = "method_not_allowed"     // the route has other methods
	PreconditionFailed   = "precondition_failed"    // If-Match names another state of the event
	PreconditionRequired = "precondition_required"  // the change lacks If-Match
	UnknownProtocol      = "unknown_protocol"       // Tus-Resumable is not 1.0.0
	RequestTimeout       = "request_timeout"        // the body came too slowly
	TooLarge             = "too_large"              // the body is over the limit
	UnsupportedType      = "unsupported_media_type" // the body's Content-Type or encoding
	Internal             = "internal"               // our fault; the log knows more
)
