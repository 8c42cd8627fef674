package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"bestow/app/imports"
	"bestow/domain"
	"bestow/http/api"
	"bestow/internal/obs"
	"bestow/internal/pg"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
)

// problemType is the Content-Type of every refusal.
const problemType = "application/problem+json"

// kind is the answer to a code.
type kind struct {
	status int
	title  string
}

// kinds maps each code to its answer. A code that is missing here is our fault.
var kinds = map[domain.Code]kind{
	api.BadRequest:           {http.StatusBadRequest, "A parameter or header cannot be used"},
	api.Malformed:            {http.StatusBadRequest, "The body is not what the route takes, or not all of it"},
	api.Unauthorized:         {http.StatusUnauthorized, "The request has no valid API key"},
	api.StepUpNeeded:         {http.StatusUnauthorized, "The session is not fresh enough for this"},
	domain.NoSignIn:          {http.StatusUnauthorized, "The sign-in is refused"},
	domain.CompanyRefused:    {http.StatusUnauthorized, "The identity provider does not sign the person in"},
	domain.NoRole:            {http.StatusForbidden, "The identity provider gives the person no role"},
	domain.PasswordsOff:      {http.StatusConflict, "People sign in with the identity provider"},
	api.CrossSite:            {http.StatusForbidden, "The request came from another site"},
	api.Forbidden:            {http.StatusForbidden, "The key's role does not allow it"},
	domain.NotFound:          {http.StatusNotFound, "There is no such thing"},
	domain.NoReport:          {http.StatusNotFound, "The event has no report yet"},
	domain.ReportUnderWay:    {http.StatusNotFound, "The first report of the event is being made"},
	api.MethodNotAllowed:     {http.StatusMethodNotAllowed, "The route has other methods"},
	api.RequestTimeout:       {http.StatusRequestTimeout, "The body came too slowly"},
	domain.WrongStatus:       {http.StatusConflict, "The event's status does not allow it"},
	domain.CampaignTaken:     {http.StatusConflict, "The campaign_id is taken"},
	domain.ChecksUnread:      {http.StatusConflict, "What is unusual in the lists was not read"},
	domain.NoTargets:         {http.StatusConflict, "The event has no targets"},
	domain.ImportRunning:     {http.StatusConflict, "An import of the event is under way"},
	domain.LaneBusy:          {http.StatusConflict, "Another event of the same second is running"},
	domain.Expired:           {http.StatusConflict, "What the event grants has expired"},
	domain.TermsRefused:      {http.StatusConflict, "The ledger would refuse every grant of the event"},
	domain.UploadEnded:       {http.StatusConflict, "The upload was ended by a person"},
	domain.UploadMoved:       {http.StatusConflict, "The upload goes on elsewhere"},
	domain.UploadPartial:     {http.StatusConflict, "Not all of the upload has come"},
	domain.TooManyUploads:    {http.StatusConflict, "You have as many uploads as you may"},
	domain.UploadsFull:       {http.StatusConflict, "All uploads together take as much as they may"},
	domain.BrakeEngaged:      {http.StatusConflict, "The brake is engaged"},
	domain.AmountInUse:       {http.StatusConflict, "Imported rows took the amount"},
	domain.PassesLimit:       {http.StatusConflict, "The event passes a limit of its type"},
	domain.LimitsMissing:     {http.StatusConflict, "The event type lacks a limit"},
	domain.GranterUnknown:    {http.StatusConflict, "No handler has the ledger of the event type"},
	domain.PolicyExists:      {http.StatusConflict, "The accrual policy exists"},
	domain.TypeExists:        {http.StatusConflict, "The event type exists"},
	domain.TypeNotReady:      {http.StatusConflict, "The event type is being made"},
	domain.KeyInFlight:       {http.StatusConflict, "The first request of this Idempotency-Key is still at work"},
	domain.MissingKeys:       {http.StatusConflict, "A key is missing or cannot be opened"},
	domain.ContentChanged:    {http.StatusConflict, "What would be granted is not what was imported"},
	domain.NotReplayable:     {http.StatusConflict, "The message cannot be published again"},
	domain.NameTaken:         {http.StatusConflict, "The name belongs to another principal"},
	domain.Undone:            {http.StatusConflict, "What this Idempotency-Key made was deleted"},
	domain.KeyShown:          {http.StatusConflict, "The key was shown once already"},
	api.PreconditionFailed:   {http.StatusPreconditionFailed, "The event is not the one that was read"},
	api.PreconditionRequired: {http.StatusPreconditionRequired, "The change must say which event it is of"},
	api.TooLarge:             {http.StatusRequestEntityTooLarge, "The body is too large"},
	domain.UploadTooLarge:    {http.StatusRequestEntityTooLarge, "The upload is too large"},
	api.UnknownProtocol:      {http.StatusPreconditionFailed, "The version of the tus protocol is not spoken here"},
	domain.TooManyRows:       {http.StatusRequestEntityTooLarge, "The file has too many rows"},
	api.UnsupportedType:      {http.StatusUnsupportedMediaType, "The body is of another type"},
	domain.UnsupportedFile:   {http.StatusUnsupportedMediaType, "The file is of another format"},
	domain.Invalid:           {http.StatusUnprocessableEntity, "Some fields cannot be used"},
	domain.TypeReserved:      {http.StatusUnprocessableEntity, "The code can name no event type"},
	domain.KeyReused:         {http.StatusUnprocessableEntity, "The Idempotency-Key belongs to another request"},
	domain.BadFile:           {http.StatusUnprocessableEntity, "The file cannot be read as a member list"},
	domain.AllRejected:       {http.StatusUnprocessableEntity, "No row of the file could be used"},
	domain.RowsRejected:      {http.StatusUnprocessableEntity, "Some rows of the file could not be used"},
	domain.TooManyRejected:   {http.StatusUnprocessableEntity, "Too many rows of the file could not be used"},
	domain.AmountOverflow:    {http.StatusUnprocessableEntity, "The amounts add up to more than can be counted"},
	domain.TotalOverLimit:    {http.StatusUnprocessableEntity, "The event would pass a limit of its type"},
	api.TooManyRequests:      {http.StatusTooManyRequests, "Too many requests"},
	domain.TooManyAttempts:   {http.StatusTooManyRequests, "Too many attempts"},
	domain.Unavailable:       {http.StatusServiceUnavailable, "The service cannot answer now"},
	api.Internal:             {http.StatusInternalServerError, "Something went wrong here"},
}

