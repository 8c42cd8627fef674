package moneyhttp

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"bestow/internal/obs"
	"bestow/internal/pg"
	"bestow/internal/seal"
	"bestow/money"
	"bestow/money/moneyhttp/wire"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
)

// kinds is the one map from a code to its status and title.
var kinds = map[string]struct {
	status int
	title  string
}{
	wire.CodeBadRequest:        {http.StatusBadRequest, "A parameter or header cannot be used"},
	wire.CodeMalformed:         {http.StatusBadRequest, "The body is not the JSON of this route"},
	wire.CodeUnauthorized:      {http.StatusUnauthorized, "The request has no valid token"},
	wire.CodeNotFound:          {http.StatusNotFound, "There is no such route"},
	wire.CodeMethodNotAllowed:  {http.StatusMethodNotAllowed, "The route has other methods"},
	wire.CodeRequestTimeout:    {http.StatusRequestTimeout, "The body came too slowly"},
	wire.CodeOtherInstallation: {http.StatusConflict, "The ledger takes the grants of another installation"},
	wire.CodeOtherLedger:       {http.StatusConflict, "The request is meant for another ledger"},
	wire.CodeMissingKeys:       {http.StatusConflict, "The key of vouchers is missing or wrong"},
	wire.CodeTooLarge:          {http.StatusRequestEntityTooLarge, "The body is too large"},
	wire.CodeUnsupportedType:   {http.StatusUnsupportedMediaType, "The body is of another type"},
	wire.CodeTooManyItems:      {http.StatusUnprocessableEntity, "There are too many items"},
	wire.CodeInvalid:           {http.StatusUnprocessableEntity, "Some fields cannot be used"},
	wire.CodeUnavailable:       {http.StatusServiceUnavailable, "The ledger cannot answer now: nothing was applied"},
	wire.CodeDeadline:          {http.StatusGatewayTimeout, "The deadline has passed: nothing was applied"},
	wire.CodeUnknownOutcome:    {http.StatusInternalServerError, "It is not known what was applied"},

	wire.CodePreconditionRequired: {http.StatusPreconditionRequired, "The change needs If-Match"},
}

// retryAfter is the number of seconds that a caller waits who was told that the ledger cannot answer now.
const retryAfter = 1

// problem is a refusal as it is written: huma knows it for an error with a status and headers.
type problem struct {
	wire.Problem

	header http.Header
}

// Error returns the detail.
func (p *problem) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *problem) GetStatus() int { return p.Status }

// GetHeaders implements huma.HeadersError.
func (p *problem) GetHeaders() http.Header { return p.header }

// ContentType implements huma.ContentTypeFilter.
func (p *problem) ContentType(string) string { return wire.ProblemType }

// newProblem makes the problem of a code.
func newProblem(code, detail, hint string, fields ...wire.FieldError) *problem {
	k := kinds[code]
	p := &problem{header: http.Header{}, Problem: wire.Problem{
		Type: "urn:bestow:problem:" + code, Title: k.title, Status: k.status, Code: code, Detail: detail, Hint: hint,
		Errors: fields,
	}}
	if code == wire.CodeUnavailable {
		p.header.Set("Retry-After", strconv.Itoa(retryAfter))
	}
	return p
}

// unusable makes the problem of a request with fields that cannot be used. The hint says what each of them must be.
func unusable(code, detail string, fields ...wire.FieldError) *problem {
	hints := make([]string, len(fields))
	for n, f := range fields {
		hints[n] = f.Location + " " + f.Message
	}
	return newProblem(code, detail, strings.Join(hints, "; "), fields...)
}

// problem turns any error into the answer to its request. An error of the ledger's own is logged here, once, and told
// without its text.
func (s *Server) problem(ctx context.Context, err error) *problem {
	p := s.explain(ctx, err)
	p.RequestID = requestID(ctx)
	return p
}

