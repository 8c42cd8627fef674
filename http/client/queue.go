package client

import (
	"context"
	"net/http"

	"bestow/http/api"
)

// Queue returns what runs in lanes and what will, in the order in which it will run.
func (c *Client) Queue(ctx context.Context) (api.Queue, error) {
	var q api.Queue
	return q, c.call(ctx, request{method: http.MethodGet, path: "/queue"}, &q)
}
