package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"bestow/http/api"
)

// ResultFilter narrows the results of an event. Zero values stand for all.
type ResultFilter struct {
	Status, ErrorCode, MemberID string
	Limit                       int    // 1 … 1000; 0: the server's default
	Cursor                      string // of the page before
}

// Results returns a page of the results of an event, by member id. Error: domain.NotFound.
func (c *Client) Results(ctx context.Context, eventID int64, f ResultFilter) (api.Results, error) {
	q := url.Values{}
	for name, value := range map[string]string{
		"status": f.Status, "error_code": f.ErrorCode, "member_id": f.MemberID,
		"cursor": f.Cursor,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.Limit != 0 {
		q.Set("limit", strconv.Itoa(f.Limit))
	}
	var page api.Results
	return page, c.call(ctx, request{method: http.MethodGet, path: eventPath(eventID) + "/results", query: q}, &page)
}
