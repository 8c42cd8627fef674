package client

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"bestow/domain"
	"bestow/http/api"

	"github.com/go-json-experiment/json"
)

// RejectedError is the error of an upload that was refused because of its rows.
type RejectedError struct {
	Cause    *domain.Error
	Rejected int               // how many rows
	Rows     []api.RejectedRow // the first hundred of them
}

// Error says why the upload was refused.
func (e *RejectedError) Error() string { return e.Cause.Message }

// Unwrap lets errors.As find the *domain.Error.
func (e *RejectedError) Unwrap() error { return e.Cause }

// maxRefusal bounds the bytes that are read of a refusal: a hundred rows of 64 KiB each.
const maxRefusal = 8 << 20

// refusal turns an answer that is no success into the error that the server had.
func refusal(res *http.Response) error {
	var p api.Problem
	err := json.UnmarshalRead(io.LimitReader(res.Body, maxRefusal), &p)
	if err != nil || p.Code == "" {
		return notOurs(res)
	}
	e := domain.NewError(p.Code, p.Detail, p.Hint)
	e.Current, e.EventID = domain.Status(p.Current), p.EventID
	if p.Since != nil {
		e.Brake = &domain.Brake{Scope: domain.BrakeScope(p.Scope), By: p.By, Since: *p.Since}
	}
	for _, f := range p.Errors {
		e.Fields = append(e.Fields, domain.Field{Name: strings.TrimPrefix(f.Location, "body."), Message: f.Message})
	}
	for _, m := range p.Allowed {
		e.Allowed = append(e.Allowed, domain.Move(m))
	}
	if p.Status >= http.StatusInternalServerError && p.RequestID != "" {
		e.Hint += fmt.Sprintf(" (request %s)", p.RequestID)
	}
	if p.Code == api.Unauthorized {
		e.Hint = "set BESTOW_KEY to a key that the service knows"
	}
	if p.RejectedRows != nil {
		return &RejectedError{Cause: e, Rejected: p.Rejected, Rows: p.RejectedRows}
	}
	return e
}

// notOurs returns the error for an answer of another program in the server's place.
func notOurs(res *http.Response) error {
	message := "the server answered " + res.Status + ", but not as bestow does"
	if res.StatusCode >= http.StatusInternalServerError {
		return domain.UnavailableError(message, "ask again in a moment")
	}
	return domain.NotFoundError(message, "check BESTOW_URL: it may lead to something else")
}
