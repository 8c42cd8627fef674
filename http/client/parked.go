package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"bestow/http/api"
)

// ParkedFilter narrows a list of parked messages. Zero values stand for all.
type ParkedFilter struct {
	Cause    string
	Replayed *bool
	Limit    int    // 1 … 1000; 0: the server's default
	Cursor   string // of the page before
}

// Parked returns a page of parked messages, newest first.
func (c *Client) Parked(ctx context.Context, f ParkedFilter) (api.ParkedPage, error) {
	q := url.Values{}
	for name, value := range map[string]string{"cause": f.Cause, "cursor": f.Cursor} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.Replayed != nil {
		q.Set("replayed", strconv.FormatBool(*f.Replayed))
	}
	if f.Limit != 0 {
		q.Set("limit", strconv.Itoa(f.Limit))
	}
	var page api.ParkedPage
	return page, c.call(ctx, request{method: http.MethodGet, path: "/parked", query: q}, &page)
}

// ReplayParked requests the replay of a parked message. Errors: domain.NotFound, NotReplayable.
func (c *Client) ReplayParked(ctx context.Context, id int64) (api.Parked, error) {
	var p api.Parked
	return p, c.call(ctx, request{method: http.MethodPost, path: "/parked/" + strconv.FormatInt(id, 10) + "/replay"},
		&p)
}