// ProblemError is a refusal as it is sent. To huma it is an error with a status and headers.
type ProblemError struct {
	api.Problem
	header http.Header
}

// Error returns what is wrong with the request.
func (p *ProblemError) Error() string { return p.Detail }

// GetStatus returns the status of the answer.
func (p *ProblemError) GetStatus() int { return p.Status }

// GetHeaders returns the headers of the answer. Its maker may add to them.
func (p *ProblemError) GetHeaders() http.Header { return p.header }

// ContentType returns the type of the answer.
func (p *ProblemError) ContentType(string) string { return problemType }

// Problem turns any error into an answer. An error that is our fault is logged here, once, with the request's id, and
// the answer does not show its text.
func (a *API) Problem(ctx context.Context, err error) *ProblemError {
	if p, ok := errors.AsType[*ProblemError](err); ok {
		return p
	}
	e := a.explain(ctx, err)
	k := kinds[e.Code]
	p := &ProblemError{header: http.Header{}, Problem: api.Problem{
		Type:      "urn:bestow:problem:" + e.Code,
		Title:     k.title,
		Status:    k.status,
		Detail:    text(e.Message),
		Code:      e.Code,
		Hint:      text(e.Hint),
		RequestID: RequestID(ctx),
		Current:   string(e.Current),
		EventID:   e.EventID,
		ExpiryAt:  api.UTC(e.ExpiryAt),
		Rows:      e.Rows,
	}}
	if b := e.Brake; b != nil {
		since := b.Since.UTC()
		p.Scope, p.By, p.Since = string(b.Scope), b.By, &since
	}
	if o := e.Over; o != nil {
		p.Limit, p.Most, p.Asked = o.Limit, o.Most, o.Asked
	}
	for _, f := range e.Fields {
		p.Errors = append(p.Errors, fieldError(f))
	}
	if e.Code == domain.WrongStatus {
		p.Allowed = []string{}
		for _, m := range e.Allowed {
			p.Allowed = append(p.Allowed, string(m))
		}
	}
	if r, ok := errors.AsType[*imports.RejectedError](err); ok {
		p.Rejected, p.RejectedRows = r.Rejected, wireRows(r.Rows)
	}
	if wait, ok := errors.AsType[waiter](err); ok {
		p.header.Set("Retry-After", strconv.Itoa(wait.RetryAfter()))
	}
	if e.Code == domain.NoSignIn || e.Code == domain.CompanyRefused {
		p.header.Set("WWW-Authenticate", `Session realm="bestow"`)
	}
	if e.Code == domain.Unavailable {
		p.header.Set("Retry-After", "5")
	}
	return p
}

func wireRows(rows []imports.RejectedRow) []api.RejectedRow {
	wire := make([]api.RejectedRow, len(rows))
	for i, r := range rows {
		wire[i] = api.RejectedRow{Line: r.Line, ErrorCode: r.Code, Reason: r.Reason, Raw: r.Raw}
		if r.FirstLine > 0 {
			wire[i].FirstLine = &r.FirstLine
		}
	}
	return wire
}

