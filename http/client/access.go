package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"bestow/http/api"
)

// CreateKey makes a key, which only this answer shows. Errors: domain.Invalid, NameTaken.
func (c *Client) CreateKey(ctx context.Context, n api.NewKey) (api.MadeKey, error) {
	var k api.MadeKey
	return k, c.call(ctx, request{method: http.MethodPost, path: "/keys", body: n}, &k)
}

// Keys lists all keys, newest first.
func (c *Client) Keys(ctx context.Context) (api.Keys, error) {
	var k api.Keys
	return k, c.call(ctx, request{method: http.MethodGet, path: "/keys"}, &k)
}

// RevokeKey ends a key. Error: domain.NotFound.
func (c *Client) RevokeKey(ctx context.Context, id int64) error {
	return c.call(ctx, request{method: http.MethodDelete, path: "/keys/" + strconv.FormatInt(id, 10)}, nil)
}

// AuditFilter narrows a list of changes. Zero values stand for all.
type AuditFilter struct {
	EventID       int64
	Actor, Action string
	Since         time.Time
	Limit         int    // 1 … 1000; 0: the server's default
	Cursor        string // of the page before
}

// Audit returns a page of what people and keys have changed, newest first.
func (c *Client) Audit(ctx context.Context, f AuditFilter) (api.AuditPage, error) {
	q := url.Values{}
	for name, value := range map[string]string{"actor": f.Actor, "action": f.Action, "cursor": f.Cursor} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.EventID != 0 {
		q.Set("event_id", strconv.FormatInt(f.EventID, 10))
	}
	if !f.Since.IsZero() {
		q.Set("since", f.Since.Format(time.RFC3339Nano))
	}
	if f.Limit != 0 {
		q.Set("limit", strconv.Itoa(f.Limit))
	}
	var page api.AuditPage
	return page, c.call(ctx, request{method: http.MethodGet, path: "/audit", query: q}, &page)
}
