package client

import (
	"context"
	"net/http"

	"bestow/http/api"
)

// EventTag returns one event and the ETag of its definition, for EditEvent. Error: domain.NotFound.
func (c *Client) EventTag(ctx context.Context, id int64) (e api.Event, tag string, err error) {
	err = c.call(ctx, request{method: http.MethodGet, path: eventPath(id), tag: &tag}, &e)
	return e, tag, err
}

// EditEvent changes an event that is PENDING, if its definition is still the one with the tag. The patch has the names
// of the API; nil clears.
func (c *Client) EditEvent(ctx context.Context, id int64, tag string, patch map[string]any) (api.Event, error) {
	var e api.Event
	return e, c.call(ctx, request{method: http.MethodPatch, path: eventPath(id), body: patch, ifMatch: tag}, &e)
}

// DeleteEvent deletes an event that was never started.
func (c *Client) DeleteEvent(ctx context.Context, id int64) error {
	return c.call(ctx, request{method: http.MethodDelete, path: eventPath(id)}, nil)
}