// fieldError says where a field is: a name without a place is in the body.
func fieldError(f domain.Field) api.FieldError {
	if !strings.Contains(f.Name, ".") {
		f.Name = "body." + f.Name
	}
	return api.FieldError{Location: text(f.Name), Message: text(f.Message)}
}

// text makes what an answer says text: a message may hold bytes that somebody sent, and JSON takes nothing else.
func text(message string) string { return strings.ToValidUTF8(message, "\uFFFD") }

// waiter is an error that knows how many seconds to wait.
type waiter interface {
	error
	RetryAfter() int
}

// explainer is an error that knows its answer.
type explainer interface {
	error
	Explain() *domain.Error
}

// Warn logs why a request failed whose answer does not say it.
func (a *API) Warn(ctx context.Context, message string, err error) {
	a.log.WarnContext(ctx, message, RequestKey, RequestID(ctx), obs.Err, err)
}

// explain finds the domain.Error in err, or makes one.
func (a *API) explain(ctx context.Context, err error) *domain.Error {
	if e, ok := errors.AsType[*domain.Error](err); ok {
		if _, known := kinds[e.Code]; known {
			return e
		}
	}
	if e, ok := errors.AsType[explainer](err); ok {
		return e.Explain()
	}
	if e, ok := errors.AsType[*echo.HTTPError](err); ok {
		return fromEcho(e)
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return api.MalformedError("the connection ended before the request did",
			"send it again, with the same Idempotency-Key")
	}
	if blocked, ok := errors.AsType[*pg.BlockedError](err); ok {
		a.log.WarnContext(ctx, "a request waited too long for a lock in the database", RequestKey, RequestID(ctx),
			obs.Err, err)
		return domain.UnavailableError(blocked.Error(), "ask again when it is free")
	}
	if pg.Code(err) == pg.TooManyConnections {
		a.log.WarnContext(ctx, "no connection left in postgresql", RequestKey, RequestID(ctx), obs.Err, err)
		return domain.UnavailableError("PostgreSQL has no connection left for the service",
			"raise max_connections, or the CONNECTION LIMIT of its role and database, or lower BESTOW_DB_MAX_CONNS")
	}
	if pg.Unavailable(err) {
		a.log.WarnContext(ctx, "database did not answer a request", RequestKey, RequestID(ctx), obs.Err, err)
		return domain.UnavailableError("the database does not answer now",
			"ask again in a few seconds; with the same Idempotency-Key nothing happens twice")
	}
	a.log.ErrorContext(ctx, "request failed", RequestKey, RequestID(ctx), obs.Err, err)
	return OurFault()
}

// OurFault returns the answer to every error that is our fault.
func OurFault() *domain.Error {
	return api.InternalError("the request could not be worked", "tell the operators the request_id: the log says more")
}

// fromEcho translates the router's refusals.
func fromEcho(e *echo.HTTPError) *domain.Error {
	switch e.Code {
	case http.StatusMethodNotAllowed:
		return api.MethodNotAllowedError("the route does not have this method", "the Allow header lists those it has")
	case http.StatusNotFound:
		return domain.NotFoundError("there is no such route", "GET "+Prefix+"/docs lists all routes")
	}
	return api.BadRequestError("the request cannot be used", "")
}

// fromHuma translates huma's own refusals: parameters of a wrong type or range, and bodies that it cannot read. It
// leaves values out, since one may be a secret.
func fromHuma(m *huma.ErrorModel) *domain.Error {
	switch m.Status {
	case http.StatusRequestEntityTooLarge:
		return api.TooLargeError("the body is over 1 MiB", "member lists go to /events/{id}/targets")
	case http.StatusRequestTimeout:
		return api.RequestTimeoutError("the body did not arrive in time", "send it again")
	}
	var wrong []domain.Field
	for _, d := range m.Errors {
		if d.Location == "path.member_id" {
			return domain.NotFoundError("there is no such member: the id in the path "+d.Message,
				"percent-encode the member's id as UTF-8")
		}
		if strings.HasPrefix(d.Location, "path.") {
			return domain.NotFoundError("there is no such thing: an id is a positive number",
				"the list of such things shows their ids")
		}
		if d.Location != "" && d.Location != "body" {
			wrong = append(wrong, domain.Field{Name: d.Location, Message: d.Message})
		}
	}
	if len(wrong) > 0 {
		return api.BadParameterError(wrong...)
	}
	return api.MalformedError("the body is missing or ended early", "send one JSON object")
}

// AnswerError is echo's error handler: it answers requests that no handler answered.
func (a *API) AnswerError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	p := a.Problem(c.Request().Context(), err)
	for name, values := range p.header {
		c.Response().Header()[name] = values
	}
	c.Response().Header().Set(echo.HeaderContentType, problemType)
	c.Response().WriteHeader(p.Status)
	if c.Request().Method != http.MethodHead {
		_ = marshal(c.Response(), p.Problem) // the client is gone
	}
}