func (s *Server) explain(ctx context.Context, err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	if r, ok := errors.AsType[*money.Refusal](err); ok {
		return refusedMovement(r)
	}
	if e, ok := errors.AsType[*money.PolicyError](err); ok {
		return wrongPolicy(e)
	}
	switch {
	case errors.Is(err, money.ErrBusy):
		return newProblem(wire.CodeUnavailable, money.ErrBusy.Error(), "send it again, with the same key")
	case errors.Is(err, money.ErrDeadline):
		return newProblem(wire.CodeDeadline, money.ErrDeadline.Error()+", and nothing of this request will be",
			"send it again with a later deadline and the same keys")
	case errors.Is(err, money.ErrTooMany):
		return newProblem(wire.CodeTooManyItems, err.Error(), "split it")
	case errors.Is(err, money.ErrNoMaster), errors.Is(err, seal.ErrOpen):
		return newProblem(wire.CodeMissingKeys, "the ledger has no key for these vouchers, or another one",
			"give the ledger the right BESTOW_MASTER_KEY")
	case errors.Is(err, money.ErrOtherInstallation):
		return newProblem(wire.CodeOtherInstallation, "the ledger is not paired with this installation",
			otherInstallationHint)
	}
	if errors.Is(err, pg.ErrNotBegun) {
		s.log.WarnContext(ctx, "the database did not answer a request", requestKey, requestID(ctx), obs.Err, err)
		return newProblem(wire.CodeUnavailable, "the ledger's database does not answer now",
			"send the request again, with the same keys")
	}
	return s.brokenOff(ctx, err)
}

// brokenOff is the answer to a request of which it is not known what was applied.
func (s *Server) brokenOff(ctx context.Context, err error) *problem {
	s.log.ErrorContext(ctx, "request failed", requestKey, requestID(ctx), obs.Err, err)
	return newProblem(wire.CodeUnknownOutcome, "the request was broken off",
		"send it again with the same keys: nothing happens twice")
}

// refusalStatus are the codes of a movement that is refused and whose status is not 422.
var refusalStatus = map[string]int{
	money.UnknownMovement: http.StatusNotFound,
	money.NotCancellable:  http.StatusConflict,
	money.KeyConflict:     http.StatusConflict,
	money.OutOfRange:      http.StatusConflict,
	money.BadCursor:       http.StatusBadRequest,
	money.BadKind:         http.StatusBadRequest,
	money.BadLimit:        http.StatusBadRequest,
	money.BadDays:         http.StatusBadRequest,
	money.PolicyExists:    http.StatusConflict,
	money.PolicyChanged:   http.StatusPreconditionFailed,
}

// wrongPolicy names all fields of a policy that cannot be.
func wrongPolicy(e *money.PolicyError) *problem {
	fields := make([]wire.FieldError, len(e.Fields))
	for n, f := range e.Fields {
		fields[n] = wire.FieldError{Location: "body." + f.Name, Message: f.Message}
	}
	return unusable(wire.CodeInvalid, "the policy has fields that cannot be used", fields...)
}

// refusedMovement is the answer to a movement that the ledger refuses; its code is the ledger's.
func refusedMovement(r *money.Refusal) *problem {
	p := newProblem(r.Code, r.Message, "")
	p.Title, p.Status = "The ledger refuses it", http.StatusUnprocessableEntity
	if status, other := refusalStatus[r.Code]; other {
		p.Status = status
	}
	switch r.Code {
	case money.InsufficientBalance:
		p.Balance = &r.Left
	case money.OverCancelled:
		p.Cancel = &r.Left
	case money.SavePartlyUsed:
		p.Left = &r.Left
	}
	return p
}

const otherInstallationHint = "give this installation a ledger of its own; if the ledger's database is a copy, " +
	"`bestow ledger new-id --installation ID` makes it that of another installation"

// translate turns a refusal that huma made by itself into one of ours. Values are left out, since one may be a secret.
func (s *Server) translate(ctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := newProblem(wire.CodeMalformed, "the body is missing or ended early", "send one JSON object")
	switch m.Status {
	case http.StatusRequestEntityTooLarge:
		p = newProblem(wire.CodeTooLarge, "the body is over "+strconv.Itoa(maxBody>>20)+" MiB",
			"send fewer items in one request")
	case http.StatusRequestTimeout:
		p = newProblem(wire.CodeRequestTimeout, "the body did not arrive in time", "send it again, with the same keys")
	}
	p.Status, p.RequestID = m.Status, requestID(ctx.Context()) // which huma sends
	return p, nil
}

// write answers a request that no route answers.
func (s *Server) write(w http.ResponseWriter, r *http.Request, p *problem) {
	p.RequestID = requestID(r.Context())
	for name, values := range p.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", wire.ProblemType)
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		_ = json.MarshalWrite(w, p.Problem) // a connection that is gone is no loss
	}
}
