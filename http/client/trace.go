package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"bestow/http/api"
)

// Trace returns the way of one member of an event. Error: domain.NotFound for the event.
func (c *Client) Trace(ctx context.Context, eventID int64, member string) (api.Trace, error) {
	var t api.Trace
	path := eventPath(eventID) + "/members/" + url.PathEscape(member)
	return t, c.call(ctx, request{method: http.MethodGet, path: path}, &t)
}

// Memberships returns a page of the events that have the member on their lists, newest first. limit is 1 … 1000, or 0
// for the server's default; cursor is that of the page before.
func (c *Client) Memberships(ctx context.Context, member string, limit int, cursor string) (api.Memberships, error) {
	q := url.Values{}
	if limit != 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	var page api.Memberships
	path := "/members/" + url.PathEscape(member)
	return page, c.call(ctx, request{method: http.MethodGet, path: path, query: q}, &page)
}

// RevealPIN returns the voucher that the event has given the member, with its PIN. The audit keeps the reason. Errors:
// domain.NotFound, MissingKeys, TooManyAttempts.
func (c *Client) RevealPIN(ctx context.Context, eventID int64, member, reason string) (api.RevealedVoucher, error) {
	var v api.RevealedVoucher
	path := eventPath(eventID) + "/members/" + url.PathEscape(member) + "/reveal-pin"
	return v, c.call(ctx, request{method: http.MethodPost, path: path, body: api.RevealPIN{Reason: reason}}, &v)
}
